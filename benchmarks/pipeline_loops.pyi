import numpy as np
from numpy.typing import NDArray

from pricetime import Engine
from pricetime.log.writer import Writer
from pricetime.ring import Idle, Ring

def fill(ring: Ring, commands: NDArray[np.void], idle: Idle) -> None: ...
def match_from(engine: Engine, ring: Ring, count: int, idle: Idle, writer: Writer | None = None) -> tuple[int, int]: ...
def time_each(engine: Engine, ring: Ring, count: int) -> NDArray[np.uint32]: ...
