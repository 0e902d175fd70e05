"""The orders that a trader has in the market, the commands it sends, and what its own reports say of them."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import (
    COMMAND,
    ORDER_EXTENSION,
    CommandType,
    Instruction,
    OrderType,
    Reason,
    ReportKind,
    Side,
    TimeInForce,
)

#: Kinds of report about a trade, and kinds that take lots away from an order.
TRADES = frozenset({ReportKind.TRADE, ReportKind.AUCTION_TRADE})
TAKES_AWAY = TRADES | {ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED}

#: The fields of a command that a trader fills in, and those of a report that it reads.
COMMAND_FIELDS = (
    "type", "side", "time_in_force", "order_type", "instructions", "instrument", "order_id", "price", "quantity",
)  # fmt: skip
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
        self._commands: list[tuple[int, ...]] = []
        self._extensions: dict[int, dict[str, int]] = {}  # by the place of the extension among the commands

    def __len__(self) -> int:
        return len(self._orders)

    def add(
        self,
        instrument: int,
        side: Side,
        price: int,
        quantity: int,
        time_in_force: TimeInForce = TimeInForce.GTC,
        order_type: OrderType = OrderType.LIMIT,
        **extension: int,
    ) -> WorkingOrder:
        """Send an order, with an id that no order of this trader had before. ``extension``: more fields of it."""
        order = WorkingOrder(next(self._ids), instrument, side, price, quantity)
        self._orders[order.id] = order
        more = Instruction.EXTENDED if extension else 0
        self._send(
            CommandType.NEW_ORDER, side, time_in_force, order_type, more, instrument, order.id, price, quantity
        )  # fmt: skip
        if extension:
            self._extensions[len(self._commands)] = extension
            self._send(CommandType.ORDER_EXTENSION, *[0] * (len(COMMAND_FIELDS) - 1))
        return order

    def replace(self, order: WorkingOrder, price: int, quantity: int) -> None:
        """Send a new price and quantity of an order."""
        order.price, order.remaining = price, quantity
        self._send(CommandType.REPLACE_ORDER, order.side, 0, 0, 0, order.instrument, order.id, price, quantity)

    def cancel(self, order_id: int) -> None:
        """Cancel an order if it has not ended."""
        if order_id in self._orders:
            self._send(CommandType.CANCEL_ORDER, 0, 0, 0, 0, self._orders[order_id].instrument, order_id, 0, 0)

    def _send(self, *fields: int) -> None:
        self._commands.append(fields)

    def take_commands(self) -> NDArray[np.void]:
        """The commands since the last call, in their order, as an array of ``pricetime.COMMAND``."""
        commands = np.zeros(len(self._commands), COMMAND)
        for name, column in zip(COMMAND_FIELDS, zip(*self._commands, strict=True), strict=False):
            commands[name] = column
        for place, fields in self._extensions.items():
            row = commands[place : place + 1].view(ORDER_EXTENSION)
            for name, value in fields.items():
                row[name] = value
        self._commands, self._extensions = [], {}
        return commands

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
            if kind in TRADES:
                self.position[order.instrument] += quantity if order.side is Side.BID else -quantity
        elif kind == ReportKind.ACCEPTED:
            order.accepted, order.remaining = True, quantity
        elif kind == ReportKind.REPLACED:
            order.price, order.remaining = price, quantity
        elif kind == ReportKind.HIDDEN:
            order.remaining += quantity
        elif kind == ReportKind.REJECTED and (not order.accepted or reason == Reason.UNKNOWN_ORDER):
            order.remaining = 0  # it was never in the book, or has left it
        if order.remaining <= 0:
            del self._orders[order.id]
