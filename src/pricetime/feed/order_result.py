"""What became of an order, from the reports that its owner gets."""

from __future__ import annotations

from enum import Enum, auto
from fractions import Fraction
from typing import NamedTuple

from pricetime.types import ReportKind
from pricetime.wire.messages import ExecutionReport

#: The kinds of report that take lots away from an order.
TAKES_AWAY = frozenset({ReportKind.TRADE, ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED})


class OrderStatus(Enum):
    """What an order is after the last report of a result."""

    RESTING = auto()  #: ``remaining`` lots are in the book
    FILLED = auto()  #: the last lot was traded
    CANCELLED = auto()  #: the last lot was cancelled: ``last.reason`` says why


class OrderResult(NamedTuple):
    """What became of an order up to a report: ``last``."""

    accepted: ExecutionReport  #: that the order is in: its ACCEPTED report, of a replace the REPLACED one
    fills: tuple[ExecutionReport, ...]  #: its TRADE reports, in order: price, quantity, ``counterparty_id``
    remaining: int  #: lots that are in the book
    last: ExecutionReport  #: the newest report of the order

    @property
    def order_id(self) -> int:
        """As the client gave it."""
        return self.accepted.order_id

    @property
    def public_id(self) -> int | None:
        """Of the order on the feed."""
        return self.accepted.public_id

    @property
    def seq_num(self) -> int:
        """Of the newest report of the order, in the owner's stream."""
        return self.last.seq_num

    @property
    def status(self) -> OrderStatus:
        """What the order is after ``last``."""
        if self.remaining:
            return OrderStatus.RESTING
        return OrderStatus.FILLED if self.last.kind == ReportKind.TRADE else OrderStatus.CANCELLED

    @property
    def filled(self) -> int:
        """Lots that were traded."""
        return sum(fill.quantity for fill in self.fills)

    @property
    def average_price(self) -> Fraction | None:
        """Ticks a lot over all fills, exactly; None without a fill."""
        filled = self.filled
        return Fraction(sum(fill.price * fill.quantity for fill in self.fills), filled) if filled else None

    def __repr__(self) -> str:
        average = "" if self.average_price is None else f" at {float(self.average_price):g}"
        return (
            f"OrderResult({self.status.name}: {self.accepted.text()}; "
            f"{self.filled} filled{average}, {self.remaining} remaining)"
        )


class Execution:
    """An order as its reports come. ``accepted``: the first of them."""

    __slots__ = ("__weakref__", "accepted", "fills", "last", "remaining")

    def __init__(self, accepted: ExecutionReport) -> None:
        self.accepted = self.last = accepted
        self.remaining = accepted.quantity
        self.fills: list[ExecutionReport] = []

    def read(self, report: ExecutionReport) -> None:
        """Another report about this order."""
        kind = report.kind
        if kind in TAKES_AWAY:
            self.remaining -= report.quantity
            if kind == ReportKind.TRADE:
                self.fills.append(report)
        elif kind == ReportKind.REPLACED:
            self.remaining = report.quantity
        else:
            return  # a command about it that was refused changes nothing
        self.last = report

    def result(self) -> OrderResult:
        """What is known so far."""
        return OrderResult(self.accepted, tuple(self.fills), self.remaining, self.last)
