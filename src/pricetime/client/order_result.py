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
    WAITING = auto()  #: ``remaining`` lots wait for the trigger price or the auction, or until all of them can trade
    EXPIRED = auto()  #: the expiry time or the day ended the order


#: Status of an order that has no lots left, by the kind of its last report.
ENDS = {
    ReportKind.TRADE: OrderStatus.FILLED,
    ReportKind.AUCTION_TRADE: OrderStatus.FILLED,
    ReportKind.EXPIRED: OrderStatus.EXPIRED,
}


class OrderResult(NamedTuple):
    """What became of an order up to the report ``last``."""

    accepted: ExecutionReport  #: its ACCEPTED report; for a replace the REPLACED report
    #: its TRADE and AUCTION_TRADE reports, in order: price, quantity, ``counterparty_id``
    fills: tuple[ExecutionReport, ...]
    remaining: int  #: lots that are open: displayed, hidden or waiting
    last: ExecutionReport  #: the newest report of the order
    waits: bool = False  #: whether the market does not see the order yet

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
            return OrderStatus.WAITING if self.waits else OrderStatus.RESTING
        return ENDS.get(self.last.kind, OrderStatus.CANCELLED)

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


def decode_result(accepted: bytes, fills: Sequence[bytes], remaining: int, last: bytes, waits: bool) -> OrderResult:
    """Return the result that these reports make. O(fills)."""
    first = ExecutionReport.decode(accepted)
    decoded = tuple(ExecutionReport.decode(fill) for fill in fills)
    if last is accepted:
        newest = first
    else:
        newest = decoded[-1] if fills and last is fills[-1] else ExecutionReport.decode(last)
    return OrderResult(first, decoded, remaining, newest, bool(waits))
