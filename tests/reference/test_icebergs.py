"""Icebergs: what they display, when they are refreshed, and what the public sees."""

from __future__ import annotations

from typing import Any

import pytest

from pricetime.errors import InvalidDisplayQuantity, PricetimeError, RefreshesFull
from pricetime.reference.commands import apply
from pricetime.types import CommandType, Reason, ReplacePolicy, ReportKind, SelfTrade
from tests.reference.venue_flow import command
from tests.reference.venues import ASK, BID, MARKET, enter, queue, told, trades, venue_book


def test_the_worked_example_of_t7() -> None:
    book = venue_book()
    enter(book, 1, BID, 6_000, 202)
    enter(book, 2, BID, 2_000, 201)
    enter(book, 3, ASK, 500, 203)
    assert enter(book, 4, ASK, 50_000, 201, display_quantity=10_000) == [
        ("ACCEPTED", 4, 50_000, 201, "NONE"),
        ("TRADE", 4, 1, 6_000, 202),
        ("TRADE", 4, 2, 2_000, 201),
    ]
    assert book.reports[3].maker_id == 40_000
    assert queue(book, ASK, 201) == [(4, 2_000, 40_000)]
    assert enter(book, 5, BID, 5_000, order_type=MARKET)[1:] == [
        ("TRADE", 5, 4, 2_000, 201),
        ("REFRESHED", 4, 10_000, 201, "NONE"),
        ("TRADE", 5, 4, 3_000, 201),
    ]
    assert queue(book, ASK, 201) == [(4, 7_000, 30_000)]
    enter(book, 6, ASK, 30_000, 201, display_quantity=5_000)
    seen = len(book.reports)
    enter(book, 7, BID, 14_000, order_type=MARKET)
    assert trades(book, seen) == [(4, 7_000, 201), (6, 5_000, 201), (4, 2_000, 201)]
    assert sorted(queue(book, ASK, 201)) == [(4, 8_000, 20_000), (6, 5_000, 20_000)]
    enter(book, 8, ASK, 2_000, 201)
    assert [order_id for order_id, *_ in queue(book, ASK, 201)] == [4, 6, 8]
    seen = len(book.reports)
    enter(book, 9, BID, 23_000, order_type=MARKET)
    assert trades(book, seen) == [(4, 8_000, 201), (6, 5_000, 201), (8, 2_000, 201), (4, 8_000, 201)]
    assert sorted(queue(book, ASK, 201)) == [(4, 2_000, 10_000), (6, 5_000, 15_000)]


def test_a_taker_that_uses_up_its_slice_goes_on_with_the_next() -> None:
    book = venue_book()
    enter(book, 1, ASK, 7, 99)
    enter(book, 2, ASK, 9, 100, display_quantity=4)
    assert enter(book, 3, BID, 25, 100, display_quantity=5)[1:] == [
        ("TRADE", 3, 1, 5, 99),
        ("REFRESHED", 3, 5, 100, "NONE"),
        ("TRADE", 3, 1, 2, 99),
        ("TRADE", 3, 2, 3, 100),
        ("REFRESHED", 3, 5, 100, "NONE"),
        ("TRADE", 3, 2, 1, 100),
        ("REFRESHED", 2, 4, 100, "NONE"),
        ("TRADE", 3, 2, 4, 100),
        ("REFRESHED", 2, 1, 100, "NONE"),
        ("REFRESHED", 3, 5, 100, "NONE"),
        ("TRADE", 3, 2, 1, 100),
    ]
    assert queue(book, BID, 100) == [(3, 4, 5)]


def test_the_limit_of_refreshes() -> None:
    book = venue_book(refresh_limit=3)
    enter(book, 1, BID, 15, 100, display_quantity=5)
    with pytest.raises(RefreshesFull):
        enter(book, 2, BID, 15, 100, display_quantity=5)
    enter(book, 2, BID, 10, 100, display_quantity=5)
    with pytest.raises(RefreshesFull):
        book.replace_order(2, 100, 10, display_quantity=2)
    with pytest.raises(RefreshesFull):
        book.replace_order(2, 100, 11)
    enter(book, 3, ASK, 5, 100)
    book.replace_order(2, 100, 11)
    enter(book, 4, BID, 100, 90)


