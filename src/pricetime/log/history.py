"""The history of one order: what the reports of its book say about it."""

from __future__ import annotations

from typing import NamedTuple

from ..explanation import LOST, Ahead, Entry, Event
from ..standing import OrderState, Place, Standing, Terms
from ..types import Reason, ReportKind, Side

#: Kinds of reports whose ``order_id`` is the order that they are about.
ABOUT = frozenset({
    ReportKind.ACCEPTED, ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED, ReportKind.TRIGGERED,
    ReportKind.REFRESHED, ReportKind.HIDDEN,
})  # fmt: skip

#: Kinds of reports about two orders.
TRADES = frozenset({ReportKind.TRADE, ReportKind.AUCTION_TRADE})

#: Kinds that change how many lots are open, except for those of a replace.
TAKES = TRADES | LOST


REASONS = frozenset(map(int, Reason))

NO_EVENT = Event(0, 0, ReportKind.REJECTED, Reason.NONE, 0, 0)


class Said(NamedTuple):
    """The fields of one report, and the command that made it."""

    sequence: int
    time_ns: int
    kind: int
    side: int
    reason: int
    order_id: int
    maker_id: int
    price: int
    quantity: int


class OrderHistory:
    """One order, from its first report on. ``take`` is called with every report of its book, in order.

    ``terms``: as its command gave them. ``entry``: the market before that command.
    """

    def __init__(self, order_id: int, owner: int, terms: Terms, entry: Entry | None, reference: int = 0) -> None:
        self.order_id = order_id
        self.owner = owner
        self.reference = reference
        self.terms = terms
        self.entry = entry
        self.state = OrderState.REJECTED
        self.remaining = 0
        self.filled = 0
        self.accepted: Event | None = None
        self.place_then: Place | None = None
        self.events: list[Event] = []
        self.last = NO_EVENT  #: the event that took its last lots, or rejected it
        self._ahead: dict[int, Ahead] = {}

    @classmethod
    def of(cls, standing: Standing) -> OrderHistory:
        """The history of an order that is open already: what came before is unknown."""
        found = cls(standing.order_id, standing.owner, standing.terms, None, standing.reference)
        found.state = standing.state
        found.remaining, found.filled = standing.terms.quantity, standing.filled
        return found

    @property
    def is_open(self) -> bool:
        """Does it rest or wait?"""
        return self.state in (OrderState.RESTING, OrderState.WAITING)

    @property
    def ahead(self) -> tuple[Ahead, ...]:
        """What traded ahead of it while it rested, by price, the best first."""
        return tuple(sorted(self._ahead.values(), reverse=self.terms.side is Side.BID))

    def take(self, said: Said) -> None:
        """Learn from a report. O(1)."""
        kind = said.kind
        if kind in TRADES:
            if self.order_id in (said.order_id, said.maker_id):
                self._record(said)
            elif self.state is OrderState.RESTING:
                self._watch(said)
        elif kind == ReportKind.REPLACED:
            if said.maker_id == self.order_id:
                self._replaced(said)
        elif kind in ABOUT and said.order_id == self.order_id:
            self._record(said)

    def begin(self, said: Said) -> None:
        """Learn from its first report: it was accepted or rejected."""
        if said.kind == ReportKind.REJECTED:
            self.rejected(said)
            self.last = self.events[-1]
        else:
            self.take(said)

    def rejected(self, said: Said) -> None:
        """Learn that a command about it was rejected."""
        self.events.append(event_of(said))

    # ------------------------------------------------------------------ inside

    def _record(self, said: Said) -> None:
        event = event_of(said)
        self.events.append(event)
        kind = event.kind
        if kind is ReportKind.ACCEPTED:
            self.accepted = event
            self.remaining = event.quantity
            self._enter(event)
        elif kind is ReportKind.TRIGGERED:
            self._enter(event)
        elif kind is ReportKind.HIDDEN:
            self.remaining += event.quantity
            self.terms = self.terms._replace(quantity=self.remaining)
        elif kind in TAKES:
            self._took(event)

    def _enter(self, event: Event) -> None:
        """It waits, or the market sees it from now on."""
        self.state = OrderState.WAITING if event.reason is Reason.WAITS else OrderState.RESTING
        if self.state is OrderState.RESTING:
            self._priced(event)

    def _priced(self, event: Event) -> None:
        self.terms = self.terms._replace(price=None if event.reason is Reason.AT_MARKET else event.price)

    def _replaced(self, said: Said) -> None:
        event = event_of(said)
        self.events.append(event)
        self.order_id = said.order_id
        self.remaining = event.quantity
        self.terms = self.terms._replace(quantity=event.quantity)
        if self.terms.price is not None or event.reason is Reason.PRICED:
            self._priced(event)

    def _took(self, event: Event) -> None:
        self.remaining -= event.quantity
        if event.kind in TRADES:
            self.filled += event.quantity
        if self.remaining:
            return
        self.last = event
        if event.kind in TRADES:
            self.state = OrderState.FILLED
        else:
            self.state = OrderState.EXPIRED if event.kind is ReportKind.EXPIRED else OrderState.CANCELLED

    def _watch(self, said: Said) -> None:
        """Count a trade of other orders, if one of them is ahead of this one."""
        buys = self.terms.side is Side.BID
        price = self.terms.price
        if price is not None and (said.price < price if buys else said.price > price):
            return
        if said.kind == ReportKind.TRADE and said.side == self.terms.side:
            return  # it rested on the other side
        before = self._ahead.get(said.price, Ahead(said.price, 0, 0))
        self._ahead[said.price] = Ahead(said.price, before.trades + 1, before.quantity + said.quantity)


def event_of(said: Said) -> Event:
    """A report as an event."""
    reason = Reason(said.reason) if said.reason in REASONS else Reason.NONE
    return Event(said.sequence, said.time_ns, ReportKind(said.kind), reason, said.price, said.quantity)
