"""What is the reference's own: its plain structure, its reports, and the digest as its formula says."""

from collections import deque

import pytest

from pricetime.errors import OrdersFull, PricetimeError
from pricetime.reference import Order, ReferenceBook
from pricetime.types import Reason, ReportKind, Side
from tests.books import ask, bid


def test_levels_are_deques_of_orders_by_price() -> None:
    book = ReferenceBook()
    bid(book, 1, 100, 5, timestamp=7)
    bid(book, 2, 100, 6)
    ask(book, 3, 101, 7)
    assert set(book.levels[Side.BID]) == {100}
    queue = book.levels[Side.BID][100]
    assert isinstance(queue, deque)
    assert [(o.id, o.side, o.price, o.quantity, o.timestamp) for o in queue] == [
        (1, Side.BID, 100, 5, 7),
        (2, Side.BID, 100, 6, 0),
    ]
    assert isinstance(queue[0], Order)
    assert book.by_id == {1: queue[0], 2: queue[1], 3: book.levels[Side.ASK][101][0]}


def test_an_empty_level_is_not_kept() -> None:
    book = ReferenceBook()
    bid(book, 1, 100, 5)
    book.cancel_order(1)
    assert book.levels == {Side.BID: {}, Side.ASK: {}}
    assert book.by_id == {}


def test_reports_are_kept_in_order_and_nothing_is_said_of_what_was_refused() -> None:
    book = ReferenceBook(1)
    bid(book, 1, 100, 5)
    with pytest.raises(OrdersFull):
        bid(book, 2, 100, 5)
    with pytest.raises(PricetimeError):
        book.cancel_order(3)
    book.reduce_order(1, 2)
    assert [(r.kind, r.reason, r.order_id, r.quantity) for r in book.reports] == [
        (ReportKind.ACCEPTED, Reason.NONE, 1, 5),
        (ReportKind.REDUCED, Reason.NONE, 1, 2),
    ]


def test_the_digest_folds_sides_prices_ids_and_quantities() -> None:
    def folded(*parts: int) -> int:
        value = 0
        for part in parts:
            value = (value ^ part % 2**64) * 0x9E3779B97F4A7C15 % 2**64
            value ^= value >> 32
        return value

    book = ReferenceBook()
    assert book.digest() == folded(1, 2)
    bid(book, 7, -100, 5, owner=3, timestamp=9)
    bid(book, 6, -99, 1)
    ask(book, 8, 2**63 - 1, 4)
    ask(book, 9, 2**63 - 1, 2)
    bids = (-99, 6, 1, -100, 7, 5)
    asks = (2**63 - 1, 8, 4, 2**63 - 1, 9, 2)
    assert book.digest() == folded(1, *bids, 2, *asks)
