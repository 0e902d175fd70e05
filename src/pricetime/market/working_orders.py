"""The orders that a trader has in the market, kept up to date from the trader's own reports."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Reason, ReportKind, Side

#: Kinds of report that take lots away from an order.
TAKES_AWAY = frozenset({ReportKind.TRADE, ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED})

#: The fields of a report that are read.
FIELDS = ["kind", "reason", "order_id", "price", "quantity"]


@dataclass(slots=True)
class WorkingOrder:
    """An order that was sent and has not ended."""

    id: int
    instrument: int
    side: Side
    price: int  #: ticks
    remaining: int  #: lots
    accepted: bool = False


class WorkingOrders:
    """One trader's orders, and the position that its trades have left it with in each instrument."""

    def __init__(self) -> None:
        self.position: Counter[int] = Counter()  #: lots by instrument; below 0 if more was sold than bought
        self._orders: dict[int, WorkingOrder] = {}
        self._ids = itertools.count(1)

    def __len__(self) -> int:
        return len(self._orders)

    def __contains__(self, order_id: int) -> bool:
        return order_id in self._orders

    def new(self, instrument: int, side: Side, price: int, quantity: int) -> WorkingOrder:
        """An order that is about to be sent, with an id that no order of this trader had before."""
        order = WorkingOrder(next(self._ids), instrument, side, price, quantity)
        self._orders[order.id] = order
        return order

    def of(self, instrument: int, side: Side) -> Iterator[WorkingOrder]:
        """The orders of one side of one instrument, the oldest first. O(orders)."""
        return (order for order in self._orders.values() if order.instrument == instrument and order.side is side)

    def read(self, reports: NDArray[np.void]) -> None:
        """Apply reports of this trader's session, in their order."""
        for kind, reason, order_id, price, quantity in reports[FIELDS].tolist():
            order = self._orders.get(order_id)
            if order is not None:
                self._read(order, kind, reason, price, quantity)

    def _read(self, order: WorkingOrder, kind: int, reason: int, price: int, quantity: int) -> None:
        if kind in TAKES_AWAY:
            order.remaining -= quantity
            if kind == ReportKind.TRADE:
                self.position[order.instrument] += quantity if order.side is Side.BID else -quantity
        elif kind == ReportKind.ACCEPTED:
            order.accepted, order.remaining = True, quantity
        elif kind == ReportKind.REPLACED:
            order.price, order.remaining = price, quantity
        elif kind == ReportKind.REJECTED and (not order.accepted or reason == Reason.UNKNOWN_ORDER):
            order.remaining = 0  # it was never in the book, or has left it
        if order.remaining <= 0:
            del self._orders[order.id]
