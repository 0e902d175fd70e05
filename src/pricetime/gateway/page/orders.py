"""The orders of the sandbox, as its own reports tell of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...types import ReportKind, Side
from ...wire.messages import ExecutionReport
from .market import exact
from .words import why

#: Orders that are remembered; so many may be open.
MOST_ORDERS = 40

SENT, RESTING, FILLED, CANCELLED, REJECTED, LOST = "sent", "resting", "filled", "cancelled", "rejected", "lost"

#: An order in one of these may still trade.
OPEN = {SENT, RESTING}


@dataclass
class OwnOrder:
    """One order, from the moment it was sent."""

    id: int
    instrument: int
    side: Side
    price: int | None  #: None: at any price
    quantity: int
    traded: int = 0
    open: int = 0
    status: str = SENT
    why: str = ""
    last_price: int | None = None  #: of its newest trade

    @property
    def row(self) -> dict[str, Any]:
        """As a page shows it."""
        return {
            "id": self.id,
            "instrument": self.instrument,
            "side": self.side.name.lower(),
            "price": None if self.price is None else exact(self.price),
            "quantity": exact(self.quantity),
            "traded": exact(self.traded),
            "last_price": None if self.last_price is None else exact(self.last_price),
            "status": self.status,
            "why": self.why,
        }

    def take(self, report: ExecutionReport) -> None:
        """What a report says of it."""
        if report.kind == ReportKind.ACCEPTED:
            self.open, self.status = report.quantity, RESTING
        elif report.kind == ReportKind.TRADE:
            self.traded += report.quantity
            self.last_price = report.price
            self._lose(report.quantity, FILLED)
        elif report.kind in {ReportKind.CANCELLED, ReportKind.EXPIRED, ReportKind.REDUCED}:
            self.why = why(report.reason)
            self._lose(report.quantity, CANCELLED)
        elif report.kind == ReportKind.REJECTED and self.status == SENT:
            self.status, self.why = REJECTED, why(report.reason)

    def _lose(self, quantity: int, status: str) -> None:
        self.open -= quantity
        if self.open <= 0:
            self.status = status


class OwnOrders:
    """The newest orders. ``version`` changes with every change, so that nobody shows them twice."""

    def __init__(self) -> None:
        self.version = 0
        self._orders: dict[int, OwnOrder] = {}

    @property
    def open(self) -> list[OwnOrder]:
        """Those that may still trade."""
        return [order for order in self._orders.values() if order.status in OPEN]

    def rows(self) -> list[dict[str, Any]]:
        """The newest first."""
        return [order.row for order in reversed(self._orders.values())]

    def add(self, order: OwnOrder) -> None:
        """One that was sent. The oldest that is over makes room for it: not all of them may be open."""
        if len(self._orders) >= MOST_ORDERS:
            over = next(number for number, old in self._orders.items() if old.status not in OPEN)
            del self._orders[over]
        self._orders[order.id] = order
        self.version += 1

    def get(self, number: int) -> OwnOrder | None:
        return self._orders.get(number)

    def take(self, report: ExecutionReport) -> None:
        """A report of the session: it is about an order of its own, by the number that this session gave it."""
        order = self._orders.get(report.order_id)
        if order is not None and order.instrument == report.instrument:
            order.take(report)
            self.version += 1

    def lose(self, number: int, because: str) -> None:
        """Nothing more will be heard of an order."""
        order = self._orders.get(number)
        if order is not None and order.status in OPEN:
            order.status, order.why = LOST, because
            self.version += 1

    def lose_all(self, because: str) -> None:
        for order in self.open:
            self.lose(order.id, because)
