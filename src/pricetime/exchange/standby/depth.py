"""Totals of a book, as the metrics show them."""

from __future__ import annotations

from typing import NamedTuple

from ...core.order_book import OrderBook
from ...types import DepthArray, Phase


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
        """Best ask minus best bid in ticks; None if a side is empty."""
        return None if self.bids.best is None or self.asks.best is None else self.asks.best - self.bids.best


def depth_of(book: OrderBook) -> BookDepth:
    """Add up a book. O(levels)."""
    bids, asks = book.depth(None)
    return BookDepth(book.phase, _add_up(bids), _add_up(asks))


def _add_up(levels: DepthArray) -> SideDepth:
    """Add up one side. The sum of lots is a float, because it may exceed 64 bits."""
    best = int(levels["price"][0]) if len(levels) else None
    return SideDepth(int(levels["count"].sum()), len(levels), float(levels["quantity"].sum(dtype=float)), best)
