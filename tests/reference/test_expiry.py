"""Orders that end at a time or with the day."""

from __future__ import annotations

import pytest

from pricetime.errors import InvalidExpiry
from pricetime.profiles import StopTrigger
from pricetime.reference.commands import apply
from pricetime.types import CommandType, Phase, Reason, ReportKind, TimeInForce
from tests.reference.venue_flow import command
from tests.reference.venues import ASK, BID, STOP_LIMIT, enter, told, venue_book

GTD, DAY = TimeInForce.GTD, TimeInForce.DAY


def test_orders_end_by_time_and_entry() -> None:
    book = venue_book()
    for order_id, expiry in ((1, 30), (2, 20), (3, 30), (4, 20), (5, 31)):
        enter(book, order_id, BID, 5, 100 - order_id, time_in_force=GTD, expiry_ns=expiry)
    enter(book, 6, ASK, 5, 105, order_type=STOP_LIMIT, trigger_price=90, time_in_force=GTD, expiry_ns=25)
    seen = len(book.reports)
    assert book.expire(30, order_id=77) == 5
    assert told(book, seen) == [
        ("EXPIRED", 2, 5, 98, "EXPIRY_REACHED"),
        ("EXPIRED", 4, 5, 96, "EXPIRY_REACHED"),
        ("EXPIRED", 6, 5, 105, "EXPIRY_REACHED"),
        ("EXPIRED", 1, 5, 99, "EXPIRY_REACHED"),
        ("EXPIRED", 3, 5, 97, "EXPIRY_REACHED"),
        ("EXPIRY_DONE", 77, 5, 0, "NONE"),
    ]
    assert book.reports[seen + 2].maker_id == 5
    assert book.expire(30) == 0


def test_an_expiry_in_parts() -> None:
    book = venue_book()
    for order_id in range(5):
        enter(book, order_id, BID, 5, 100, time_in_force=GTD, expiry_ns=20)
    ends = [apply(book, command(CommandType.EXPIRE, quantity=20, tag=2, order_id=9)) for _ in range(4)]
    assert [len(reports) - 1 for reports in ends] == [2, 2, 1, 0]
    assert [(int(r["kind"][-1]), int(r["reason"][-1]), int(r["order_id"][-1])) for r in ends] == [
        (ReportKind.EXPIRY_DONE, Reason.UNFINISHED, 9),
        (ReportKind.EXPIRY_DONE, Reason.UNFINISHED, 9),
        (ReportKind.EXPIRY_DONE, Reason.NONE, 9),
        (ReportKind.EXPIRY_DONE, Reason.NONE, 9),
    ]


def test_orders_for_the_day_end_once_the_instrument_is_closed() -> None:
    book = venue_book()
    enter(book, 1, BID, 5, 100, time_in_force=DAY)
    enter(book, 2, BID, 5, 99)
    enter(book, 3, BID, 5, 98, time_in_force=GTD, expiry_ns=9)
    assert book.expire(1) == 0
    book.set_phase(Phase.CLOSED)
    seen = len(book.reports)
    assert book.expire(9) == 2
    assert [(r.kind, r.order_id, r.reason) for r in book.reports[seen:-1]] == [
        (ReportKind.EXPIRED, 3, Reason.EXPIRY_REACHED),
        (ReportKind.EXPIRED, 1, Reason.DAY_ENDED),
    ]
    assert list(book.by_id) == [2]


def test_the_hidden_lots_of_an_iceberg_that_ends() -> None:
    book = venue_book()
    enter(book, 1, BID, 50, 100, time_in_force=GTD, expiry_ns=9, display_quantity=10)
    book.expire(9)
    assert (book.reports[-2].quantity, book.reports[-2].maker_id) == (50, 40)


def test_an_expiry_may_trigger_stops_by_the_best_quote() -> None:
    book = venue_book(stop_trigger=StopTrigger.BEST_QUOTE)
    enter(book, 1, ASK, 5, 100, time_in_force=GTD, expiry_ns=9)
    enter(book, 2, BID, 5, 90, order_type=STOP_LIMIT, trigger_price=105)
    book.expire(9)
    assert [r[0] for r in told(book)][-3:] == ["EXPIRED", "EXPIRY_DONE", "TRIGGERED"]


def test_a_new_expiry_time() -> None:
    book = venue_book()
    enter(book, 1, BID, 5, 100, time_in_force=GTD, expiry_ns=9)
    enter(book, 2, BID, 5, 100)
    book.replace_order(1, 100, 5, expiry_ns=20)
    assert book.expire(9) == 0
    for order_id, expiry in ((1, 0), (2, 20), (1, 2**64)):
        with pytest.raises(InvalidExpiry):
            book.replace_order(order_id, 100, 5, expiry_ns=expiry)
    with pytest.raises(InvalidExpiry):
        book.replace_order(1, 100, 5, expiry_ns=20, timestamp=20)


@pytest.mark.parametrize(
    "terms",
    [
        {"time_in_force": GTD},
        {"time_in_force": GTD, "expiry_ns": 7, "timestamp": 7},
        {"time_in_force": GTD, "expiry_ns": 2**64},
        {"time_in_force": DAY, "expiry_ns": 7},
        {"expiry_ns": 7},
    ],
)
def test_illegal_expiry_times(terms: dict[str, int]) -> None:
    with pytest.raises(InvalidExpiry):
        enter(venue_book(), 1, BID, 5, 100, **terms)
