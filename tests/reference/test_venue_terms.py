"""Illegal combinations, minimum quantities, and the settings of venues."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from pricetime import profiles
from pricetime.auctions import AUCTION_RULES
from pricetime.errors import ERROR_OF_REASON, REASON_OF_ERROR, InvalidMinimumQuantity, InvalidSetting, PricetimeError
from pricetime.profiles import PROFILES, Breach, Venue, parted, profile
from pricetime.reference import ReferenceBook, terms
from pricetime.reference.commands import apply
from pricetime.types import (
    STOPS,
    CommandType,
    Instruction,
    OrderType,
    Reason,
    ReportKind,
    SelfTrade,
    TimeInForce,
)
from tests.reference.venue_flow import command, extension
from tests.reference.venues import ASK, BID, MARKET, enter, trades, venue_book

GTC, DAY, GTD, IOC, FOK, GFA = TimeInForce


def test_a_minimum_quantity() -> None:
    book = venue_book()
    enter(book, 1, ASK, 5, 100)
    enter(book, 2, ASK, 5, 101)
    assert enter(book, 3, BID, 20, 100, minimum_quantity=6)[1:] == [("CANCELLED", 3, 20, 100, "MINIMUM_UNFILLABLE")]
    enter(book, 4, BID, 20, 101, minimum_quantity=6)
    assert trades(book) == [(1, 5, 100), (2, 5, 101)]
    assert book.depth() == ([(101, 10, 1)], [])
    enter(book, 5, ASK, 12, 101, minimum_quantity=10, time_in_force=IOC)
    assert len(book) == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"minimum_quantity": 21},
        {"minimum_quantity": -1},
        {"minimum_quantity": 5, "time_in_force": FOK},
        {"minimum_quantity": 5, "post_only": True},
        {"minimum_quantity": 5, "order_type": OrderType.MARKET_TO_LIMIT},
        {"minimum_quantity": 5, "instructions": Instruction.AT_THE_CLOSE},
    ],
)
def test_illegal_minimum_quantities(asked: dict[str, int]) -> None:
    with pytest.raises(InvalidMinimumQuantity):
        enter(venue_book(), 3, BID, 20, 100, **asked)


def test_a_replace_has_no_minimum_quantity() -> None:
    book = venue_book()
    enter(book, 1, BID, 5, 100)
    fields = {"order_id": 1, "price": 100, "quantity": 4, "instructions": Instruction.EXTENDED}
    asked = np.concatenate([command(CommandType.REPLACE_ORDER, **fields), extension(minimum_quantity=1)])
    assert apply(book, asked)["reason"].tolist() == [Reason.INVALID_MINIMUM_QUANTITY]


def test_every_term_has_a_rule_or_an_error() -> None:
    """All order types, times in force, instructions and fields: accepted, or rejected with the reason for it."""
    bits = [0, 1, 2, 4, 6, 8, 9, 16]
    more: list[dict[str, int]] = [
        {},
        {"trigger_price": 100},
        {"display_quantity": 5},
        {"minimum_quantity": 5},
        {"expiry_ns": 5},
        {"protection": 5},
        {"trigger_price": 100, "protection": 5, "expiry_ns": 9},
    ]
    found: dict[int, int] = {}
    for kind, time, instructions, fields in product([*OrderType, 5], [*TimeInForce, 5, 6], bits, more):
        book = venue_book(all_or_none=True)
        enter(book, 1, ASK, 5, 100)
        extended = Instruction.EXTENDED if fields else 0
        order = command(
            CommandType.NEW_ORDER, order_id=2, side=1, price=100, quantity=10, order_type=kind, time_in_force=time,
            instructions=instructions | extended,
        )  # fmt: skip
        reports = apply(book, np.concatenate([order, extension(**fields)]) if fields else order)
        first = reports[0]
        if first["kind"] == ReportKind.REJECTED:
            assert len(reports) == 1
            found[int(first["reason"])] = found.get(int(first["reason"]), 0) + 1
        else:
            assert first["kind"] == ReportKind.ACCEPTED
            found[0] = found.get(0, 0) + 1
    assert set(found) == {
        0,
        Reason.INVALID_ORDER_TYPE,
        Reason.INVALID_TIME_IN_FORCE,
        Reason.INVALID_INSTRUCTION,
        Reason.WOULD_CROSS,
        Reason.INVALID_TRIGGER_PRICE,
        Reason.INVALID_DISPLAY_QUANTITY,
        Reason.INVALID_MINIMUM_QUANTITY,
        Reason.INVALID_EXPIRY,
        Reason.INVALID_PROTECTION,
        Reason.NOT_IN_PHASE,
    }


def test_the_table_of_illegal_combinations() -> None:
    rules = [*terms.KINDS, *terms.FIELDS]
    assert len({rule.rule for rule in rules}) == len(rules)
    assert all(rule.reason in ERROR_OF_REASON for rule in rules)


def test_each_reason_of_a_rejection_has_one_error() -> None:
    assert all(reason < 32 or reason >= 64 for reason in ERROR_OF_REASON)
    assert len(REASON_OF_ERROR) == len(ERROR_OF_REASON)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_makes_a_book(name: str) -> None:
    settings = profile(name)
    book = ReferenceBook.of(settings | {"tick_size": 5, "iceberg_ratio": 60}, 10)
    assert (book.tick_size, book.venue.iceberg_ratio, book.capacity) == (5, 60, 10)
    assert book.venue.auction in AUCTION_RULES
    assert book.self_trade is settings["self_trade"]
    assert PROFILES[name].source
    known = {*Venue.__dataclass_fields__, *profiles.BOOK_SETTINGS}
    assert set(settings) <= known
    for kind, time in product(OrderType, TimeInForce):
        accepted = kind in book.venue.order_types and time in book.venue.times_in_force
        asked: dict[str, Any] = {"order_type": kind, "time_in_force": time}
        asked |= {"trigger_price": 200} if kind in STOPS else {}
        asked |= {"expiry_ns": 9} if time == GTD else {}
        try:
            enter(book, 1, BID, 5, 100, **asked)
        except PricetimeError as error:
            assert not accepted or REASON_OF_ERROR[type(error)] != Reason.NOT_SUPPORTED
        else:
            assert accepted
        book = ReferenceBook.of(settings)


def test_a_profile_is_a_copy() -> None:
    profile("cme")["auction"] = "xetra"
    assert profile("cme")["auction"] == "cme"
    with pytest.raises(InvalidSetting, match="give one of cme, xetra"):
        profile("lse")


@pytest.mark.parametrize(
    "settings",
    [
        {"static_range": -1},
        {"dynamic_range": 1.5},
        {"iceberg_ratio": -1},
        {"minimum_display": True},
        {"reference_price": 2**64},
        {"stop_trigger": 7},
        {"stop_at_entry": 7},
        {"on_breach": SelfTrade.OFF},
        {"auction": "london"},
    ],
    ids=str,
)
def test_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        ReferenceBook(venue=Venue(**settings))


def test_settings_in_two_parts() -> None:
    venue, others = parted({"on_breach": Breach.REJECT_REST, "lot_size": 10})
    assert (venue.on_breach, others) == (Breach.REJECT_REST, {"lot_size": 10})


def test_market_orders_of_a_venue_are_as_before() -> None:
    book = venue_book()
    enter(book, 1, ASK, 5, 100)
    assert enter(book, 2, BID, 8, order_type=MARKET) == [
        ("ACCEPTED", 2, 8, 0, "NEVER_RESTS"),
        ("TRADE", 2, 1, 5, 100),
        ("CANCELLED", 2, 3, 0, "MARKET_REMAINDER"),
    ]
