"""Reports of a feed that came before those in front of them."""

from __future__ import annotations

import heapq

from pricetime.types import REPORT

REPORT_BYTES = REPORT.itemsize


class EarlyReports:
    """Runs of reports, as a heap by the number of the first."""

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, bytes]] = []
        self.counts: dict[int, int] = {}
        self.n_bytes = 0

    def has(self, first: int, count: int) -> bool:
        return self.counts.get(first, 0) >= count

    def push(self, first: int, reports: bytes) -> None:
        heapq.heappush(self.heap, (first, len(reports), reports))
        self.counts[first] = max(self.counts.get(first, 0), len(reports) // REPORT_BYTES)
        self.n_bytes += len(reports)

    def pop(self) -> tuple[int, bytes]:
        first, size, reports = heapq.heappop(self.heap)
        self.counts.pop(first, None)
        self.n_bytes -= size
        return first, reports
