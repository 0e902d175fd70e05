"""Orders that wait for their trigger price, and orders whose price depends on the best one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pricetime.errors import InvalidTriggerPrice, NoReferencePrice, PricetimeError, TriggersAtOnce
from pricetime.profiles import StopEntry, StopTrigger
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.types import CommandType, Instruction, OrderType, PriceKind, Reason, ReportKind, TimeInForce
from tests.reference.venue_flow import command, extension
from tests.reference.venues import ASK, BID, LIMIT, MARKET, MTL, STOP, STOP_LIMIT, enter, told, trades, venue_book


def cme(side: int, levels: list[tuple[int, int]]) -> ReferenceBook:
    """A book with one order at each price of a side, ids from 101."""
    book = venue_book()
    for number, (price, quantity) in enumerate(levels, 101):
        enter(book, number, ASK if side == BID else BID, quantity, price)
    return book


def test_stop_with_protection_of_cme() -> None:
    book = cme(BID, [(133025, 2), (133200, 3), (133225, 2), (133375, 9)])
    enter(book, 1, BID, 10, order_type=STOP, trigger_price=133000, protection=300)
    assert trades(book) == []
    seen = len(book.reports)
    book.set_price(PriceKind.LAST, 133000)
    assert told(book, seen) == [
        ("PRICE_SET", 0, 2, 133000, "NONE"),
        ("TRIGGERED", 1, 10, 133300, "NONE"),
        ("TRADE", 1, 101, 2, 133025),
        ("TRADE", 1, 102, 3, 133200),
        ("TRADE", 1, 103, 2, 133225),
    ]
    assert book.depth() == ([(133300, 3, 1)], [(133375, 9, 1)])


@pytest.mark.parametrize(
    ("side", "levels", "protection", "rest"),
    [
        (BID, [(90025, 2), (90300, 3), (90550, 3), (90675, 9)], 600, (90625, 7, 1)),
        (ASK, [(90000, 2), (89900, 3), (89650, 3), (89300, 9)], 600, (89400, 7, 1)),
    ],
)
def test_market_with_protection_of_cme(side: Any, levels: Any, protection: int, rest: Any) -> None:
    book = cme(side, levels)
    enter(book, 1, side, 15, order_type=MARKET, protection=protection)
    assert [(quantity, price) for _, quantity, price in trades(book)] == [(q, p) for p, q in levels[:3]]
    assert book.depth()[side - 1] == [rest]


def test_market_to_limit_of_cme() -> None:
    book = cme(BID, [(90025, 2), (90050, 9)])
    assert enter(book, 1, BID, 15, order_type=MTL) == [
        ("ACCEPTED", 1, 15, 90025, "NONE"),
        ("TRADE", 1, 101, 2, 90025),
    ]
    assert book.depth() == ([(90025, 13, 1)], [(90050, 9, 1)])


def test_market_orders_and_an_empty_other_side() -> None:
    book = venue_book()
    assert enter(book, 1, BID, 15, order_type=MTL) == [
        ("ACCEPTED", 1, 15, 0, "NEVER_RESTS"),
        ("CANCELLED", 1, 15, 0, "MARKET_REMAINDER"),
    ]
    with pytest.raises(NoReferencePrice):
        enter(book, 2, BID, 15, order_type=MARKET, protection=5)


def test_a_protected_price_stays_within_the_band() -> None:
    book = venue_book(high_price=103)
    enter(book, 1, ASK, 1, 100)
    enter(book, 2, BID, 5, order_type=MARKET, protection=9)
    assert book.depth()[0] == [(103, 4, 1)]


def test_a_stop_is_private_until_it_triggers() -> None:
    book = venue_book()
    enter(book, 1, ASK, 5, 101)
    assert enter(book, 2, BID, 3, order_type=STOP, trigger_price=101) == [("ACCEPTED", 2, 3, 0, "WAITS")]
    assert book.depth()[0] == []
    assert (2 in book, book.order(2).quantity, len(book)) == (True, 3, 2)
    assert enter(book, 3, BID, 1, 101)[1:] == [
        ("TRADE", 3, 1, 1, 101),
        ("TRIGGERED", 2, 3, 0, "NEVER_RESTS"),
        ("TRADE", 2, 1, 3, 101),
    ]


def test_triggered_stops_enter_by_trigger_price_and_entry_behind_what_rests() -> None:
    book = venue_book()
    for order_id, trigger in ((11, 103), (12, 102), (13, 103), (14, 105)):
        enter(book, order_id, BID, 1, 90, order_type=STOP_LIMIT, trigger_price=trigger)
    for order_id, trigger in ((21, 101), (22, 103)):
        enter(book, order_id, ASK, 1, 110, order_type=STOP_LIMIT, trigger_price=trigger)
    book.set_price(PriceKind.LAST, 103)
    assert [r[1] for r in told(book) if r[0] == "TRIGGERED"] == [12, 11, 13, 22]
    assert [order.id for order in book.orders(BID, 90)] == [12, 11, 13]


def test_buy_stops_enter_before_sell_stops_those_of_the_cascade_too() -> None:
    book = venue_book()
    for order_id, price in ((1, 100), (2, 101), (3, 102)):
        enter(book, order_id, ASK, 1, price)
    enter(book, 11, BID, 1, order_type=STOP, trigger_price=100)
    enter(book, 12, BID, 1, order_type=STOP, trigger_price=101)
    enter(book, 21, ASK, 1, 120, order_type=STOP_LIMIT, trigger_price=100)
    enter(book, 9, BID, 1, 100)
    assert [r[1] for r in told(book) if r[0] == "TRIGGERED"] == [11, 12, 21]


@pytest.mark.parametrize("side", [BID, ASK])
def test_a_cascade_is_one_command(side: Any) -> None:
    """Each stop trades one tick farther and triggers the next."""
    book = venue_book()
    step = 1 if side == BID else -1
    count = 400
    for n in range(count):
        enter(book, 1000 + n, ASK if side == BID else BID, 1, 5000 + n * step)
        enter(book, 2000 + n, side, 1, order_type=STOP, trigger_price=5000 + n * step)
    enter(book, 9999, ASK if side == BID else BID, 1, 5000 + count * step)
    seen = len(book.reports)
    enter(book, 1, side, 1, 5000)
    assert [r.order_id for r in book.reports[seen:] if r.kind == ReportKind.TRADE] == [1, *range(2000, 2000 + count)]
    assert len(book.reports) - seen == 2 * count + 2
    assert len(book) == 0


def test_a_stop_that_the_last_trade_has_reached() -> None:
    for setting in StopEntry:
        book = venue_book(stop_at_entry=setting)
        book.set_price(PriceKind.LAST, 100)
        enter(book, 1, BID, 1, 99, order_type=STOP_LIMIT, trigger_price=101)
        if setting is StopEntry.REJECT:
            with pytest.raises(TriggersAtOnce):
                enter(book, 2, BID, 1, 99, order_type=STOP_LIMIT, trigger_price=100)
            with pytest.raises(TriggersAtOnce):
                book.replace_order(1, 99, 1, trigger_price=100)
        else:
            assert [r[0] for r in enter(book, 2, BID, 1, 99, order_type=STOP_LIMIT, trigger_price=100)] == [
                "ACCEPTED",
                "TRIGGERED",
            ]
            book.replace_order(1, 99, 1, trigger_price=100)
            assert [r[0] for r in told(book)][-2:] == ["REPLACED", "TRIGGERED"]


def test_no_last_trade_triggers_nothing() -> None:
    book = venue_book(stop_at_entry=StopEntry.REJECT)
    assert enter(book, 1, BID, 1, order_type=STOP, trigger_price=-5) == [("ACCEPTED", 1, 1, 0, "WAITS")]


def test_the_best_quote_triggers_after_a_cancel_too() -> None:
    book = venue_book(stop_trigger=StopTrigger.BEST_QUOTE)
    enter(book, 1, ASK, 1, 100)
    enter(book, 2, ASK, 1, 102)
    enter(book, 3, BID, 1, 101, order_type=STOP_LIMIT, trigger_price=101)
    seen = len(book.reports)
    book.cancel_order(1)
    assert [r[0] for r in told(book, seen)] == ["CANCELLED", "TRIGGERED"]


def test_cancel_reduce_and_replace_of_a_stop_are_private() -> None:
    book = venue_book()
    for order_id in (1, 2, 3):
        enter(book, order_id, BID, 5, 90, order_type=STOP_LIMIT, trigger_price=100)
    seen = len(book.reports)
    book.reduce_order(1, 2)
    book.replace_order(1, 95, 3)
    book.replace_order(2, 95, 6, new_id=12)
    book.cancel_order(3)
    found = [(r.kind, r.order_id, r.reason, r.quantity, r.maker_id) for r in book.reports[seen:]]
    assert found == [
        (ReportKind.REDUCED, 1, Reason.NONE, 2, 2),
        (ReportKind.REPLACED, 1, Reason.WAITS, 3, 1),
        (ReportKind.REPLACED, 12, Reason.WAITS, 6, 2),
        (ReportKind.CANCELLED, 3, Reason.NONE, 5, 5),
    ]
    enter(book, 4, BID, 5, 90, order_type=STOP_LIMIT, trigger_price=100)
    book.replace_order(1, 95, 3, trigger_price=101)
    book.set_price(PriceKind.LAST, 101)
    assert [r[1] for r in told(book) if r[0] == "TRIGGERED"] == [12, 4, 1]


def test_a_replace_keeps_the_place_of_a_stop_if_its_trigger_price_stays() -> None:
    book = venue_book()
    for order_id in (1, 2, 3):
        enter(book, order_id, BID, 5, 90, order_type=STOP_LIMIT, trigger_price=100)
    book.replace_order(1, 80, 5)
    book.replace_order(2, 80, 6)
    book.set_price(PriceKind.LAST, 100)
    assert [r[1:4] for r in told(book) if r[0] == "TRIGGERED"] == [(1, 5, 80), (3, 5, 90), (2, 6, 80)]


def test_a_triggered_stop_may_find_no_level() -> None:
    book = venue_book(level_capacity=2)
    enter(book, 1, BID, 5, 90, order_type=STOP_LIMIT, trigger_price=100)
    enter(book, 2, BID, 5, 91, order_type=STOP_LIMIT, trigger_price=100)
    enter(book, 3, BID, 5, 80)
    book.set_price(PriceKind.LAST, 100)
    assert told(book)[-2:] == [("TRIGGERED", 2, 5, 91, "NONE"), ("CANCELLED", 2, 5, 91, "LEVELS_FULL")]


def test_triggered_orders_keep_their_expiry_and_display() -> None:
    book = venue_book()
    terms = {"time_in_force": TimeInForce.GTD, "expiry_ns": 50, "display_quantity": 2}
    enter(book, 1, BID, 5, 90, order_type=STOP_LIMIT, trigger_price=100, **terms)
    book.set_price(PriceKind.LAST, 100)
    assert told(book)[-1] == ("TRIGGERED", 1, 5, 90, "NONE")
    assert book.reports[-1].maker_id == 3
    assert book.expire(50) == 1


def test_mass_cancels_and_open_orders_know_waiting_orders() -> None:
    book = venue_book(owner_limit=4)
    new = {"side": 1, "order_id": 7, "quantity": 5, "price": 90, "owner": 3, "order_type": STOP_LIMIT}
    stop = [command(CommandType.NEW_ORDER, instructions=Instruction.EXTENDED, **new), extension(trigger_price=-9)]
    reports = apply(book, np.concatenate([*stop, command(CommandType.OPEN_ORDERS, owner=3)]))
    assert reports[["kind", "reason", "maker_id"]].tolist()[1] == (ReportKind.OPEN_ORDER, Reason.WAITS, 2**64 - 9)
    assert book.stops[BID].keys() == {-9}
    assert book.mass_cancel(3) == 1
    assert (len(book), book.stops[BID]) == (0, {})


@pytest.mark.parametrize(
    ("terms", "error"),
    [
        ({"order_type": STOP}, "InvalidTriggerPrice"),
        ({"order_type": LIMIT, "trigger_price": 5}, "InvalidTriggerPrice"),
        ({"order_type": STOP, "trigger_price": 7}, "InvalidTriggerPrice"),
        ({"order_type": STOP, "trigger_price": 2**70}, "InvalidTriggerPrice"),
        ({"order_type": STOP, "trigger_price": 5, "time_in_force": 3}, "InvalidTimeInForce"),
        ({"order_type": STOP, "trigger_price": 5, "post_only": True}, "InvalidInstruction"),
        ({"order_type": LIMIT, "protection": 5}, "InvalidProtection"),
        ({"order_type": STOP, "trigger_price": 5, "protection": 7}, "InvalidProtection"),
        ({"order_type": STOP, "trigger_price": 5, "protection": 2**40}, "InvalidProtection"),
        ({"order_type": STOP, "trigger_price": 5, "minimum_quantity": 5}, "InvalidMinimumQuantity"),
        ({"order_type": STOP, "trigger_price": 5, "display_quantity": 5}, "InvalidDisplayQuantity"),
    ],
)
def test_illegal_stops(terms: dict[str, Any], error: str) -> None:
    book = venue_book(tick_size=5)
    with pytest.raises(PricetimeError) as caught:
        enter(book, 1, BID, 10, 100, **terms)
    assert type(caught.value).__name__ == error
    assert not book.reports


def test_a_limit_order_does_not_become_a_stop() -> None:
    book = venue_book()
    enter(book, 1, BID, 5, 90)
    with pytest.raises(InvalidTriggerPrice):
        book.replace_order(1, 90, 5, trigger_price=99)


def test_all_or_none_waits_until_it_can_trade_whole() -> None:
    book = venue_book(all_or_none=True)
    enter(book, 1, BID, 10, 100, instructions=Instruction.ALL_OR_NONE)
    enter(book, 2, ASK, 6, 100)
    assert book.depth() == ([], [(100, 6, 1)])
    assert enter(book, 3, ASK, 6, 99) == [
        ("ACCEPTED", 3, 6, 99, "NONE"),
        ("TRIGGERED", 1, 10, 100, "NONE"),
        ("TRADE", 1, 3, 6, 99),
        ("TRADE", 1, 2, 4, 100),
    ]
    with pytest.raises(PricetimeError):
        enter(venue_book(), 1, BID, 10, 100, instructions=Instruction.ALL_OR_NONE)


def test_types_that_a_venue_does_not_accept() -> None:
    book = venue_book(order_types=frozenset({OrderType.LIMIT}))
    with pytest.raises(PricetimeError, match="does not accept"):
        enter(book, 1, BID, 10, order_type=MARKET)
