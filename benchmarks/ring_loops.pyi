import numpy as np
from numpy.typing import NDArray

from pricetime.ring import Idle, Ring

def produce(ring: Ring, first: int, count: int, batch: int, idle: Idle) -> None: ...
def consume(
    ring: Ring,
    first: int,
    count: int,
    batch: int,
    idle: Idle,
    stall_every: int = 0,
    stall_ns: int = 0,
) -> int: ...
def ping(there: Ring, back: Ring, count: int, idle: Idle) -> NDArray[np.uint32]: ...
def echo(there: Ring, back: Ring, count: int, idle: Idle) -> None: ...
