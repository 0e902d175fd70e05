"""Which orders of an owner are open: asked of the exchange part by part, and put together without a gap.

Each answer tells a few orders, oldest first, and the next question names the last of them: go on behind it. Meanwhile
orders come, trade and go, and all of that is among the owner's reports, in its order. So what was told is kept up to
date, and when the last answer has come, it is what was open at that moment, no more and no less:

- an order that is done is dropped;
- one that is new, or has lost its place by a replace, stands last at the exchange and is told in its turn;
- where the order that a question named was dropped before the answer, the answer counts for nothing, and another
  question names the last one that is left.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from pricetime.types import Reason, ReportKind, Side
from pricetime.wire.messages import ExecutionReport, OpenOrders

#: Request ids have this bit: no order of a person has such an id.
REQUEST_BIT = 1 << 47


class OpenOrder(NamedTuple):
    """An order that rests."""

    instrument: int
    order_id: int  #: the owner's own
    side: Side
    price: int  #: ticks
    quantity: int  #: lots still open
    reference: int  #: its name on the feed


class OpenOrdersQuery:
    """``ask``, then ``read`` all reports that come; again until it is ``done``."""

    def __init__(self) -> None:
        self.done = False
        self._orders: dict[tuple[int, int], OpenOrder] = {}  # told so far, oldest first, by instrument and id
        self._told: list[OpenOrder] = []  # by the answer that is coming
        self._request = 0
        self._behind: tuple[int, int] | None = None

    @property
    def orders(self) -> list[OpenOrder]:
        """The orders, in the order in which they joined their queues."""
        return list(self._orders.values())

    def ask(self) -> OpenOrders:
        """The next question."""
        self._request = REQUEST_BIT | secrets.randbits(47)
        self._behind = next(reversed(self._orders), None)
        if self._behind is None:
            return OpenOrders(order_id=self._request)
        instrument, order_id = self._behind
        return OpenOrders(flags=1, instrument=instrument, order_id=self._request, behind=order_id)

    def read(self, reports: bytes) -> None:
        """Reports came, none of which was read before. O(reports)."""
        for at in range(0, len(reports), ExecutionReport.SIZE):
            if not self.done:
                self._follow(ExecutionReport.decode(reports[at : at + ExecutionReport.SIZE]))

    def _follow(self, report: ExecutionReport) -> None:
        key = (report.instrument, report.order_id)
        if report.kind == ReportKind.OPEN_ORDER:
            side = Side(report.side)
            self._told.append(OpenOrder(*key, side, report.price, report.quantity, report.maker_id))
        elif report.kind == ReportKind.OPEN_ORDERS_END:
            if report.order_id == self._request:
                self._take(Reason(report.reason))
            self._told.clear()
        elif key in self._orders:
            self._change(key, report)

    def _take(self, reason: Reason) -> None:
        """An answer is whole. It follows on what is there if the order that was named is still there."""
        if self._behind is None or self._behind in self._orders:
            self._orders.update(((order.instrument, order.order_id), order) for order in self._told)
            self.done = reason == Reason.NONE

    def _change(self, key: tuple[int, int], report: ExecutionReport) -> None:
        """Something happened to an order that was told."""
        order = self._orders[key]
        if report.kind == ReportKind.REPLACED and report.reason == Reason.KEPT_PLACE:
            self._orders[key] = order._replace(quantity=report.quantity)
        elif report.kind == ReportKind.REPLACED:
            del self._orders[key]
        elif report.kind in {ReportKind.TRADE, ReportKind.REDUCED, ReportKind.CANCELLED, ReportKind.EXPIRED}:
            self._orders[key] = order._replace(quantity=order.quantity - report.quantity)
            if order.quantity == report.quantity:
                del self._orders[key]
