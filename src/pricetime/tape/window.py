"""Keeps a book equal to the rows of a LOBSTER file, which show a number of best levels of each side.

Deeper levels change without a message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from ..types import Side
from .lobster import Rows
from .market import Book, as_levels

#: (price, size) of levels, best first.
Sizes: TypeAlias = tuple[tuple[int, int], ...]

#: Orders that a row shows and no message announced get ids from 2**64 - 1 down. Nasdaq uses no such ids.
UNSEEN_FROM = 2**63

# The facts that are counted.
ROWS = "rows of the orderbook file"
SIDES_COMPARED = "sides compared, two in a row at most"
SIDES_AGREE = "sides of which every level in view agrees"
BOTH_COMPARED = "rows with both sides compared"
BEST_AGREES = "of these, best bid and ask agree"
ALL_AGREE = "of these, every level in view agrees"
REVEALED = "levels that came into view"


class Row(NamedTuple):
    """One row: (price, size) of its levels, best first, without the empty ones."""

    bids: Sizes
    asks: Sizes
    levels: int  #: how many of each side the file shows

    @classmethod
    def at(cls, rows: Rows, index: int) -> Row:
        """The row with this index."""
        bids, asks = (
            tuple([(key * sign, size) for key, size in zip(keys, sizes, strict=True) if size])
            for sign, keys, sizes in zip(
                (1, -1), rows.keys[:, index].tolist(), rows.sizes[:, index].tolist(), strict=True
            )
        )
        return cls(bids, asks, rows.keys.shape[2])

    def sides(self) -> Iterator[tuple[Side, Sizes]]:
        return zip(Side, (self.bids, self.asks), strict=True)


class Window:
    """Compares a book with the rows, and corrects it where the rows show what no message announced.

    A level that was in view before a message must be in the book, as the row has it after the message. For a level that
    comes into view, only the row counts: its orders may have left and others may have arrived while it was out of view.
    One stand-in order then represents all orders of that level, at the head of its queue.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._unseen = 0  # stand-ins so far
        self._stand_ins: dict[tuple[int, int], int] = {}  # side and price -> the stand-in order
        self._before: Row | None = None  # the row before the one that is compared, None if it is not known
        self.is_open = False  #: whether there has been a row
        self.explained = 0  #: rows that differ from the row before only by their message
        self.revealing = 0  #: the same, and a level came into view
        self._is_single = False  # one level for each side: if it is new, there is nothing to compare
        self._hidden: dict[Side, list[int]] = {side: [] for side in Side}  # prices out of view, the best last
        self.facts: Counter[str] = Counter()  #: of the other rows

    def count(self, facts: Counter[str]) -> None:
        """Add the counts to ``facts``. A row that its message explains agrees on both sides."""
        rows = self.explained + self.revealing
        uncompared = self.revealing if self._is_single else 0
        for fact, of_explained in {
            ROWS: rows,
            SIDES_COMPARED: 2 * rows - uncompared,
            SIDES_AGREE: 2 * rows - uncompared,
            BOTH_COMPARED: rows - uncompared,
            BEST_AGREES: rows - uncompared,
            ALL_AGREE: rows - uncompared,
        }.items():
            facts[fact] = self.facts[fact] + of_explained
        if revealed := self.facts[REVEALED] + self.revealing:
            facts[REVEALED] = revealed

    def open(self, row: Row) -> None:
        """Fill the book from the first row."""
        self._is_single = row.levels == 1
        for order in list(self._book):
            self._book.cancel_order(order.id)
        for side, levels in row.sides():
            for price, size in levels:
                self._add_unseen(side, price, size)
        self.is_open = True

    def compare(self, before: Row | None, row: Row) -> None:
        """Compare the book with the row after a message, then correct the visible levels to those of the row.

        ``before``: the row before the message; None if a line there was unreadable: then nothing is compared.
        """
        self._before = before
        compared, best_agrees, agree = [], [], []
        for (side, shown), levels in zip(row.sides(), self._book.depth(row.levels), strict=True):
            held = tuple([(price, size) for price, size, _ in as_levels(levels)])
            known = [level for level in held if self._was_in_sight(side, level[0])]
            told = [level for level in shown if self._was_in_sight(side, level[0])]
            compared.append(bool(known or told or self._deepest(side) is None))
            best_agrees.append(known[:1] == told[:1])
            agree.append(known == told)
            if held != shown or len(told) < len(shown):
                self._follow(side, held, shown, row.levels)
        self._find_hidden(row.levels)
        if before is None:
            return
        both = all(compared)
        self.facts[ROWS] += 1
        self.facts[SIDES_COMPARED] += sum(compared)
        self.facts[SIDES_AGREE] += sum(one and other for one, other in zip(compared, agree, strict=True))
        self.facts[BOTH_COMPARED] += both
        self.facts[BEST_AGREES] += both and all(best_agrees)
        self.facts[ALL_AGREE] += both and all(agree)

    def hide(self, side: Side, rows: Rows, index: int) -> None:
        """Follow a row that its message explains. The last level of the row at ``index`` went out of view."""
        self._hidden[side].append(_price_of(side, rows.keys[side - 1, index, -1]))
        self.explained += 1

    def reveal(self, side: Side, rows: Rows, index: int) -> None:
        """Follow a row that its message explains except for the last level of a side, which came into view."""
        price = _price_of(side, rows.keys[side - 1, index, -1])
        hidden = self._hidden[side]
        while hidden and not nearer(side, price, hidden[-1]):
            clear_level(self._book, side, hidden.pop())
        self._add_unseen(side, price, int(rows.sizes[side - 1, index, -1]))
        self.revealing += 1

    def stand_in(self, side: int, price: int, size: int) -> int | None:
        """The stand-in order of a level if it has at least this size, else None. O(1)."""
        order_id = self._stand_ins.get((side, price))
        if order_id is None or order_id not in self._book or self._book.order(order_id).quantity < size:
            return None
        return order_id

    # ---------------------------------------------------------------- inside

    def _deepest(self, side: Side) -> int | None:
        """The deepest price of a side in the row before this one; None if that row showed the whole side."""
        if self._before is None:
            return None
        levels = self._before.bids if side is Side.BID else self._before.asks
        return levels[-1][0] if len(levels) == self._before.levels else None

    def _was_in_sight(self, side: Side, price: int) -> bool:
        """Would the row before this one have shown this price?"""
        deepest = self._deepest(side)
        return deepest is None or not nearer(side, deepest, price)

    def _find_hidden(self, levels: int) -> None:
        """Find which levels of the book are out of view. O(levels of the book)."""
        for side, deeper in zip(Side, self._book.depth(len(self._book) + 1), strict=True):
            self._hidden[side] = [price for price, _, _ in reversed(as_levels(deeper)[levels:])]

    def _follow(self, side: Side, held: Sizes, shown: Sizes, levels: int) -> None:
        """Correct the best levels of one side to those of a row."""
        prices = {price for price, _ in shown}
        deepest = shown[-1][0] if len(shown) == levels else None
        while gone := [
            price for price, _ in held if price not in prices and (deepest is None or nearer(side, price, deepest))
        ]:
            for price in gone:
                clear_level(self._book, side, price)
            held = tuple([(price, size) for price, size, _ in as_levels(self._book.depth(levels)[side is Side.ASK])])
        sizes = dict(held)
        for price, size in shown:
            revealed = not self._was_in_sight(side, price)
            if revealed or sizes.get(price) != size:
                clear_level(self._book, side, price)
                self._add_unseen(side, price, size)
                self.facts[REVEALED] += revealed

    def _add_unseen(self, side: Side, price: int, size: int) -> None:
        self._unseen += 1
        order_id = 2**64 - self._unseen
        self._book.add_order(order_id, side, price, size)
        self._stand_ins[side, price] = order_id


def _price_of(side: Side, key: np.int64) -> int:
    return int(key if side is Side.BID else -key)


def nearer(side: int, price: int, other: int) -> bool:
    """Is ``price`` nearer to the other side of the book than ``other``?"""
    return price > other if side == Side.BID else price < other


def clear_level(book: Book, side: int, price: int) -> None:
    """Cancel every order at a price. O(orders there)."""
    for order in book.orders(side, price):
        book.cancel_order(order.id)
