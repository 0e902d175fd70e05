"""Calls from a Python loop, one command each. The figures include the loop."""

from __future__ import annotations

import time
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pricetime import OrderBook, Side

#: Order id, side and price of each order; all have the same quantity.
Arguments: TypeAlias = tuple[int, Side, int]

#: Lots of every order.
LOTS = 10


class Book(Protocol):
    """The timed calls."""

    def add_order(self, order_id: int, side: Side, price: int, quantity: int) -> Any: ...
    def cancel_order(self, order_id: int) -> Any: ...
    def __len__(self) -> int: ...


def arguments(orders: NDArray[np.void]) -> list[Arguments]:
    sides = [Side(side) for side in orders["side"].tolist()]
    return list(zip(orders["order_id"].tolist(), sides, orders["price"].tolist(), strict=True))


def time_adds(book: Book, orders: list[Arguments]) -> float:
    """Return ns of processor time a call."""
    add = book.add_order
    start = time.thread_time_ns()
    for order_id, side, price in orders:
        add(order_id, side, price, LOTS)
    return (time.thread_time_ns() - start) / len(orders)


def time_matches(book: OrderBook, orders: list[Arguments]) -> float:
    """Return ns of processor time a call of ``add_order``, reading its trades."""
    add = book.add_order
    start = time.thread_time_ns()
    for order_id, side, price in orders:
        _ = add(order_id, side, price, LOTS).trades
    return (time.thread_time_ns() - start) / len(orders)


def time_cancels(book: Book, orders: list[Arguments]) -> float:
    """Return ns of processor time a call."""
    cancel = book.cancel_order
    start = time.thread_time_ns()
    for order_id, _, _ in orders:
        cancel(order_id)
    return (time.thread_time_ns() - start) / len(orders)


def time_adds_and_cancels(book: Book, orders: list[Arguments]) -> float:
    """Return ns of processor time a call; each order is cancelled as soon as it rests."""
    add, cancel = book.add_order, book.cancel_order
    start = time.thread_time_ns()
    for order_id, side, price in orders:
        add(order_id, side, price, LOTS)
        cancel(order_id)
    return (time.thread_time_ns() - start) / (2 * len(orders))
