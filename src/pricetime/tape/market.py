"""The books of one replay. Before an opening and in a halt each side has its own book; otherwise both share one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..types import Side

if TYPE_CHECKING:
    from ..core.order_book import OrderBook
    from ..reference.book import ReferenceBook

#: Price, quantity and number of orders of each level, best first.
Levels: TypeAlias = list[tuple[int, int, int]]


#: What a replay fills.
Book: TypeAlias = "OrderBook | ReferenceBook"

#: Makes an empty book: a class such as ``OrderBook``, or a function.
MakeBook: TypeAlias = Callable[[], Book]


class Market:
    """One instrument. ``side[Side.BID]`` and ``side[Side.ASK]`` are the books in which each side rests.

    Before an opening and in a halt, bids and asks may cross and nothing trades: each side rests in a book of its own.
    In continuous trading both rest in ``book``.
    """

    def __init__(self, make_book: MakeBook) -> None:
        self.book = make_book()
        self._collected_asks = make_book()
        self.side: dict[int, Book] = {Side.BID: self.book, Side.ASK: self._collected_asks}

    @property
    def continuous(self) -> bool:
        """Does one book hold both sides?"""
        return self.side[Side.ASK] is self.book

    def open(self) -> bool:
        """Move both sides into one book with their queues unchanged. If they cross, do nothing and return False."""
        bid, ask = self.side[Side.BID].best_bid, self.side[Side.ASK].best_ask
        if bid is not None and ask is not None and bid >= ask:
            return False
        if not self.continuous:
            _move(self._collected_asks, self.book)
            self.side[Side.ASK] = self.book
        return True

    def collect(self) -> None:
        """Separate the two sides again, because trading has stopped."""
        if self.continuous:
            _move(self.book, self._collected_asks, Side.ASK)
            self.side[Side.ASK] = self._collected_asks

    def crosses(self, side: Side, price: int) -> bool:
        """Would an order at this price trade at once? Always False outside continuous trading."""
        if not self.continuous:
            return False
        best = self.book.best_ask if side is Side.BID else self.book.best_bid
        return best is not None and (best <= price if side is Side.BID else best >= price)

    def clear(self) -> None:
        """Cancel every order and wait for an opening."""
        for book in (self.book, self._collected_asks):
            for order in list(book):
                book.cancel_order(order.id)
        self.side[Side.ASK] = self._collected_asks

    def depth(self, levels: int) -> tuple[Levels, Levels]:
        """The best levels of each side: bids, asks."""
        if self.continuous:
            bids, asks = self.book.depth(levels)
        else:
            bids, asks = self.book.depth(levels)[0], self._collected_asks.depth(levels)[1]
        return as_levels(bids), as_levels(asks)

    def __len__(self) -> int:
        return len(self.book) + (0 if self.continuous else len(self._collected_asks))


def as_levels(levels: Any) -> Levels:
    """One side of ``depth``, which is an array or a list depending on the book, as a list of tuples."""
    plain: Levels = levels.tolist() if isinstance(levels, np.ndarray) else levels
    return plain


def _move(source: Book, target: Book, side: Side | None = None) -> None:
    """Move orders from ``source`` to ``target`` in the order of their queues."""
    for order in list(source):
        if side is None or order.side is side:
            source.cancel_order(order.id)
            target.add_order(order.id, order.side, order.price, order.quantity, timestamp=order.timestamp)
