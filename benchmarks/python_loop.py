"""Calls from a Python loop, one command each. What the loop itself takes is in the figures."""

from __future__ import annotations

import time
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pricetime import OrderBook, Side

#: Order id, side and price of an order of one size.
Arguments: TypeAlias = tuple[int, Side, int]

#: Lots of every order.
LOTS = 10


def arguments(orders: NDArray[np.void]) -> list[Arguments]:
    sides = [Side(side) for side in orders["side"].tolist()]
    return list(zip(orders["order_id"].tolist(), sides, orders["price"].tolist(), strict=True))


def time_adds(book: OrderBook, orders: list[Arguments]) -> float:
    """ns of processor time a call."""
    add = book.add_order
    start = time.thread_time_ns()
    for order_id, side, price in orders:
        add(order_id, side, price, LOTS)
    return (time.thread_time_ns() - start) / len(orders)


def time_cancels(book: OrderBook, orders: list[Arguments]) -> float:
    """ns of processor time a call."""
    cancel = book.cancel_order
    start = time.thread_time_ns()
    for order_id, _, _ in orders:
        cancel(order_id)
    return (time.thread_time_ns() - start) / len(orders)
