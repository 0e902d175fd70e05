"""What the public sees of a book: its reports with hidden lots taken out, and the displayed book rebuilt from them."""

from __future__ import annotations

from pricetime.reference.queues import mix
from pricetime.reference.records import Report
from pricetime.types import Reason, ReportKind, Side

#: Reports whose ``maker_id`` is the part of the quantity that is hidden.
PARTLY = {ReportKind.ACCEPTED, ReportKind.TRIGGERED, ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED}


def public(report: Report) -> Report | None:
    """The report as the feed publishes it, None if it does not."""
    if report.kind in PARTLY:
        seen = report.quantity - report.maker_id
        return report._replace(quantity=seen, maker_id=0) if seen else None
    private = report.kind == ReportKind.HIDDEN or (report.kind == ReportKind.REPLACED and report.reason == Reason.WAITS)
    return None if private else report


class PublicBook:
    """Orders by price, first in, first out. It knows nothing of hidden lots and waiting orders."""

    def __init__(self) -> None:
        self.levels: dict[int, dict[int, dict[int, int]]] = {Side.BID: {}, Side.ASK: {}}  #: side, price, id: lots
        self.places: dict[int, tuple[int, int | None]] = {}  #: side and price, None: a market order of a call phase
        self.market: dict[int, int] = {}

    def apply(self, report: Report) -> None:
        match report.kind:
            case ReportKind.ACCEPTED | ReportKind.TRIGGERED:
                self._enter(report)
            case ReportKind.REPLACED:
                self._replace(report)
            case ReportKind.REFRESHED:
                self._remove(report.order_id)
                self._add(report)
            case ReportKind.TRADE:
                self._take(report.maker_id, report.quantity, exactly=True)
                self._take(report.order_id, report.quantity, exactly=True)
            case ReportKind.AUCTION_TRADE:
                for order_id in (report.order_id, report.maker_id):
                    if order_id in self.places:  # hidden lots of an iceberg trade after the displayed ones
                        self._take(order_id, report.quantity)
            case ReportKind.CANCELLED | ReportKind.REDUCED | ReportKind.EXPIRED:
                self._take(report.order_id, report.quantity, exactly=True)

    def _enter(self, report: Report) -> None:
        assert report.order_id not in self.places
        self._add(report)

    def _replace(self, report: Report) -> None:
        old, new = report.maker_id, report.order_id
        side, price = self.places[old]
        if report.reason == Reason.KEPT_PLACE:
            assert price == report.price
            queue = self.levels[side][report.price]
            renamed = [(new, report.quantity) if n == old else (n, q) for n, q in queue.items()]
            self.levels[side][report.price] = dict(renamed)
            del self.places[old]
            self.places[new] = side, price
        else:
            self._remove(old)
            self._enter(report)

    def _add(self, report: Report) -> None:
        order_id = report.order_id
        if report.reason == Reason.AT_MARKET:
            self.places[order_id] = report.side, None
            self.market[order_id] = report.quantity
            return
        self.places[order_id] = report.side, report.price
        self.levels[report.side].setdefault(report.price, {})[order_id] = report.quantity

    def _queue(self, order_id: int) -> dict[int, int]:
        side, price = self.places[order_id]
        return self.market if price is None else self.levels[side][price]

    def _take(self, order_id: int, lots: int, *, exactly: bool = False) -> None:
        queue = self._queue(order_id)
        assert lots <= queue[order_id] or not exactly
        queue[order_id] -= min(lots, queue[order_id])
        if not queue[order_id]:
            self._remove(order_id)

    def _remove(self, order_id: int) -> None:
        if order_id not in self.places:
            return
        queue = self._queue(order_id)
        del queue[order_id]
        side, price = self.places.pop(order_id)
        if price is not None and not queue:
            del self.levels[side][price]

    def digest(self) -> int:
        value = 0
        for side in Side:
            value = mix(value, side)
            for price in sorted(self.levels[side], reverse=side is Side.BID):
                for order_id, lots in self.levels[side][price].items():
                    for part in (price, order_id, lots):
                        value = mix(value, part)
        return value
