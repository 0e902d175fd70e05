"""The orders and positions of the sandbox, kept up to date from the reports of its session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..types import ReportKind, Side
from ..wire.messages import ExecutionReport
from .listed import exact
from .positions import Positions
from .words import why

#: Orders that are kept, and so the most that may be open.
MOST_ORDERS = 40

SENT, RESTING, FILLED, CANCELLED, REJECTED, LOST = "sent", "resting", "filled", "cancelled", "rejected", "lost"

#: An order in one of these states may still trade.
OPEN = {SENT, RESTING}


@dataclass
class OwnOrder:
    """One order, from the moment it was sent."""

    id: int
    instrument: int
    side: Side
    price: int | None  #: ticks; None for a market order
    quantity: int
    traded: int = 0
    open: int = 0
    status: str = SENT
    why: str = ""
    last_price: int | None = None  #: ticks, of its newest trade

    @property
    def row(self) -> dict[str, Any]:
        """The order as a page shows it."""
        shown = {name: exact(value) if isinstance(value, int) else value for name, value in vars(self).items()}
        del shown["open"]
        return {**shown, "side": self.side.name.lower()}

    def take(self, report: ExecutionReport) -> None:
        """Apply a report about this order."""
        if report.kind == ReportKind.ACCEPTED:
            self.open, self.status = report.quantity, RESTING
        elif report.kind == ReportKind.TRADE:
            self.traded += report.quantity
            self.last_price = report.price
            self._reduce(report.quantity, FILLED)
        elif report.kind in {ReportKind.CANCELLED, ReportKind.EXPIRED, ReportKind.REDUCED}:
            self.why = why(report.reason)
            self._reduce(report.quantity, CANCELLED)
        elif report.kind == ReportKind.REJECTED and self.status == SENT:
            self.status, self.why = REJECTED, why(report.reason)

    def _reduce(self, quantity: int, ended_as: str) -> None:
        self.open -= quantity
        if self.open <= 0:
            self.status = ended_as


class OwnOrders:
    """The newest orders, and the positions that all trades have led to. ``version`` changes with every change."""

    def __init__(self) -> None:
        self.version = 0
        self.positions = Positions()
        self._orders: dict[int, OwnOrder] = {}

    @property
    def open(self) -> list[OwnOrder]:
        """Orders that may still trade."""
        return [order for order in self._orders.values() if order.status in OPEN]

    def rows(self) -> list[dict[str, Any]]:
        """The orders as pages show them, the newest first."""
        return [order.row for order in reversed(self._orders.values())]

    def add(self, order: OwnOrder) -> None:
        """Keep an order that was sent. If there are too many, the oldest that has ended is dropped."""
        if len(self._orders) >= MOST_ORDERS:
            ended = next(number for number, old in self._orders.items() if old.status not in OPEN)
            del self._orders[ended]
        self._orders[order.id] = order
        self.version += 1

    def get(self, number: int) -> OwnOrder | None:
        """The order with this number; None if it is not kept."""
        return self._orders.get(number)

    def take(self, report: ExecutionReport) -> None:
        """Apply a report of the session, which names the order by the number that the session gave it."""
        order = self._orders.get(report.order_id)
        if order is not None and order.instrument == report.instrument:
            order.take(report)
            if report.kind == ReportKind.TRADE:
                self.positions[order.instrument].trade(order.side, report.price, report.quantity)
            self.version += 1

    def lose(self, number: int, because: str) -> None:
        """Mark an order as lost: no more reports will come for it."""
        order = self._orders.get(number)
        if order is not None and order.status in OPEN:
            order.status, order.why = LOST, because
            self.version += 1

    def lose_all(self, because: str) -> None:
        """Mark every open order as lost."""
        for order in self.open:
            self.lose(order.id, because)