def test_an_iceberg_that_a_mass_cancel_has_yet_to_visit_is_not_refreshed() -> None:
    book = venue_book(owner_limit=9)
    enter(book, 1, BID, 5, 90, owner=3)
    enter(book, 2, BID, 15, 100, display_quantity=5, owner=3)
    apply(book, command(CommandType.MASS_CANCEL, owner=3, tag=1, flags=38))
    told_ = apply(book, command(CommandType.NEW_ORDER, order_id=9, side=ASK, price=100, quantity=7))
    assert told_[["kind", "reason", "order_id", "maker_id", "quantity"]].tolist()[1:] == [
        (ReportKind.TRADE, 0, 9, 2, 5),
        (ReportKind.CANCELLED, 38, 2, 10, 10),
    ]
    end = apply(book, command(CommandType.CONTINUE, owner=3))
    assert end[["kind", "reason", "quantity"]].tolist() == [(ReportKind.MASS_CANCELLED, 0, 2)]


@pytest.mark.parametrize(("traded", "shown"), [(0, 10), (4, 6), (10, 10), (14, 6), (25, 5), (33, 2)])
def test_the_first_display_is_what_its_trades_left(traded: int, shown: int) -> None:
    book = venue_book()
    if traded:
        enter(book, 1, ASK, traded, 100)
    enter(book, 2, BID, 35, 100, display_quantity=10)
    assert queue(book, BID, 100) == [(2, shown, 35 - traded - shown)]


def test_the_market_sees_what_is_displayed_and_the_owner_all() -> None:
    book = venue_book()
    enter(book, 1, BID, 50, 100, display_quantity=10)
    enter(book, 2, BID, 5, 100)
    assert book.depth() == ([(100, 15, 2)], [])
    assert [order.quantity for order in book.orders(BID, 100)] == [10, 5]
    assert book.queue_position(2) == (1, 10)
    assert book.order(1).quantity == 50
    digest, full = book.digest(), book.full_digest()
    book.reduce_order(1, 7)
    assert (book.digest(), book.full_digest() == full) == (digest, False)


def test_a_reduce_takes_hidden_lots_first_and_keeps_the_place() -> None:
    book = venue_book()
    enter(book, 1, BID, 20, 100, display_quantity=10)
    enter(book, 2, BID, 5, 100)
    assert book.reduce_order(1, 7) == 13
    assert (book.reports[-1].quantity, book.reports[-1].maker_id) == (7, 7)
    assert book.reduce_order(1, 7) == 6
    assert (book.reports[-1].quantity, book.reports[-1].maker_id) == (7, 3)
    assert queue(book, BID, 100) == [(1, 6, 0), (2, 5, 0)]
    assert book.cancel_order(1) == 6
    assert book.reports[-1].maker_id == 0


def test_a_cancel_says_how_many_lots_were_hidden() -> None:
    book = venue_book()
    enter(book, 1, BID, 20, 100, display_quantity=10)
    assert book.cancel_order(1) == 20
    assert book.reports[-1] == (ReportKind.CANCELLED, BID, Reason.NONE, 1, 10, 100, 20)


def test_a_replace_to_fewer_lots_keeps_the_place() -> None:
    book = venue_book()
    enter(book, 1, BID, 20, 100, display_quantity=10)
    enter(book, 2, BID, 5, 100)
    seen = len(book.reports)
    execution = book.replace_order(1, 100, 12, new_id=3)
    assert told(book, seen) == [
        ("REPLACED", 3, 10, 100, "KEPT_PLACE"),
        ("HIDDEN", 3, 2, 100, "NONE"),
    ]
    assert (execution.resting, execution.cancelled) == (12, 0)
    assert queue(book, BID, 100) == [(3, 10, 2), (2, 5, 0)]


@pytest.mark.parametrize(
    "settings", [{"iceberg_keeps_place": False}, {"replace_policy": ReplacePolicy.ALWAYS_LOSE}], ids=str
)
def test_a_venue_may_send_every_replaced_iceberg_to_the_back(settings: dict[str, Any]) -> None:
    book = venue_book(**settings)
    enter(book, 1, BID, 20, 100, display_quantity=10)
    enter(book, 2, BID, 5, 100)
    seen = len(book.reports)
    book.replace_order(1, 100, 12)
    assert told(book, seen) == [("REPLACED", 1, 10, 100, "NONE"), ("HIDDEN", 1, 2, 100, "NONE")]
    assert queue(book, BID, 100) == [(2, 5, 0), (1, 10, 2)]


def test_a_new_display_quantity_counts_from_the_next_refresh() -> None:
    book = venue_book()
    enter(book, 1, BID, 20, 100, display_quantity=10)
    book.replace_order(1, 100, 20, display_quantity=4)
    assert queue(book, BID, 100) == [(1, 10, 10)]
    enter(book, 2, ASK, 10, 100)
    assert queue(book, BID, 100) == [(1, 4, 6)]


