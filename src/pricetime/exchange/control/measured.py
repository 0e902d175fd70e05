"""What the metrics and the live page can read from a running exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ...native.histogram import Histogram
from ..standby.depth import BookDepth


class Measured(Protocol):
    """The readable side of an exchange. No call takes a lock that could delay the threads that carry orders."""

    def stats(self) -> Mapping[str, int | float]:
        """Counters since the start, by name."""

    def latencies(self) -> Mapping[str, Mapping[str, Histogram]]:
        """Histograms recorded so far: {interval: {kind of command: Histogram}}, in ns."""

    def report_counts(self) -> Mapping[tuple[int, int], int]:
        """Number of reports since the start, by (ReportKind, Reason)."""

    def depth(self, instrument: int) -> BookDepth:
        """Totals of a book, read from the follower. Do not call it in the event loop: it waits for the follower."""
