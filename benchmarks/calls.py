"""Time calls from a Python loop, one command each: of ``OrderBook`` and of the plain book."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pricetime import OrderBook, Side

from .plain_book import PlainBook
from .workloads import LOTS, resting, takers_of

#: Order id, side and price of each order; all have the same quantity.
Arguments: TypeAlias = tuple[int, Side, int]


class Book(Protocol):
    """The timed calls."""

    def add_order(self, order_id: int, side: Side, price: int, quantity: int) -> Any: ...
    def cancel_order(self, order_id: int) -> Any: ...
    def __len__(self) -> int: ...


BOOKS: dict[str, Callable[[], Book]] = {"OrderBook": OrderBook, "plain Python": PlainBook}


@dataclass
class Calls:
    """One kind of call: ns of each book, by round."""

    name: str
    ns: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in BOOKS})

    @property
    def times(self) -> float:
        """Speed relative to plain Python: the median over the rounds."""
        return float(np.median(np.divide(self.ns["plain Python"], self.ns["OrderBook"])))


def measure(count: int, rounds: int, advance: Callable[[], None] = lambda: None) -> list[Calls]:
    """Time ``count`` orders that are added and cancelled, added and matched one by one, or cancelled at once."""
    rng = np.random.default_rng(1)
    orders = resting(count, rng)
    makers, takers = arguments(orders), arguments(takers_of(orders, rng))
    kinds = [Calls("add_order, rests"), Calls("add_order, trades"), Calls("cancel_order")]
    for _ in range(rounds):
        for name, make in BOOKS.items():
            for kind, ns in zip(kinds, one_round(make, makers, takers), strict=True):
                kind.ns[name].append(ns)
        advance()
    return kinds


def one_round(make: Callable[[], Book], makers: list[Arguments], takers: list[Arguments]) -> list[float]:
    """ns a call of each kind. Orders are added once before they are timed, so that the memory of the book is in use."""
    book = make()
    time_adds(book, makers)
    cancels = time_cancels(book, makers)
    rests = time_adds(book, makers)
    book = make()
    time_adds(book, makers)
    trades = time_matches(book, takers) if isinstance(book, OrderBook) else time_adds(book, takers)
    assert len(book) == 0, "an order was not added"
    return [rests, trades, cancels]


def arguments(orders: NDArray[np.void]) -> list[Arguments]:
    sides = [Side(side) for side in orders["side"].tolist()]
    return list(zip(orders["order_id"].tolist(), sides, orders["price"].tolist(), strict=True))


def time_adds(book: Book, orders: list[Arguments]) -> float:
    """Return ns of processor time a call. All figures include the loop."""
    add = book.add_order
    start = time.thread_time_ns()
    for order_id, side, price in orders:
        add(order_id, side, price, LOTS)
    return (time.thread_time_ns() - start) / len(orders)


def time_matches(book: OrderBook, orders: list[Arguments]) -> float:
    """The same, reading the trades."""
    add = book.add_order
    start = time.thread_time_ns()
    for order_id, side, price in orders:
        _ = add(order_id, side, price, LOTS).trades
    return (time.thread_time_ns() - start) / len(orders)


def time_cancels(book: Book, orders: list[Arguments]) -> float:
    cancel = book.cancel_order
    start = time.thread_time_ns()
    for order_id, _, _ in orders:
        cancel(order_id)
    return (time.thread_time_ns() - start) / len(orders)
