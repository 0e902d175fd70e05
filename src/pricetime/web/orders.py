"""The orders and positions of the sandbox, kept up to date from the reports of its session."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ..types import Instruction, OrderType, Reason, ReportKind, Side, TimeInForce
from ..wire.messages import ExecutionReport
from .listed import exact, names
from .positions import Positions
from .words import why

#: Orders that are kept, and so the most that may be open.
MOST_ORDERS = 40

SENT, WAITING, RESTING, FILLED, CANCELLED, EXPIRED, REJECTED, LOST = (
    "sent", "waiting", "resting", "filled", "cancelled", "expired", "rejected", "lost",
)  # fmt: skip

#: An order in one of these states may still trade.
OPEN = {SENT, WAITING, RESTING}

#: Kinds of reports about a trade.
TRADES = {ReportKind.TRADE, ReportKind.AUCTION_TRADE}

#: Kinds of reports that take lots away without a trade, and the state of an order that has none left.
ENDS = {ReportKind.CANCELLED: CANCELLED, ReportKind.REDUCED: CANCELLED, ReportKind.EXPIRED: EXPIRED}

#: An instruction, by its bit, as the form has it.
INSTRUCTIONS = {0: "", **{int(one): str(one.name).lower().replace("_", "-") for one in Instruction}}


@dataclass(frozen=True)
class Request:
    """What the page asked for. Prices in ticks, quantities in lots; a field that the order does not use is None."""

    side: Side
    quantity: int
    price: int | None = None
    order_type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce = TimeInForce.GTC
    instruction: int = 0  #: a bit of ``Instruction``
    trigger_price: int | None = None
    display_quantity: int | None = None
    minimum_quantity: int | None = None
    expiry_ns: int | None = None
    protection: int | None = None  #: ticks

    @property
    def row(self) -> dict[str, Any]:
        """The request as a page shows it: names in place of numbers, and the expiry time in ms since 1970."""
        (kind,), (time,) = names([self.order_type]), names([self.time_in_force])
        words = {"side": self.side.name.lower(), "type": kind, "time_in_force": time}
        numbers = {
            one.name: _exact(getattr(self, one.name))
            for one in fields(self)
            if one.name not in {"side", "order_type", "time_in_force", "instruction", "expiry_ns"}
        }
        expiry_ms = None if self.expiry_ns is None else self.expiry_ns // 1_000_000
        return {**words, "instruction": INSTRUCTIONS[self.instruction], **numbers, "expiry": expiry_ms}


@dataclass
class OwnOrder:
    """One order, from the moment it was sent. Of its open lots the market sees those that are ``displayed``."""

    id: int
    instrument: int
    request: Request
    traded: int = 0
    open: int = 0
    displayed: int = 0
    status: str = SENT
    why: str = ""
    price: int | None = None  #: ticks, if the exchange gave the order a price that it did not have
    last_price: int | None = None  #: ticks, of its newest trade

    @property
    def side(self) -> Side:
        """Its side."""
        return self.request.side

    @property
    def row(self) -> dict[str, Any]:
        """The order as a page shows it."""
        row = self.request.row
        return {
            "id": self.id,
            "instrument": self.instrument,
            **row,
            "price": row["price"] if self.price is None else exact(self.price),
            "traded": exact(self.traded),
            "hidden": exact(self.open - self.displayed) if self.status == RESTING else 0,
            "status": self.status,
            "why": self.why,
            "last_price": _exact(self.last_price),
        }

    def take(self, report: ExecutionReport) -> None:
        """Apply a report about this order."""
        kind, quantity = report.kind, report.quantity
        if kind in {ReportKind.ACCEPTED, ReportKind.TRIGGERED}:
            self._enter(report)
        elif kind in TRADES:
            self.traded += quantity
            self.last_price = report.price
            self._take_off(quantity, min(quantity, self.displayed), FILLED)
        elif kind in ENDS:
            self.why = why(report.reason)
            hidden = min(quantity, self.open - self.displayed)
            self._take_off(quantity, quantity - hidden, ENDS[ReportKind(kind)])
        elif kind == ReportKind.REFRESHED:
            self.displayed = quantity
        elif kind == ReportKind.REPLACED:
            self.open = self.displayed = quantity
            self.price, self.why = report.price, why(report.reason)
        elif kind == ReportKind.REJECTED and self.status == SENT:
            self.status, self.why = REJECTED, why(report.reason)

    def _enter(self, report: ExecutionReport) -> None:
        """The order is in the market, or waits for its trigger price or its auction."""
        self.open = report.quantity
        self.status = WAITING if report.reason == Reason.WAITS else RESTING
        self.displayed = min(self.open, self.request.display_quantity or self.open)
        priced = report.reason not in {Reason.WAITS, Reason.AT_MARKET}
        if self.request.order_type is OrderType.MARKET_TO_LIMIT and priced:
            self.price = report.price

    def _take_off(self, quantity: int, displayed: int, ended_as: str) -> None:
        self.open -= quantity
        self.displayed -= displayed
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
            if report.kind in TRADES:
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


def _exact(number: int | None) -> int | str | None:
    return None if number is None else exact(number)
