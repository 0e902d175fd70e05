import numpy as np
from numpy.typing import NDArray

from pricetime import Engine
from pricetime.log.writer import Writer

def append_paced(
    writer: Writer, commands: NDArray[np.void], batch: int, gap_ticks: int
) -> tuple[NDArray[np.uint32], int, int]: ...
def match(engine: Engine, commands: NDArray[np.void], batch: int, writer: Writer | None = None) -> tuple[int, int]: ...
