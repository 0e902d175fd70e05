"""Time calls from a Python loop, one command each: of ``OrderBook``, of the plain book, of methods that do nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from pricetime import OrderBook, Side
from pricetime.types import CommandArray

from .plain_book import PlainBook
from .workloads import LOTS, resting, takers_of

#: Order id, side and price of each order; all have the same quantity.
Arguments: TypeAlias = tuple[int, Side, int]

#: Orders in the book while orders are added and cancelled alternately.
STANDING = 1_000


class Book(Protocol):
    """The timed calls."""

    def add_order(self, order_id: int, side: Side, price: int, quantity: int) -> Any: ...
    def cancel_order(self, order_id: int) -> Any: ...
    def __len__(self) -> int: ...


class EmptyBook:
    """Methods that do nothing: the cost of the loop and of the call."""

    def add_order(self, order_id: int, side: Side, price: int, quantity: int) -> None: ...

    def cancel_order(self, order_id: int) -> None: ...

    def __len__(self) -> int:
        return 0


BOOKS: dict[str, Callable[[], Book]] = {"OrderBook": OrderBook, "plain Python": PlainBook, "empty method": EmptyBook}


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
    kinds = [Calls("add_order, rests"), Calls("add_order, trades"), Calls("cancel_order"), Calls("both alternately")]
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
    book = make()
    time_adds(book, makers[:STANDING])
    return [rests, trades, cancels, time_adds_and_cancels(book, makers[STANDING:])]


def arguments(orders: CommandArray) -> list[Arguments]:
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


def time_adds_and_cancels(book: Book, orders: list[Arguments]) -> float:
    """Each order is cancelled as soon as it rests."""
    add, cancel = book.add_order, book.cancel_order
    start = time.thread_time_ns()
    for order_id, side, price in orders:
        add(order_id, side, price, LOTS)
        cancel(order_id)
    return (time.thread_time_ns() - start) / (2 * len(orders))
