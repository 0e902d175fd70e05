"""What the metrics and the live page can read from a running exchange."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ...native.histogram import Histogram
from ...types import Phase


class SideDepth(NamedTuple):
    """Totals of one side of a book."""

    orders: int
    levels: int
    lots: float
    best: int | None  #: best price in ticks; None if the side is empty


class BookDepth(NamedTuple):
    """Totals of a book at one moment."""

    phase: Phase
    bids: SideDepth
    asks: SideDepth

    @property
    def spread(self) -> int | None:
        """Best ask minus best bid in ticks; None if a side is empty.

        Also None while an aggressing order is trading: its price then crosses the prices that it trades with.
        """
        if self.bids.best is None or self.asks.best is None or self.asks.best <= self.bids.best:
            return None
        return self.asks.best - self.bids.best


class Measured(Protocol):
    """The readable side of an exchange. No call takes a lock that could delay the threads that carry orders."""

    def stats(self) -> Mapping[str, int | float]:
        """Counters since the start, by name."""

    def latencies(self) -> Mapping[str, Mapping[str, Histogram]]:
        """Histograms recorded so far: {interval: {kind of command: Histogram}}, in ns."""

    def report_counts(self) -> Mapping[tuple[int, int], int]:
        """Number of reports since the start, by (ReportKind, Reason)."""

    def depth(self, instrument: int) -> BookDepth:
        """Totals of a book, read from the replica. Do not call it in the event loop: it waits for the replica."""
