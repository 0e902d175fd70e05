"""Halts and price bands: what is refused, in which order it is checked, and what goes on."""

from typing import Any

import numpy as np
import pytest

from pricetime import CommandType, Engine, Instrument, OrderBook, OrderType, Phase, Side, TimeInForce
from pricetime.errors import InstrumentHalted, InvalidPhase, InvalidSetting, PriceOutsideBand, UnknownInstrument
from pricetime.execution import Trade
from pricetime.reference import ReferenceBook
from pricetime.types import Reason, ReportKind
from tests.books import I64_MAX, I64_MIN, ask, bid, command, reports_of, state

NEW, CANCEL, REPLACE, REDUCE, REPLACE_AS, MASS_CANCEL, GATEWAY_REJECT, SET_PHASE, *_ = CommandType
CONTINUOUS, HALTED = Phase.CONTINUOUS, Phase.HALTED

# ---------------------------------------------------------------------- halts


def test_while_halted_orders_are_cancelled_and_reduced_and_nothing_else(book: Any) -> None:
    for order_id in (1, 2, 3):
        bid(book, order_id, 100, 5)
    assert book.phase is CONTINUOUS
    book.set_phase(HALTED)
    assert book.phase is HALTED
    before = state(book)
    for tif in (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK):
        with pytest.raises(InstrumentHalted):
            ask(book, 9, 100, 5, time_in_force=tif)
    for terms in ({"post_only": True}, {"order_type": OrderType.MARKET}):
        with pytest.raises(InstrumentHalted):
            ask(book, 9, 100, 5, **terms)
    with pytest.raises(InstrumentHalted):
        book.match_order(9, Side.ASK, 100, 5)
    for quantity in (5, 4, 6):
        with pytest.raises(InstrumentHalted):
            book.replace_order(1, 100, quantity)
    with pytest.raises(InstrumentHalted):
        book.replace_order(1, 100, 5, new_id=7)
    assert state(book) == before
    assert book.cancel_order(1) == 5
    assert book.reduce_order(2, 2) == 3
    assert book.reduce_order(2, 3) == 0
    book.set_phase(0)
    assert ask(book, 9, 100, 6) == (Trade(3, 9, 100, 5),)


@pytest.mark.parametrize("bad", [7, 255, -1, 1.0, True, None, "CONTINUOUS"])
def test_a_bad_state(bad: Any) -> None:
    book = OrderBook(10)
    with pytest.raises(InvalidPhase, match=r"Phase\.CONTINUOUS, Phase\.HALTED"):
        book.set_phase(bad)
    assert book.phase is CONTINUOUS


def test_the_reports_of_a_halt() -> None:
    engine = Engine([Instrument(4)], capacity=10)
    noise = {"order_id": 5, "side": 2, "price": 3, "quantity": 9, "owner": 8}
    reports = engine.apply(
        np.concatenate([command(SET_PHASE, instrument=4, flags=flags, **noise) for flags in (1, 0, 7)])
    )
    assert reports["instrument"].tolist() == [4, 4, 4]
    assert reports_of(reports) == [
        (ReportKind.PHASE_CHANGED, 0, Reason.NONE, 0, 0, 0, HALTED),
        (ReportKind.PHASE_CHANGED, 0, Reason.NONE, 0, 0, 0, CONTINUOUS),
        (ReportKind.REJECTED, 2, Reason.INVALID_PHASE, 5, 0, 3, 9),
    ]


def test_each_instrument_has_a_state_of_its_own() -> None:
    engine = Engine([Instrument(4), Instrument(5, phase=HALTED), Instrument(6, phase=1)], capacity=10)  # type: ignore[arg-type]
    assert [engine.phase(number) for number in (4, 5, 6)] == [CONTINUOUS, HALTED, HALTED]
    assert [engine.book(number).phase for number in (4, 5, 6)] == [CONTINUOUS, HALTED, HALTED]
    engine.apply(command(SET_PHASE, instrument=5, flags=0))
    bid(engine.book(5), 1, 100, 5)
    with pytest.raises(InstrumentHalted, match="instrument 6 is halted"):
        bid(engine.book(6), 1, 100, 5)
    for unknown in (7, -1, "4"):
        with pytest.raises(UnknownInstrument):
            engine.phase(unknown)  # type: ignore[arg-type]


# ---------------------------------------------------------------------- bands


@pytest.mark.parametrize(
    ("band", "inside", "outside"),
    [
        ({}, [I64_MIN, 0, I64_MAX], []),
        ({"low_price": 10}, [10, I64_MAX], [9, 0, -1, I64_MIN]),
        ({"high_price": 10}, [10, I64_MIN], [11, I64_MAX]),
        ({"low_price": -5, "high_price": 5}, [-5, 0, 5], [-6, 6, I64_MIN, I64_MAX]),
        ({"low_price": 7, "high_price": 7}, [7], [6, 8]),
        ({"low_price": I64_MIN, "high_price": I64_MAX}, [I64_MIN, -1, 0, I64_MAX], []),
        ({"low_price": I64_MIN, "high_price": I64_MIN}, [I64_MIN], [I64_MIN + 1, 0, I64_MAX]),
        ({"low_price": I64_MAX}, [I64_MAX], [I64_MAX - 1, 0, I64_MIN]),
        ({"low_price": I64_MIN, "high_price": I64_MAX - 1}, [I64_MIN, I64_MAX - 1], [I64_MAX]),
    ],
)
def test_orders_and_replaces_stay_in_the_band(
    make_book: Any, band: dict[str, int], inside: list[int], outside: list[int]
) -> None:
    book = make_book(10, **band)
    for side in Side:
        for price in inside:
            book.add_order(1, side, price, 5)
            book.replace_order(1, price, 9)
            assert book.order(1).price == price
            for wrong in outside:
                with pytest.raises(PriceOutsideBand):
                    book.replace_order(1, wrong, 5)
            book.cancel_order(1)
        for wrong in outside:
            for terms in ({}, {"time_in_force": TimeInForce.IOC}, {"time_in_force": TimeInForce.FOK}, {"post_only": 1}):
                with pytest.raises(PriceOutsideBand):
                    book.add_order(1, side, wrong, 5, **terms)
    assert len(book) == 0


