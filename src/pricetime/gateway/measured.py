"""What can be read of a running exchange, for whoever watches it: metrics, and pages that show it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from ..measure.histogram import Histogram
from ..types import InstrumentState


class SideDepth(NamedTuple):
    """What rests on one side of a book."""

    orders: int
    levels: int
    lots: float
    best: int | None  #: ticks; None when the side is empty


class BookDepth(NamedTuple):
    """What rests in a book at one moment."""

    state: InstrumentState
    bids: SideDepth
    asks: SideDepth

    @property
    def spread(self) -> int | None:
        """Ticks between the best prices, None unless there are both.

        None also while a taker is in the middle of its trades: its price then lies beyond those it trades with.
        """
        if self.bids.best is None or self.asks.best is None or self.asks.best <= self.bids.best:
            return None
        return self.asks.best - self.bids.best


class Measured(Protocol):
    """An exchange, to who reads it. No call takes a lock that the threads that carry orders could wait for."""

    def stats(self) -> Mapping[str, int | float]:
        """What was done so far, by name."""

    def latencies(self) -> Mapping[str, Mapping[str, Histogram]]:
        """What was recorded so far: of each interval, a histogram for each kind of command."""

    def report_counts(self) -> Mapping[tuple[int, int], int]:
        """How many reports there were since the start, by ReportKind and Reason."""

    def depth(self, instrument: int) -> BookDepth:
        """What rests in a book, as the feed tells it. Not in the loop: it waits for the replica."""
