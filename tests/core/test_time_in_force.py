"""IOC, FOK, post-only and market orders, terms that contradict each other or have no rule, and ``match_order``."""

from typing import Any

import pytest

from pricetime.errors import (
    InvalidExpiry,
    InvalidInstruction,
    InvalidTimeInForce,
    InvalidTriggerPrice,
    NotInPhase,
    PricetimeError,
    WouldCross,
)
from pricetime.execution import Execution, Trade
from pricetime.types import OrderType, Reason, Side, TimeInForce
from tests.books import FOK, I64_MAX, I64_MIN, IOC, MARKET, NEVER_RESTS, POST_ONLY, ask, bid, ladder, state

each_that_never_rests = pytest.mark.parametrize("terms", NEVER_RESTS, ids=str)


@each_that_never_rests
def test_what_may_not_rest_does_nothing_in_an_empty_book(book: Any, terms: dict[str, Any]) -> None:
    assert bid(book, 1, 100, 5, **terms) == ()
    assert ask(book, 1, 100, 5, **terms) == ()
    assert len(book) == 0
    assert 1 not in book


def test_fok_adds_quantities_beyond_64_bits(book: Any) -> None:
    huge = 2**63 - 1
    for order_id in range(4):
        ask(book, order_id, 100 + order_id, huge)
    assert len(bid(book, 9, 103, huge, time_in_force=TimeInForce.FOK)) == 1
    ask(book, 9, 100, 1)
    assert bid(book, 10, 103, huge, time_in_force=TimeInForce.FOK) == (
        Trade(9, 10, 100, 1),
        Trade(1, 10, 101, huge - 1),
    )


def test_market_takes_any_price_and_ignores_its_own(book: Any) -> None:
    ask(book, 1, I64_MAX, 4)
    assert bid(book, 2, I64_MIN, 3, order_type=OrderType.MARKET) == (Trade(1, 2, I64_MAX, 3),)
    bid(book, 3, I64_MIN, 4)
    assert ask(book, 4, I64_MAX, 9, order_type=OrderType.MARKET) == (Trade(3, 4, I64_MIN, 4),)
    assert ladder(book) == ([], [(I64_MAX, 1, 1)])


def test_post_only_is_refused_before_a_self_trade_is_looked_at(book: Any) -> None:
    ask(book, 1, 110, 10, owner=1)
    with pytest.raises(WouldCross):
        bid(book, 2, 110, 5, owner=1, post_only=True, self_trade=3)
    assert ladder(book) == ([], [(110, 10, 1)])


def test_match_order_never_rests(book: Any) -> None:
    ask(book, 1, 100, 4)
    ask(book, 2, 101, 4)
    ioc, none = Reason.IOC_REMAINDER, Reason.NONE
    assert book.match_order(9, Side.BID, 100, 10) == Execution(9, [Trade(1, 9, 100, 4)], 0, 6, ioc)
    assert book.match_order(9, Side.BID, 101, 3) == Execution(9, [Trade(2, 9, 101, 3)], 0, 0, none)
    assert book.match_order(9, Side.ASK, 101, 3) == Execution(9, [], 0, 3, ioc)
    assert ladder(book) == ([], [(101, 1, 1)])
    assert 9 not in book


def test_match_order_tells_what_self_trade_prevention_cancelled(make_book: Any) -> None:
    book = make_book(1000, self_trade=2)
    ask(book, 1, 100, 4, owner=2)
    ask(book, 2, 100, 4, owner=1)
    assert book.match_order(9, Side.BID, 100, 10, owner=1) == Execution(
        9, [Trade(1, 9, 100, 4)], 0, 6, Reason.SELF_TRADE
    )
    assert len(book) == 1


@each_that_never_rests
def test_what_never_rests_needs_no_room(make_book: Any, terms: dict[str, Any]) -> None:
    book = make_book(1, level_capacity=1)
    ask(book, 1, 100, 4)
    assert bid(book, 2, 100, 3, **terms) == (Trade(1, 2, 100, 3),)
    assert ladder(book) == ([], [(100, 1, 1)])


def test_a_market_order_that_is_fok_takes_all_or_nothing(book: Any) -> None:
    ask(book, 1, 100, 4)
    ask(book, 2, I64_MAX, 4)
    assert book.add_order(3, Side.BID, 0, 9, **MARKET, **FOK) == Execution(3, [], 0, 9, Reason.FOK_UNFILLABLE)
    assert len(bid(book, 3, 0, 8, **MARKET, **FOK)) == 2
    assert len(book) == 0


@pytest.mark.parametrize("terms", NEVER_RESTS, ids=str)
def test_what_never_rests_cannot_be_post_only(book: Any, terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidInstruction):
        bid(book, 1, 100, 5, **terms, **POST_ONLY)


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        (MARKET | {"time_in_force": TimeInForce.GTD}, InvalidTimeInForce),
        *(({"order_type": kind}, InvalidTriggerPrice) for kind in (OrderType.STOP, OrderType.STOP_LIMIT)),
        *(({"order_type": kind} | IOC, InvalidTimeInForce) for kind in list(OrderType)[2:]),
        ({"time_in_force": TimeInForce.GTD}, InvalidExpiry),
        ({"time_in_force": TimeInForce.GFA}, NotInPhase),
        (POST_ONLY | {"order_type": OrderType.STOP}, InvalidInstruction),
        (POST_ONLY | {"order_type": OrderType.STOP} | IOC, InvalidTimeInForce),
    ],
    ids=str,
)
def test_terms_that_an_order_cannot_have(book: Any, terms: dict[str, Any], error: type[PricetimeError]) -> None:
    before = state(book)
    with pytest.raises(error):
        bid(book, 1, 100, 5, **terms)
    assert state(book) == before
