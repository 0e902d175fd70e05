import numpy as np
from numpy.typing import NDArray

from pricetime.ring import Idle, Ring

from .alternatives.mutex_ring import MutexRing

def produce(ring: Ring | MutexRing, first: int, count: int, batch: int, idle: Idle) -> None: ...
def consume(
    ring: Ring | MutexRing,
    first: int,
    count: int,
    batch: int,
    idle: Idle,
    stall_every: int = 0,
    stall_ns: int = 0,
) -> int: ...
def produce_in_place(ring: Ring, first: int, count: int, batch: int, idle: Idle) -> None: ...
def consume_in_place(ring: Ring, first: int, count: int, batch: int, idle: Idle) -> int: ...
def ping(there: Ring | MutexRing, back: Ring | MutexRing, count: int, idle: Idle) -> NDArray[np.uint32]: ...
def echo(there: Ring | MutexRing, back: Ring | MutexRing, count: int, idle: Idle) -> None: ...
