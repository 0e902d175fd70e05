"""Price protection: no trade is outside the static range or the dynamic range."""

from __future__ import annotations

from typing import Any

import pytest

from pricetime.profiles import Breach
from pricetime.types import Phase, PriceKind, TimeInForce
from tests.reference.venues import ASK, BID, LIMIT, MARKET, STOP, enter, queue, told, trades, venue_book


def asks(**settings: Any) -> Any:
    """Offers of 5 lots at 100 to 105; the last trade was at 100."""
    book = venue_book(**settings)
    for price in range(100, 106):
        enter(book, price, ASK, 5, price)
    book.set_price(PriceKind.LAST, 100)
    return book


def test_the_static_range_interrupts_trading() -> None:
    book = asks(static_range=2, reference_price=100)
    assert enter(book, 1, BID, 30, 104) == [
        ("ACCEPTED", 1, 30, 104, "NONE"),
        ("TRADE", 1, 100, 5, 100),
        ("TRADE", 1, 101, 5, 101),
        ("TRADE", 1, 102, 5, 102),
        ("PHASE_CHANGED", 0, 5, 0, "OUTSIDE_RANGE"),
    ]
    assert (book.phase, queue(book, BID, 104)) == (Phase.VOLATILITY_AUCTION, [(1, 15, 0)])
    book.uncross()
    assert (book.reference, book.depth()[1]) == (104, [(105, 5, 1)])


def test_the_dynamic_range_starts_from_the_last_trade_before_the_order() -> None:
    book = asks(dynamic_range=2)
    enter(book, 1, BID, 5, 100)
    assert trades(book) == [(100, 5, 100)]
    enter(book, 2, BID, 30, 105)
    assert trades(book)[1:] == [(101, 5, 101), (102, 5, 102)]
    assert book.phase == Phase.VOLATILITY_AUCTION


def test_a_price_that_is_too_good_is_outside_too() -> None:
    book = asks(dynamic_range=2)
    book.set_price(PriceKind.LAST, 110)
    assert [r[0] for r in enter(book, 1, BID, 5, 110)] == ["ACCEPTED", "PHASE_CHANGED"]


@pytest.mark.parametrize("terms", [{"order_type": MARKET}, {"price": 105, "time_in_force": TimeInForce.IOC}], ids=str)
@pytest.mark.parametrize("on_breach", Breach)
def test_an_order_that_never_rests_loses_its_remainder(terms: dict[str, int], on_breach: Breach) -> None:
    book = asks(dynamic_range=1, on_breach=on_breach)
    reports = enter(book, 1, BID, 30, **terms)
    assert reports[-1] == ("CANCELLED", 1, 20, terms.get("price", 0), "OUTSIDE_RANGE")
    interrupted = ("PHASE_CHANGED", 0, 5, 0, "OUTSIDE_RANGE") in reports
    assert interrupted == (on_breach is Breach.INTERRUPT)


def test_a_venue_may_cancel_the_remainder() -> None:
    book = asks(dynamic_range=1, on_breach=Breach.REJECT_REST)
    reports = enter(book, 1, BID, 30, 105)
    assert reports[-1] == ("CANCELLED", 1, 20, 105, "OUTSIDE_RANGE")
    assert book.phase == 0


def test_an_order_that_ends_within_the_range_breaches_nothing() -> None:
    book = asks(dynamic_range=1)
    enter(book, 1, BID, 30, 101)
    assert (book.phase, queue(book, BID, 101)) == (0, [(1, 20, 0)])


@pytest.mark.parametrize("terms", [{"time_in_force": TimeInForce.FOK}, {"minimum_quantity": 11}], ids=str)
def test_what_must_trade_counts_only_what_is_in_range(terms: dict[str, int]) -> None:
    book = asks(dynamic_range=1)
    reports = enter(book, 1, BID, 11, 105, order_type=LIMIT, **terms)
    assert [r[0] for r in reports] == ["ACCEPTED", "CANCELLED"]
    assert book.phase == 0


def test_a_replace_and_a_triggered_stop_are_protected() -> None:
    book = asks(dynamic_range=1)
    enter(book, 1, BID, 30, 90)
    book.replace_order(1, 105, 30)
    assert (len(trades(book)), book.phase) == (2, Phase.VOLATILITY_AUCTION)
    book = asks(dynamic_range=1)
    enter(book, 1, BID, 30, order_type=STOP, trigger_price=101)
    enter(book, 2, BID, 2, order_type=STOP, trigger_price=101)
    enter(book, 3, BID, 6, 101)
    assert [r[:2] for r in told(book) if r[0] in ("TRIGGERED", "PHASE_CHANGED")] == [
        ("TRIGGERED", 1),
        ("PHASE_CHANGED", 0),
    ]
    assert book.by_id[2].waits


def test_no_price_no_range() -> None:
    book = venue_book(dynamic_range=1, static_range=1)
    enter(book, 1, ASK, 5, 100)
    enter(book, 2, BID, 5, 100)
    assert len(trades(book)) == 1
