"""Measure the duration of ``import pricetime`` in a fresh process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

TARGET_MS = 100.0

PROGRAM = "import time; start = time.perf_counter_ns(); import {}; print(time.perf_counter_ns() - start)"


@dataclass(frozen=True)
class ImportTime:
    """Medians over fresh processes, in ms."""

    pricetime: float  #: NumPy included
    numpy: float


def measure(rounds: int, advance: Callable[[], None] = lambda: None) -> ImportTime:
    """Return the medians. The first processes of each kind only load the files into the page cache."""
    taken: dict[str, list[float]] = {"pricetime": [], "numpy": []}
    for _ in range(rounds + 1):
        for module, times in taken.items():
            out = subprocess.run([sys.executable, "-c", PROGRAM.format(module)], capture_output=True, check=True).stdout
            times.append(int(out) / 1e6)
        advance()
    return ImportTime(**{module: float(np.median(times[1:])) for module, times in taken.items()})
