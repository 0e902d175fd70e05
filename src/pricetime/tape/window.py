"""The window of a LOBSTER file: the best so many levels of each side. What lies deeper changes without a message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from ..types import Side
from .lobster import Row
from .market import Book, as_levels

#: (price, size) of levels, best first.
Sizes: TypeAlias = tuple[tuple[int, int], ...]

#: Orders that a row shows and no message told of get ids from 2**64 - 1 down, far beyond any of Nasdaq's.
UNSEEN_FROM = 2**63

# The facts that are counted.
ROWS = "rows of the orderbook file"
BEST_AGREES = "rows whose best bid and ask are the book's"
ALL_AGREE = "rows of which every level in sight is the book's"
REVEALED = "levels that came into sight"


class Window:
    """Keeps a book to what the rows show.

    A level that was in sight before a message must be in the book as the row has it after the message. Of a level
    that comes into sight only the row is to be trusted: whatever was known of its queue may have gone, and others may
    have come. One order then stands for all that rests there, at the head of what will queue up behind it.
    """

    def __init__(self, book: Book, facts: Counter[str]) -> None:
        self._book = book
        self._facts = facts
        self._unseen = 0  # orders without a message so far
        self._seen_to: dict[Side, int | None] = {}  # deepest price in sight; None: all there is

    @property
    def is_open(self) -> bool:
        """Has there been a row?"""
        return bool(self._seen_to)

    def open(self, row: Row) -> None:
        """Fill an empty book from the first row."""
        for side, levels in _sides(row):
            for price, size in levels:
                self._add_unseen(side, price, size)
        self._look(row)

    def compare(self, row: Row) -> None:
        """Hold the book against the row after a message, then make the visible levels what the row says."""
        best_agrees = all_agree = True
        for (side, shown), levels in zip(_sides(row), self._book.depth(row.levels), strict=True):
            held = tuple([(price, size) for price, size, _ in as_levels(levels)])
            if held == shown and (not shown or self._was_in_sight(side, shown[-1][0])):
                continue
            known = [level for level in held if self._was_in_sight(side, level[0])]
            told = [level for level in shown if self._was_in_sight(side, level[0])]
            best_agrees &= known[:1] == told[:1]
            all_agree &= known == told
            self._follow(side, held, shown, row.levels)
        self._facts[ROWS] += 1
        self._facts[BEST_AGREES] += best_agrees
        self._facts[ALL_AGREE] += all_agree
        self._look(row)

    def stand_in(self, side: Side, price: int, size: int) -> int | None:
        """An order that stands for orders without a message, of at least this size. O(orders at the price)."""
        for order in self._book.orders(side, price):
            if order.id >= UNSEEN_FROM and order.quantity >= size:
                return order.id
        return None

    # ---------------------------------------------------------------- inside

    def _look(self, row: Row) -> None:
        """Remember how deep this row shows the book."""
        for side, levels in _sides(row):
            self._seen_to[side] = levels[-1][0] if len(levels) == row.levels else None

    def _was_in_sight(self, side: Side, price: int) -> bool:
        """Could the row before this one have shown this price?"""
        deepest = self._seen_to[side]
        return deepest is None or not nearer(side, deepest, price)

    def _follow(self, side: Side, held: Sizes, shown: Sizes, levels: int) -> None:
        """Make the best levels of one side what a row shows."""
        prices = {price for price, _ in shown}
        deepest = shown[-1][0] if len(shown) == levels else None
        while gone := [
            price for price, _ in held if price not in prices and (deepest is None or nearer(side, price, deepest))
        ]:
            for price in gone:
                clear_level(self._book, side, price)
            held = tuple([(p, size) for p, size, _ in as_levels(self._book.depth(levels)[side is Side.ASK])])
        sizes = dict(held)
        for price, size in shown:
            revealed = not self._was_in_sight(side, price)
            if revealed or sizes.get(price) != size:
                clear_level(self._book, side, price)
                self._add_unseen(side, price, size)
                self._facts[REVEALED] += revealed

    def _add_unseen(self, side: Side, price: int, size: int) -> None:
        self._unseen += 1
        self._book.add_order(2**64 - self._unseen, side, price, size)


def nearer(side: Side, price: int, other: int) -> bool:
    """Is a price nearer to the other side of the book than another?"""
    return price > other if side is Side.BID else price < other


def clear_level(book: Book, side: Side, price: int) -> None:
    for order in book.orders(side, price):
        book.cancel_order(order.id)


def _sides(row: Row) -> Iterator[tuple[Side, Sizes]]:
    return zip(Side, (row.bids, row.asks), strict=True)
