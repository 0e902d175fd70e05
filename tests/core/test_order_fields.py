"""The fields that few orders have, as arguments of calls: what they do, and the error of each that cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from pricetime import ASK, BID, Instruction, OrderBook, OrderType, Phase, Reason, TimeInForce, Trade
from pricetime.errors import (
    InvalidDisplayQuantity,
    InvalidExpiry,
    InvalidInstruction,
    InvalidMinimumQuantity,
    InvalidPrice,
    InvalidProtection,
    InvalidTimeInForce,
    InvalidTimestamp,
    InvalidTriggerPrice,
    NoReferencePrice,
    NotInPhase,
    NotSupported,
    PricetimeError,
    RefreshesFull,
    TriggersAtOnce,
    UnknownOrder,
)
from tests.books import ladder, queue

LIMIT, MARKET, MTL, STOP, STOP_LIMIT = OrderType
GTC, DAY, GTD, IOC, FOK, GFA = TimeInForce

Given = dict[str, Any]


def test_a_stop_order_waits_unseen() -> None:
    book = OrderBook(10)
    added = book.add_order(1, BID, 103, 5, order_type=STOP_LIMIT, trigger_price=102)
    assert (added.resting, added.reason, added.trades) == (5, Reason.NONE, ())
    assert (len(book), 1 in book, list(book), ladder(book)) == (1, True, [], ([], []))
    assert (book.order(1).price, book.order(1).quantity) == (103, 5)
    book.add_order(2, ASK, 102, 4)
    taken = book.add_order(3, BID, 102, 1)
    assert taken.trades == (Trade(2, 3, 102, 1), Trade(2, 1, 102, 3))
    assert (taken.resting, book.order(1).quantity, book.best_bid) == (0, 2, 103)


def test_an_order_that_a_stop_order_trades_with() -> None:
    """What rests of the new order is less by what the stop order took."""
    book = OrderBook(10)
    book.add_order(1, ASK, 100, 5)
    book.add_order(2, ASK, None, 3, order_type=STOP, trigger_price=100)
    added = book.add_order(3, BID, 100, 10)
    assert added.trades == (Trade(1, 3, 100, 5), Trade(3, 2, 100, 3))
    assert (added.resting, added.cancelled) == (2, 0)


def test_a_trigger_price_of_0_is_one() -> None:
    book = OrderBook(10)
    book.add_order(1, BID, 5, 5, order_type=STOP_LIMIT, trigger_price=0)
    with pytest.raises(InvalidTriggerPrice):
        book.add_order(2, BID, 5, 5, trigger_price=0)
    book.replace_order(1, 5, 5, trigger_price=0)
    assert book.order(1).quantity == 5


def test_an_iceberg() -> None:
    book = OrderBook(10)
    assert book.add_order(1, ASK, 100, 30, display_quantity=10).resting == 30
    assert (queue(book, ASK, 100), book.order(1).quantity) == ([(1, 10)], 30)
    assert [(o.id, o.quantity) for o in book] == [(1, 10)]
    taken = book.add_order(2, BID, 100, 25)
    assert taken.trades == (Trade(1, 2, 100, 10), Trade(1, 2, 100, 10), Trade(1, 2, 100, 5))
    assert (queue(book, ASK, 100), book.order(1).quantity) == ([(1, 5)], 5)
    assert book.reduce_order(1, 2) == 3


def test_an_iceberg_that_is_replaced() -> None:
    book = OrderBook(10)
    book.add_order(1, ASK, 100, 30, display_quantity=10)
    book.add_order(2, ASK, 100, 5)
    kept = book.replace_order(1, 100, 20, display_quantity=4)
    assert (kept.resting, kept.reason, queue(book, ASK, 100)) == (20, Reason.KEPT_PLACE, [(1, 10), (2, 5)])
    moved = book.replace_order(1, 101, 20)
    assert (moved.resting, moved.reason, queue(book, ASK, 101)) == (20, Reason.NONE, [(1, 4)])
    less = book.replace_order(1, 101, 3)
    assert (less.resting, queue(book, ASK, 101)) == (3, [(1, 3)])
    book.replace_order(1, 101, 2, display_quantity=4)  # it has that display quantity already
    assert queue(book, ASK, 101) == [(1, 2)]


def test_many_refreshes_need_more_room_for_reports() -> None:
    book = OrderBook(10, venue={"iceberg_ratio": 0})
    book.add_order(1, ASK, 100, 5000, display_quantity=1)
    assert len(book.add_order(2, BID, 100, 5000).trades) == 5000
    book.add_order(3, ASK, 101, 5000, display_quantity=1)
    book.add_order(4, BID, 100, 5000)
    assert len(book.replace_order(3, 100, 5000).trades) == 5000
    book.check()


def test_a_minimum_quantity() -> None:
    book = OrderBook(10)
    book.add_order(1, ASK, 100, 5)
    missed = book.add_order(2, BID, 100, 9, minimum_quantity=6)
    assert (missed.trades, missed.resting, missed.cancelled) == ((), 0, 9)
    assert missed.reason is Reason.MINIMUM_UNFILLABLE
    assert book.add_order(3, BID, 100, 9, minimum_quantity=5).resting == 4


def test_a_market_order_with_protection() -> None:
    book = OrderBook(10)
    with pytest.raises(NoReferencePrice, match="the other side is empty"):
        book.add_order(1, BID, None, 5, order_type=MARKET, protection=2)
    for number, price in ((1, 100), (2, 102), (3, 103)):
        book.add_order(number, ASK, price, 1)
    assert book.add_order(4, BID, None, 5, order_type=MARKET, protection=2).resting == 3
    assert book.best_bid == 102


def test_an_all_or_none_order() -> None:
    book = OrderBook(10, venue={"all_or_none": True})
    waits = book.add_order(1, BID, 100, 5, instructions=Instruction.ALL_OR_NONE)
    assert (waits.resting, ladder(book)) == (5, ([], []))
    assert book.add_order(2, ASK, 100, 4).resting == 4
    assert len(book.add_order(3, ASK, 100, 1).trades) == 2
    assert len(book) == 0
    with pytest.raises(NotSupported, match="all-or-none"):
        OrderBook(10).add_order(1, BID, 100, 5, instructions=Instruction.ALL_OR_NONE)


def test_an_order_that_had_traded_more_than_its_new_total() -> None:
    book = OrderBook(10, venue={"replace_total": True})
    book.add_order(1, BID, 100, 10)
    book.add_order(2, ASK, 100, 6)
    gone = book.replace_order(1, 100, 6, new_id=9)
    assert (gone.order_id, gone.resting, gone.cancelled, gone.reason) == (1, 0, 4, Reason.TRADED_MORE)
    book.add_order(3, BID, 100, 10)
    assert book.replace_order(3, 101, 8).resting == 8


NEW: list[tuple[Given, type[PricetimeError]]] = [
    ({"order_type": STOP}, InvalidTriggerPrice),
    ({"order_type": STOP_LIMIT, "trigger_price": 2**63}, InvalidTriggerPrice),
    ({"order_type": STOP_LIMIT, "trigger_price": "x"}, InvalidTriggerPrice),
    ({"order_type": STOP_LIMIT, "trigger_price": 102}, InvalidTriggerPrice),
    ({"trigger_price": 100}, InvalidTriggerPrice),
    ({"display_quantity": 22}, InvalidDisplayQuantity),
    ({"display_quantity": 3}, InvalidDisplayQuantity),
    ({"display_quantity": -1}, InvalidDisplayQuantity),
    ({"display_quantity": None}, InvalidDisplayQuantity),
    ({"display_quantity": 2**64}, InvalidDisplayQuantity),
    ({"display_quantity": 4, "time_in_force": IOC}, InvalidDisplayQuantity),
    ({"display_quantity": 4, "order_type": MARKET}, InvalidDisplayQuantity),
    ({"minimum_quantity": 22}, InvalidMinimumQuantity),
    ({"minimum_quantity": 3}, InvalidMinimumQuantity),
    ({"minimum_quantity": True}, InvalidMinimumQuantity),
    ({"minimum_quantity": 4, "time_in_force": FOK}, InvalidMinimumQuantity),
    ({"minimum_quantity": 4, "post_only": True}, InvalidMinimumQuantity),
    ({"expiry_ns": 5}, InvalidExpiry),
    ({"time_in_force": GTD}, InvalidExpiry),
    ({"time_in_force": GTD, "expiry_ns": 5, "timestamp": 5}, InvalidExpiry),
    ({"time_in_force": GTD, "expiry_ns": -1}, InvalidExpiry),
    ({"order_type": MARKET, "protection": 2**32}, InvalidProtection),
    ({"order_type": MARKET, "protection": 3}, InvalidProtection),
    ({"order_type": MARKET, "protection": 1.5}, InvalidProtection),
    ({"protection": 5}, InvalidProtection),
    ({"order_type": MARKET, "time_in_force": GTD}, InvalidTimeInForce),
    ({"order_type": STOP, "time_in_force": IOC, "trigger_price": 100}, InvalidTimeInForce),
    ({"instructions": 16}, InvalidInstruction),
    ({"instructions": 256}, InvalidInstruction),
    ({"instructions": None}, InvalidInstruction),
    ({"instructions": Instruction.AT_THE_OPEN | Instruction.AT_THE_CLOSE}, InvalidInstruction),
    ({"instructions": Instruction.AT_THE_OPEN, "post_only": True}, InvalidInstruction),
    ({"time_in_force": GFA}, NotInPhase),
]


@pytest.mark.parametrize(("given", "error"), NEW, ids=str)
def test_bad_fields_of_a_new_order(given: Given, error: type[PricetimeError]) -> None:
    book = OrderBook(10, tick_size=5, lot_size=2)
    with pytest.raises(error):
        book.add_order(1, BID, 100, 20, **given)
    assert len(book) == 0
    book.check()


def test_what_the_venue_does_not_accept() -> None:
    book = OrderBook(10, profile="bnb")
    for given in ({"order_type": MARKET}, {"time_in_force": DAY}):
        with pytest.raises(NotSupported, match="the venue of this book does not accept"):
            book.add_order(1, BID, 100, 5, **given)
    assert book.add_order(1, BID, 100, 5).resting == 5


def test_a_stop_order_that_triggers_at_once() -> None:
    book = OrderBook(10, profile="cme")
    book.set_price(2, 100)
    with pytest.raises(TriggersAtOnce):
        book.add_order(1, BID, None, 5, order_type=STOP, trigger_price=100)
    book.add_order(1, BID, 100, 5, order_type=STOP_LIMIT, trigger_price=101)
    with pytest.raises(TriggersAtOnce):
        book.replace_order(1, 100, 5, trigger_price=100)


def test_more_refreshes_than_the_limit() -> None:
    book = OrderBook(10, refresh_limit=2)
    book.add_order(1, BID, 100, 30, display_quantity=10)
    with pytest.raises(RefreshesFull, match="may be refreshed 2 times"):
        book.add_order(2, BID, 100, 20, display_quantity=10)
    with pytest.raises(RefreshesFull):
        book.replace_order(1, 100, 40)
    for limit in (-1, None, 2**41):
        with pytest.raises(PricetimeError):
            OrderBook(10, refresh_limit=limit)  # type: ignore[arg-type]


CHANGES: list[tuple[int, Given, type[PricetimeError]]] = [
    (1, {"trigger_price": 100}, InvalidTriggerPrice),
    (1, {"trigger_price": 0}, InvalidTriggerPrice),
    (1, {"display_quantity": 4}, InvalidDisplayQuantity),
    (1, {"display_quantity": 0}, InvalidDisplayQuantity),
    (1, {"expiry_ns": 50}, InvalidExpiry),
    (1, {"expiry_ns": 0}, InvalidExpiry),
    (1, {"protection": 5}, InvalidProtection),
    (1, {"protection": 0}, InvalidProtection),
    (2, {"display_quantity": 0}, InvalidDisplayQuantity),
    (2, {"display_quantity": 22}, InvalidDisplayQuantity),
    (2, {"display_quantity": 3}, InvalidDisplayQuantity),
    (2, {"display_quantity": "x"}, InvalidDisplayQuantity),
    (3, {"trigger_price": 102}, InvalidTriggerPrice),
    (3, {"trigger_price": 2**63}, InvalidTriggerPrice),
    (3, {"protection": 0}, InvalidProtection),
    (3, {"protection": 3}, InvalidProtection),
    (3, {"protection": -5}, InvalidProtection),
    (4, {"expiry_ns": 0}, InvalidExpiry),
    (4, {"expiry_ns": 30, "timestamp": 30}, InvalidExpiry),
    (4, {"expiry_ns": 2**64}, InvalidExpiry),
    (4, {"timestamp": -1}, InvalidTimestamp),
    (9, {"display_quantity": 4}, UnknownOrder),
]


@pytest.mark.parametrize(("order_id", "given", "error"), CHANGES, ids=str)
def test_bad_fields_of_a_replace(order_id: int, given: Given, error: type[PricetimeError]) -> None:
    book = OrderBook(10, tick_size=5, lot_size=2)
    book.add_order(1, BID, 100, 20)
    book.add_order(2, BID, 100, 20, display_quantity=10)
    book.add_order(3, BID, None, 20, order_type=STOP, trigger_price=105, protection=10)
    book.add_order(4, BID, 100, 20, time_in_force=GTD, expiry_ns=40)
    before = book.digest(), len(book)
    with pytest.raises(error):
        book.replace_order(order_id, 100, 20, **given)
    assert (book.digest(), len(book)) == before
    book.check()


def test_good_fields_of_a_replace() -> None:
    book = OrderBook(10)
    book.add_order(1, BID, None, 20, order_type=STOP, trigger_price=105, protection=10)
    waits = book.replace_order(1, None, 10, trigger_price=104, protection=2)
    assert (waits.resting, waits.reason) == (10, Reason.WAITS)
    book.add_order(2, BID, 100, 20, time_in_force=GTD, expiry_ns=40)
    book.replace_order(2, 100, 20, expiry_ns=50, timestamp=45)
    assert (book.expire(49), book.expire(50)) == (0, 1)
    book.set_price(2, 104)
    assert (book.best_bid, book.order(1).quantity) == (106, 10)


def test_an_order_that_names_no_price_ignores_the_price_of_a_replace() -> None:
    book = OrderBook(10, tick_size=5, low_price=50)
    book.add_order(1, BID, None, 20, order_type=STOP, trigger_price=105)
    for price in (None, 3, "x", 2**70):
        assert book.replace_order(1, price, 20).resting == 20  # type: ignore[arg-type]
    book.set_phase(Phase.HALTED)
    with pytest.raises(PricetimeError, match="halted"):
        book.replace_order(1, None, 20)
    book.set_phase(Phase.CONTINUOUS)
    book.add_order(2, BID, 100, 20)
    with pytest.raises(InvalidPrice):
        book.replace_order(2, None, 20)


def test_market_orders_of_a_call_phase_are_in_no_level() -> None:
    book = OrderBook(10, phase=Phase.PRE_OPEN)
    for number in (1, 2):
        book.add_order(number, ASK, None, 7, order_type=MARKET)
    assert (ladder(book), list(book)) == (([], []), [])
    assert (book.order(2).price, book.queue_position(2)) == (0, (1, 7))
    replaced = book.replace_order(1, None, 3)
    assert (replaced.resting, replaced.reason) == (3, Reason.AT_MARKET)
