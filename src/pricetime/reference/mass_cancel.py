"""A mass cancel, which may be executed in parts with other commands in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol

from ..types import Reason, Side
from .records import Order


class Book(Protocol):
    """What a mass cancel needs of a book."""

    by_id: dict[int, Order]

    def orders_of(self, owner: int) -> list[Order]:
        """The resting orders of an owner."""

    def cancel(self, order: Order, reason: int) -> int:
        """Remove an order. Returns the quantity that it had."""


class MassCancel:
    """Visits the orders of ``owner`` that rest in ``books`` now, oldest first, and cancels those that match.

    ``only``: the book whose orders it cancels, None for all. ``keeps``: bits, 1 << ``TimeInForce``, of the orders that
    it visits but does not cancel. An order that later moves to the back of a level counts
    as new and stays.
    """

    def __init__(
        self,
        books: Iterable[Book],
        owner: int,
        side: Side | None,
        *,
        only: Book | None = None,
        instrument: int = 0,
        order_id: int = 0,
        reason: int = Reason.BY_MASS_CANCEL,
        keeps: int = 0,
    ) -> None:
        found = [(order.entered, book, order) for book in books for order in book.orders_of(owner)]
        self.waiting = deque(sorted(found, key=lambda entry: entry[0]))
        self.side, self.only, self.reason, self.keeps = side, only, reason, keeps
        self.instrument, self.order_id = instrument, order_id  #: of its command: its last report repeats them
        self.cancelled = 0  #: orders, so far

    @property
    def is_done(self) -> bool:
        """Has it visited every order that still rests?"""
        self.waiting = deque(entry for entry in self.waiting if self._rests(*entry))
        return not self.waiting

    def part(self, limit: int) -> Iterator[tuple[Book, Order, int]]:
        """Visit up to ``limit`` orders, all for 0.

        Yields the cancelled ones, each with its book and the quantity it had.
        """
        left = limit or len(self.waiting)
        while left and not self.is_done:
            left -= 1
            _, book, order = self.waiting.popleft()
            if self._means(book, order):
                quantity = book.cancel(order, self.reason)
                self.cancelled += 1
                yield book, order, quantity

    def will_cancel(self, book: object, order: Order) -> bool:
        """Has it yet to visit this order, and will it cancel it?"""
        return self._means(book, order) and any(
            o is order and entered == order.entered for entered, _, o in self.waiting
        )

    def _means(self, book: object, order: Order) -> bool:
        here = self.only in (None, book) and self.side in (None, order.side)
        return here and not self.keeps >> order.time_in_force & 1

    @staticmethod
    def _rests(entered: int, book: Book, order: Order) -> bool:
        return book.by_id.get(order.id) is order and order.entered == entered
