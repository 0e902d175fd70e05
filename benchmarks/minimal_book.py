"""The C++ book of ``minimal_book.cpp``: a lower bound for the time of ``OrderBook``."""

from __future__ import annotations

import ctypes

import numpy as np

from pricetime.types import REPORT, CommandArray, ReportArray

from .build import minimal_library


class MinimalBook:
    """Room for ``capacity`` orders. Raises NotCompiled."""

    def __init__(self, capacity: int) -> None:
        self.library = minimal_library()
        self.book = ctypes.c_void_p(self.library.book_open(ctypes.c_uint32(capacity)))
        self.reports = np.zeros(0, REPORT)

    def __del__(self) -> None:
        if hasattr(self, "book"):
            self.library.book_close(self.book)

    def apply(self, commands: CommandArray) -> ReportArray:
        """Execute commands; return the reports, which are valid until the next call."""
        most = 3 * commands.size + len(self)
        if self.reports.size < most:
            self.reports = np.zeros(most + most // 2, REPORT)
        commands = np.ascontiguousarray(commands)
        into = ctypes.c_void_p(self.reports.ctypes.data)
        count = self.library.book_run(
            self.book, ctypes.c_void_p(commands.ctypes.data), ctypes.c_uint64(commands.size), into
        )
        return self.reports[:count]

    def __len__(self) -> int:
        return int(self.library.book_resting(self.book))
