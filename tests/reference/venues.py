"""Short words for tests of the rules of venues."""

from __future__ import annotations

from typing import Any

from pricetime.profiles import Venue
from pricetime.reference import ReferenceBook
from pricetime.reference.records import Report
from pricetime.types import OrderType, Reason, ReportKind, Side

BID, ASK = Side.BID, Side.ASK
LIMIT, MARKET, MTL, STOP, STOP_LIMIT = OrderType


def venue_book(capacity: int | None = None, **settings: Any) -> ReferenceBook:
    """A book with a venue; ``settings`` of both."""
    known = set(Venue.__dataclass_fields__)
    venue = Venue(**{name: value for name, value in settings.items() if name in known})
    others = {name: value for name, value in settings.items() if name not in known}
    return ReferenceBook(capacity, venue=venue, **others)


def enter(book: ReferenceBook, order_id: int, side: Side, quantity: int, price: int = 0, **terms: Any) -> list[Any]:
    """Enter an order. Returns its reports in words."""
    before = len(book.reports)
    book.add_order(order_id, side, price, quantity, **terms)
    return told(book, before)


def name_of_kind(kind: int) -> str:
    return ReportKind(kind).name


def name_of_reason(reason: int) -> str:
    return Reason(reason).name


def in_words(r: Report) -> tuple[Any, ...]:
    """Kind, order, quantity, price, reason; of trades kind, taker or buyer, maker or seller, quantity, price."""
    if r.kind in (ReportKind.TRADE, ReportKind.AUCTION_TRADE):
        return (name_of_kind(r.kind), r.order_id, r.maker_id, r.quantity, r.price)
    return (name_of_kind(r.kind), r.order_id, r.quantity, r.price, name_of_reason(r.reason))


def told(book: ReferenceBook, since: int = 0) -> list[tuple[Any, ...]]:
    """The reports since then, in words."""
    return [in_words(r) for r in book.reports[since:]]


def trades(book: ReferenceBook, since: int = 0) -> list[tuple[int, ...]]:
    """Maker, quantity and price of the trades since then."""
    return [(r.maker_id, r.quantity, r.price) for r in book.reports[since:] if r.kind == ReportKind.TRADE]


def queue(book: ReferenceBook, side: Side, price: int) -> list[tuple[int, int, int]]:
    """Order, displayed and hidden lots, in time priority."""
    return [(o.id, o.shown, o.hidden) for o in book.levels[side].get(price, ())]
