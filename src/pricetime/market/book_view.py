"""The best levels of a book, as a trader sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..phases import PHASES
from ..types import Phase

#: Levels of each side that traders look at.
LEVELS = 3


class Depth(Protocol):
    """A book that can be asked for its phase and its best levels, such as ``OrderBook``."""

    @property
    def phase(self) -> Phase: ...

    def depth(self, levels: int = ...) -> tuple[NDArray[np.void], NDArray[np.void]]: ...


@dataclass(frozen=True)
class BookView:
    """Prices in ticks and quantities in lots of the best levels, the best first."""

    bids: tuple[tuple[int, int], ...] = ()
    asks: tuple[tuple[int, int], ...] = ()
    collects: bool = False  #: orders are collected for an auction, so bids may be above asks

    @classmethod
    def of(cls, book: Depth) -> BookView:
        """What ``book`` has now."""
        bids, asks = book.depth(LEVELS)
        return cls(
            tuple((price, quantity) for price, quantity, _ in bids.tolist()),
            tuple((price, quantity) for price, quantity, _ in asks.tolist()),
            PHASES[book.phase].collects,
        )

    @property
    def best_bid(self) -> int | None:
        """Ticks; None if there is no bid."""
        return self.bids[0][0] if self.bids else None

    @property
    def best_ask(self) -> int | None:
        """Ticks; None if there is no ask."""
        return self.asks[0][0] if self.asks else None

    @property
    def mid(self) -> float | None:
        """Ticks halfway between the best prices; None unless both sides have orders, and while they are collected."""
        if not self.bids or not self.asks or self.collects:
            return None
        return (self.bids[0][0] + self.asks[0][0]) / 2

    @property
    def imbalance(self) -> float:
        """From -1, only asks, to 1, only bids: which side of the best levels has more lots."""
        bids, asks = sum(lots for _, lots in self.bids), sum(lots for _, lots in self.asks)
        return (bids - asks) / (bids + asks) if bids + asks else 0.0
