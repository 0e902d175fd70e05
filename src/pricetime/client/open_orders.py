"""Lists an owner's open orders: requests them part by part, and combines the parts into one consistent list.

Each answer has some orders, oldest first. The next request names the last of them, and the exchange continues after it.
Meanwhile orders arrive, trade and leave; all of that is in the owner's reports. ``OpenOrdersQuery`` updates its list
from them, so that after the last answer it has exactly the orders that are open at that moment:

- an order that is done is removed;
- a new order, or one that has moved to the back of a queue (replaced, triggered, refreshed), is last at the exchange
  and comes in a later answer;
- a replace of an order that waits, or of one without a price, does not say whether it kept its place: the list is
  fetched again;
- if the order named in a request was removed before the answer came, the answer is discarded, and a new request names
  the last order that is left.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from pricetime.types import Reason, ReportKind, Side
from pricetime.wire.messages import ExecutionReport, OpenOrders

#: All request ids have this bit, which no order id should have.
REQUEST_BIT = 1 << 47


#: Reasons of a REPLACED that do not say whether the order kept its place.
UNKNOWN_PLACE = frozenset({Reason.WAITS, Reason.AT_MARKET})

#: Kinds of reports that move an order to the back of a queue.
MOVING = frozenset({ReportKind.REPLACED, ReportKind.TRIGGERED, ReportKind.REFRESHED})

#: Kinds of reports that take lots from an order.
ENDING = frozenset(
    {
        ReportKind.TRADE,
        ReportKind.AUCTION_TRADE,
        ReportKind.REDUCED,
        ReportKind.CANCELLED,
        ReportKind.EXPIRED,
    }
)


class OpenOrder(NamedTuple):
    """An order that rests or waits."""

    instrument: int
    order_id: int  #: the owner's own
    side: Side
    price: int  #: ticks; 0 of an order that has none
    quantity: int  #: lots still open: displayed, hidden or waiting
    reference: int  #: its id on the feed; 0 while it waits
    waits: bool = False  #: whether the market does not see it yet
    #: ticks, of a stop order that waits; 0 of an order that waits for something else; None of one that does not wait
    trigger_price: int | None = None


class OpenOrdersQuery:
    """Send ``ask``, then ``read`` all reports that come; repeat until ``done``."""

    def __init__(self) -> None:
        self.done = False
        self._orders: dict[tuple[int, int], OpenOrder] = {}  # so far, oldest first, by instrument and id
        self._answer: list[OpenOrder] = []  # of the answer that is being received
        self._request = 0
        self._after: tuple[int, int] | None = None

    @property
    def orders(self) -> list[OpenOrder]:
        """The orders, in the order in which they joined their queues."""
        return list(self._orders.values())

    def ask(self) -> OpenOrders:
        """Return the next request."""
        self._request = REQUEST_BIT | secrets.randbits(47)
        self._after = next(reversed(self._orders), None)
        if self._after is None:
            return OpenOrders(order_id=self._request)
        instrument, order_id = self._after
        return OpenOrders(flags=1, instrument=instrument, order_id=self._request, behind=order_id)

    def read(self, reports: bytes) -> None:
        """Read reports, each once. O(reports)."""
        for at in range(0, len(reports), ExecutionReport.SIZE):
            if not self.done:
                self._follow(ExecutionReport.decode(reports[at : at + ExecutionReport.SIZE]))

    def _follow(self, report: ExecutionReport) -> None:
        key = (report.instrument, report.order_id)
        if report.kind == ReportKind.OPEN_ORDER:
            self._answer.append(told_by(report))
        elif report.kind == ReportKind.OPEN_ORDERS_END:
            if report.order_id == self._request:
                self._take(Reason(report.reason))
            self._answer.clear()
        elif key in self._orders:
            self._change(key, report)

    def _take(self, reason: Reason) -> None:
        """An answer is complete. It continues the list if the order named in the request is still in it."""
        if self._after is None or self._after in self._orders:
            self._orders.update(((order.instrument, order.order_id), order) for order in self._answer)
            self.done = reason == Reason.NONE

    def _change(self, key: tuple[int, int], report: ExecutionReport) -> None:
        """Update an order on the list."""
        order = self._orders[key]
        if report.kind == ReportKind.REPLACED and report.reason == Reason.KEPT_PLACE:
            self._orders[key] = order._replace(quantity=report.quantity)
        elif report.kind == ReportKind.HIDDEN:  # what the report before it has is displayed
            self._orders[key] = order._replace(quantity=order.quantity + report.quantity)
        elif report.kind == ReportKind.REPLACED and report.reason in UNKNOWN_PLACE:
            self._orders.clear()
        elif report.kind in MOVING:
            del self._orders[key]
        elif report.kind in ENDING:
            self._orders[key] = order._replace(quantity=order.quantity - report.quantity)
            if order.quantity == report.quantity:
                del self._orders[key]


def told_by(report: ExecutionReport) -> OpenOrder:
    """The order that an OPEN_ORDER report tells."""
    return OpenOrder(
        report.instrument,
        report.order_id,
        Side(report.side),
        report.price,
        report.quantity,
        report.public_id or 0,
        report.reason == Reason.WAITS,
        report.trigger_price,
    )
