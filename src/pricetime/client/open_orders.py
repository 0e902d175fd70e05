"""Lists an owner's open orders: requests them part by part, and combines the parts into one consistent list.

Each answer has some orders, oldest first. The next request names the last of them, and the exchange continues after it.
Meanwhile orders arrive, trade and leave; all of that is in the owner's reports. ``OpenOrdersQuery`` updates its list
from them, so that after the last answer it has exactly the orders that are open at that moment:

- an order that is done is removed; - a new order, or one that a replace has moved to the back of its queue, is last at
the exchange and comes in a later answer; - if the order named in a request was removed before the answer came, the
answer is discarded, and a new request names the last order that is left.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from pricetime.types import Reason, ReportKind, Side
from pricetime.wire.messages import ExecutionReport, OpenOrders

#: All request ids have this bit, which no order id should have.
REQUEST_BIT = 1 << 47


class OpenOrder(NamedTuple):
    """A resting order."""

    instrument: int
    order_id: int  #: the owner's own
    side: Side
    price: int  #: ticks
    quantity: int  #: lots still open
    reference: int  #: its id on the feed


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
            side = Side(report.side)
            self._answer.append(OpenOrder(*key, side, report.price, report.quantity, report.maker_id))
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
        elif report.kind == ReportKind.REPLACED:
            del self._orders[key]
        elif report.kind in {ReportKind.TRADE, ReportKind.REDUCED, ReportKind.CANCELLED, ReportKind.EXPIRED}:
            self._orders[key] = order._replace(quantity=order.quantity - report.quantity)
            if order.quantity == report.quantity:
                del self._orders[key]
