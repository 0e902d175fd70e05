"""What became of an order, from the reports about it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from fractions import Fraction
from typing import NamedTuple

from pricetime.types import ReportKind
from pricetime.wire.messages import ExecutionReport


class OrderStatus(Enum):
    """State of an order after the last report of a result."""

    RESTING = auto()  #: ``remaining`` lots are in the book
    FILLED = auto()  #: the last lot was traded
    CANCELLED = auto()  #: the last lot was cancelled: ``last.reason`` says why


class OrderResult(NamedTuple):
    """What became of an order up to the report ``last``."""

    accepted: ExecutionReport  #: its ACCEPTED report; for a replace the REPLACED report
    fills: tuple[ExecutionReport, ...]  #: its TRADE reports, in order: price, quantity, ``counterparty_id``
    remaining: int  #: lots that are in the book
    last: ExecutionReport  #: the newest report of the order

    @property
    def order_id(self) -> int:
        """The client's own id."""
        return self.accepted.order_id

    @property
    def public_id(self) -> int | None:
        """The order's id on the feed."""
        return self.accepted.public_id

    @property
    def seq_num(self) -> int:
        """Number of ``last`` in the owner's stream."""
        return self.last.seq_num

    @property
    def status(self) -> OrderStatus:
        """State of the order after ``last``."""
        if self.remaining:
            return OrderStatus.RESTING
        return OrderStatus.FILLED if self.last.kind == ReportKind.TRADE else OrderStatus.CANCELLED

    @property
    def filled(self) -> int:
        """Traded lots."""
        return sum(fill.quantity for fill in self.fills)

    @property
    def average_price(self) -> Fraction | None:
        """Exact average price over all fills, in ticks; None without a fill."""
        filled = self.filled
        return Fraction(sum(fill.price * fill.quantity for fill in self.fills), filled) if filled else None

    def __repr__(self) -> str:
        average = "" if self.average_price is None else f" at {float(self.average_price):g}"
        return (
            f"OrderResult({self.status.name}: {self.accepted.text()}; "
            f"{self.filled} filled{average}, {self.remaining} remaining)"
        )


def decode_result(accepted: bytes, fills: Sequence[bytes], remaining: int, last: bytes) -> OrderResult:
    """Return the result that these reports make. O(fills)."""
    first = ExecutionReport.decode(accepted)
    decoded = tuple(ExecutionReport.decode(fill) for fill in fills)
    if last is accepted:
        newest = first
    else:
        newest = decoded[-1] if fills and last is fills[-1] else ExecutionReport.decode(last)
    return OrderResult(first, decoded, remaining, newest)
