"""Time calls from a Python loop: of ``OrderBook``, of a plain Python book, of a method that does nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from pricetime import OrderBook, Side

from .plain_book import PlainBook
from .python_loop import Arguments, Book, arguments, time_adds, time_adds_and_cancels, time_cancels, time_matches
from .rounds import no_collector
from .workloads import resting, takers_of

#: Goal: ``add_order`` that trades is this many times as fast as the plain Python book.
TARGET_TIMES = 5.0

#: Orders in the book while orders are added and cancelled alternately.
STANDING = 1_000


class EmptyBook:
    """Methods that do nothing: the cost of the loop and of the call."""

    def add_order(self, order_id: int, side: Side, price: int, quantity: int) -> None: ...

    def cancel_order(self, order_id: int) -> None: ...

    def __len__(self) -> int:
        return 0


@dataclass
class Calls:
    """One kind of call: ns for each call of each book, by round."""

    name: str
    pricetime: list[float] = field(default_factory=list)
    plain: list[float] = field(default_factory=list)
    empty: list[float] = field(default_factory=list)

    @property
    def times(self) -> float:
        """Speed relative to plain Python: the median over the rounds."""
        return float(np.median(np.divide(self.plain, self.pricetime)))


def m_calls(ns: list[float]) -> float:
    """Return million calls a second, the median."""
    return 1e3 / float(np.median(ns))


def measure(count: int, rounds: int, advance: Callable[[], None] = lambda: None) -> list[Calls]:
    """Time ``count`` orders that are added and cancelled, added and matched one by one, or cancelled at once."""
    rng = np.random.default_rng(1)
    orders = resting(count, rng)
    makers, takers = arguments(orders), arguments(takers_of(orders, rng))
    kinds = [
        Calls("add_order, rests"),
        Calls("add_order, trades"),
        Calls("cancel_order"),
        Calls("add_order and cancel_order alternately"),
    ]
    for _ in range(rounds):
        for name, make in (("pricetime", OrderBook), ("plain", PlainBook), ("empty", EmptyBook)):
            for kind, ns in zip(kinds, _round(make, makers, takers), strict=True):
                getattr(kind, name).append(ns)
        advance()
    return kinds


def _round(make: Callable[[], Book], makers: list[Arguments], takers: list[Arguments]) -> list[float]:
    """ns a call of each kind. Orders are added once before they are timed, so that the memory of the book is in use."""
    with no_collector():
        book = make()
        time_adds(book, makers)
        cancels = time_cancels(book, makers)
        rests = time_adds(book, makers)
        book = make()
        time_adds(book, makers)
        trades = time_matches(book, takers) if isinstance(book, OrderBook) else time_adds(book, takers)
        assert len(book) == 0, "an order was not added"
        book = make()
        time_adds(book, makers[:STANDING])
        in_turn = time_adds_and_cancels(book, makers[STANDING:])
    return [rests, trades, cancels, in_turn]
