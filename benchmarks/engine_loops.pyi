from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricetime.log.writer import Writer

def ticks_per_ns(seconds: float = 0.1) -> float: ...
def time_each(book: Any, commands: NDArray[np.void]) -> NDArray[np.uint32]: ...
def append_paced(
    writer: Writer, commands: NDArray[np.void], batch: int, gap_ticks: int
) -> tuple[NDArray[np.uint32], int]: ...