def test_display_is_not_switched_on_or_off_by_a_replace() -> None:
    book = venue_book()
    enter(book, 1, BID, 20, 100, display_quantity=10)
    enter(book, 2, BID, 20, 100)
    for order_id, display in ((1, 0), (2, 5), (1, 21)):
        with pytest.raises(InvalidDisplayQuantity):
            book.replace_order(order_id, 100, 20, display_quantity=display)


def test_the_least_share_that_is_displayed() -> None:
    book = venue_book(iceberg_ratio=4)
    with pytest.raises(InvalidDisplayQuantity):
        enter(book, 1, BID, 41, 100, display_quantity=10)
    enter(book, 1, BID, 40, 100, display_quantity=10)
    with pytest.raises(InvalidDisplayQuantity):
        book.replace_order(1, 100, 41)
    book.replace_order(1, 101, 40)


def test_fok_counts_hidden_lots_that_no_other_order_of_its_owner_is_before() -> None:
    """A refreshed part is behind the order of the same owner, where the mode ends the incoming order."""
    book = venue_book(self_trade=SelfTrade.CANCEL_NEWEST)
    enter(book, 1, ASK, 20, 100, display_quantity=5)
    with_hidden = enter(book, 2, BID, 20, 100, time_in_force=4, owner=9)
    assert with_hidden[-1] == ("TRADE", 2, 1, 5, 100)
    enter(book, 3, ASK, 20, 100, display_quantity=5)
    enter(book, 4, ASK, 1, 100, owner=9)
    assert enter(book, 5, BID, 6, 100, time_in_force=4, owner=9)[1:] == [("CANCELLED", 5, 6, 100, "FOK_UNFILLABLE")]
    assert enter(book, 6, BID, 5, 100, time_in_force=4, owner=9)[1][0] == "TRADE"


def test_self_trade_prevention_takes_the_whole_iceberg() -> None:
    book = venue_book(self_trade=SelfTrade.CANCEL_OLDEST)
    enter(book, 1, ASK, 20, 100, display_quantity=5, owner=9)
    enter(book, 2, BID, 3, 100, owner=9)
    cancelled = next(r for r in book.reports if r.kind == ReportKind.CANCELLED)
    assert (cancelled.order_id, cancelled.quantity, cancelled.maker_id) == (1, 20, 15)


def test_a_slice_of_an_incoming_iceberg_is_cancelled_with_what_is_hidden() -> None:
    book = venue_book(self_trade=SelfTrade.CANCEL_NEWEST)
    enter(book, 1, ASK, 2, 100, owner=9)
    enter(book, 2, BID, 30, 100, owner=9, display_quantity=10)
    assert book.reports[-1] == (ReportKind.CANCELLED, BID, Reason.SELF_TRADE, 2, 20, 100, 30)


@pytest.mark.parametrize(
    "terms",
    [
        {"display_quantity": 11},
        {"display_quantity": -1},
        {"display_quantity": 5, "time_in_force": 3},
        {"display_quantity": 5, "time_in_force": 4},
        {"display_quantity": 5, "order_type": MARKET},
        {"display_quantity": 5, "instructions": 4},
    ],
)
def test_what_cannot_be_an_iceberg(terms: dict[str, int]) -> None:
    book = venue_book()
    with pytest.raises(InvalidDisplayQuantity):
        enter(book, 1, BID, 10, 100, **terms)
    assert not book.reports


def test_lots_of_a_display() -> None:
    book = venue_book(lot_size=5)
    with pytest.raises(PricetimeError):
        enter(book, 1, BID, 10, 100, display_quantity=4)


def test_an_iceberg_trades_whole_in_an_auction_and_is_refreshed_after_it() -> None:
    book = venue_book()
    book.set_phase(4)
    enter(book, 1, BID, 50, 100, display_quantity=10)
    enter(book, 2, BID, 5, 100)
    enter(book, 3, ASK, 27, 100)
    seen = len(book.reports)
    book.uncross()
    assert told(book, seen)[1:3] == [("AUCTION_TRADE", 1, 3, 27, 100), ("REFRESHED", 1, 10, 100, "NONE")]
    assert queue(book, BID, 100) == [(2, 5, 0), (1, 10, 13)]


def test_less_than_its_display_is_no_refresh() -> None:
    book = venue_book()
    book.set_phase(4)
    enter(book, 1, BID, 50, 100, display_quantity=10)
    enter(book, 3, ASK, 7, 100)
    book.uncross()
    assert queue(book, BID, 100) == [(1, 3, 40)]
    assert ReportKind.REFRESHED not in {r.kind for r in book.reports}