def test_a_market_order_has_no_price_to_be_refused(make_book: Any) -> None:
    book = make_book(10, low_price=100, high_price=110)
    ask(book, 1, 105, 5)
    assert bid(book, 2, 0, 5, order_type=OrderType.MARKET) == (Trade(1, 2, 105, 5),)


def test_the_message_says_the_band() -> None:
    with pytest.raises(PriceOutsideBand, match="price 9 is outside the band: give one from 10 to 20"):
        bid(OrderBook(10, low_price=10, high_price=20), 1, 9, 5)


@pytest.mark.parametrize(
    "settings",
    [
        {"low_price": 11, "high_price": 10},
        {"low_price": I64_MAX + 1},
        {"high_price": I64_MIN - 1},
        {"low_price": 1.5},
        {"high_price": "10"},
        {"low_price": True},
        {"phase": 7},
        {"phase": None},
    ],
)
def test_a_bad_instrument(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        Instrument(0, **settings)


# ---------------------------------------------------------------------- market orders and the band


def fill(book: Any) -> None:
    """Orders from 80 to 120."""
    for number in range(1, 5):
        bid(book, number, 100 - 5 * number, 5, owner=number)
        ask(book, 10 + number, 100 + 5 * number, 5, owner=number)


def crowded(**band: Any) -> Engine:
    """An engine whose orders rest from 80 to 120, under a band that came after them."""
    before = Engine([Instrument(0)], capacity=20)
    fill(before.book(0))
    engine = Engine([Instrument(0, **band)], capacity=20)
    engine.restore(before.dump())
    return engine


def narrowed(kind: Any, **band: Any) -> Any:
    """A book of such an engine."""
    if kind is OrderBook:
        return crowded(**band).book(0)
    reference: Any = kind(20)
    fill(reference)
    reference.low_price, reference.high_price = band.get("low_price"), band.get("high_price")
    return reference


@pytest.mark.parametrize("kind", [ReferenceBook, OrderBook])
@pytest.mark.parametrize(
    ("side", "band", "prices"),
    [
        (Side.BID, {"high_price": 104}, []),
        (Side.BID, {"high_price": 105}, [105]),
        (Side.BID, {"high_price": 114}, [105, 110]),
        (Side.BID, {"low_price": 200}, [105, 110, 115, 120]),  # better than the band: as a limit order takes it
        (Side.BID, {}, [105, 110, 115, 120]),
        (Side.ASK, {"low_price": 96}, []),
        (Side.ASK, {"low_price": 95}, [95]),
        (Side.ASK, {"low_price": 86}, [95, 90]),
        (Side.ASK, {"high_price": 10}, [95, 90, 85, 80]),
        (Side.ASK, {"low_price": 90, "high_price": 110}, [95, 90]),
    ],
)
def test_a_market_order_trades_up_to_the_end_of_the_band(
    kind: Any, side: Side, band: dict[str, int], prices: list[int]
) -> None:
    book = narrowed(kind, **band)
    trades = book.add_order(99, side, 0, 100, order_type=OrderType.MARKET).trades
    assert [trade.price for trade in trades] == prices
    assert len(book) == 8 - len(prices)
    assert 99 not in book


def test_the_rest_of_a_market_order_is_cancelled_at_the_end_of_the_band() -> None:
    engine = crowded(high_price=105)
    market = command(NEW, order_id=99, side=1, quantity=7, order_type=OrderType.MARKET)
    assert reports_of(engine.apply(market)) == [
        (ReportKind.ACCEPTED, 1, Reason.NEVER_RESTS, 99, 0, 0, 7),
        (ReportKind.TRADE, 1, Reason.NONE, 99, 11, 105, 5),
        (ReportKind.CANCELLED, 1, Reason.MARKET_REMAINDER, 99, 0, 0, 2),
    ]


@pytest.mark.parametrize("kind", [ReferenceBook, OrderBook])
@pytest.mark.parametrize(("quantity", "fills"), [(10, True), (11, False)])
def test_a_fok_at_the_end_of_the_band_fills_what_a_market_order_takes(kind: Any, quantity: int, fills: bool) -> None:
    band = {"high_price": 112}
    taken = sum(t.quantity for t in bid(narrowed(kind, **band), 99, 0, 100, order_type=OrderType.MARKET))
    assert taken == 10
    assert bool(bid(narrowed(kind, **band), 99, 112, quantity, time_in_force=TimeInForce.FOK)) == fills


# ---------------------------------------------------------------------- what a gateway refuses


@pytest.mark.parametrize("instrument", [3, 0, 7, 2**32 - 1])
@pytest.mark.parametrize("reason", [Reason.THROTTLED, Reason.MALFORMED, Reason.INVALID_ORDER_ID, Reason.NONE])
def test_a_refusal_is_passed_on(instrument: int, reason: Reason) -> None:
    engine = Engine([Instrument(3)], capacity=10)
    given = {"order_id": 2**64 - 1, "side": 200, "price": -5, "quantity": 2**64 - 1}
    reports = engine.apply(command(GATEWAY_REJECT, instrument=instrument, flags=reason, **given))
    assert reports["instrument"].tolist() == [instrument]
    assert reports_of(reports) == [(ReportKind.REJECTED, 200, reason, 2**64 - 1, 0, -5, 2**64 - 1)]
