"""Where an order stands, from records of books made by hand."""

import numpy as np
import pytest

from pricetime.core import layout
from pricetime.profiles import StopTrigger
from pricetime.standing import HAS_LAST, HAS_REFERENCE, OrderState, Place, Spot, Standing, Terms, standing_of
from pricetime.types import (
    INSTRUMENT_STATE,
    RESTING_ORDER,
    UNFINISHED_CANCEL,
    BookRecords,
    Instruction,
    OrderType,
    Phase,
    Side,
    TimeInForce,
)

BID, ASK = Side


def records(*rows: dict[str, int], phase: Phase = Phase.CONTINUOUS, last: int | None = None) -> BookRecords:
    """Books with these orders on instrument 1: bids of one lot at 100 unless the row says otherwise."""
    states = np.zeros(1, INSTRUMENT_STATE)
    states["instrument"], states["phase"] = 1, phase
    if last is not None:
        states["has"], states["last_price"] = HAS_LAST, last
    orders = np.zeros(len(rows), RESTING_ORDER)
    for number, (order, row) in enumerate(zip(orders, rows, strict=True), 1):
        given = {"order_id": number, "side": BID, "price": 100, "remaining": 1, "instrument": 1} | row
        for name, value in given.items():
            order[name] = value
    return BookRecords(states, orders, np.empty(0, UNFINISHED_CANCEL))


def standing(
    books: BookRecords, order_id: int, trigger: StopTrigger = StopTrigger.LAST_TRADE, instrument: int = 1
) -> Standing:
    found = standing_of(books, order_id, instrument, trigger)
    assert found is not None
    return found


def stop(trigger_price: int, **more: int) -> dict[str, int]:
    given = {"order_type": OrderType.STOP, "price": 0, "trigger_price": trigger_price, "place": Spot.TRIGGER}
    return {**given, "hidden_quantity": 1, **more}


def test_the_numbers_are_those_of_the_core() -> None:
    names = ["AT_LEVEL", "IN_CALL", "AT_TRIGGER", "FOR_OPEN", "FOR_CLOSE", "FOR_WHOLE"]
    assert [getattr(layout, name) for name in names] == list(Spot)
    assert (layout.HAS_REFERENCE, layout.HAS_LAST) == (HAS_REFERENCE, HAS_LAST)


def test_at_a_level() -> None:
    books = records(
        {"remaining": 9, "hidden_quantity": 4}, {"price": 101, "remaining": 3}, {"remaining": 2}, {"price": 99},
        {"side": ASK, "price": 105}, {"side": ASK, "price": 103}, {"side": ASK, "price": 90, "place": 2},
    )  # fmt: skip
    found = standing(books, 3)
    assert (found.place, found.opposite, found.distance, found.state) == (Place(1, 5, 3), 103, 3, OrderState.RESTING)
    assert found.why() == "the best ask is 103, 3 ticks away from its price"
    assert standing(books, 5).place == Place(0, 0, 1)
    assert standing(books, 5).distance == 4
    assert standing(books, 1).place == Place(0, 0, 3)
    assert standing(books, 1).hidden == 4
    assert standing_of(books, 77, 1, StopTrigger.LAST_TRADE) is None
    alone = standing(records({}), 1)
    assert (alone.why(), alone.distance) == ("no ask rests that it could trade with", None)
    crossed = standing(records({}, {"side": ASK, "price": 100}), 1)
    assert crossed.why() == "the best ask is 100: it trades when the next order meets it"


def test_sums_of_lots_need_more_than_64_bits() -> None:
    books = records({"remaining": 2**63 - 1}, {"price": 101, "remaining": 2**63 - 1}, {"price": 101}, {"price": 99})
    many = [{"price": 100 + n, "remaining": 2**63 - 1} for n in range(4)]
    assert standing(records(*many, {"price": 99}), 5).place.better == 4 * (2**63 - 1)
    assert standing(books, 4).place.better == 2**64 - 1


def test_stops() -> None:
    books = records(
        stop(105, entered=2), stop(105, entered=1, remaining=8), stop(106, entered=3), stop(94, side=ASK, entered=4),
        {"side": ASK, "price": 104}, {"price": 97}, last=102,
    )  # fmt: skip
    found = standing(books, 1)
    assert (found.spot, found.state, found.place) == (Spot.TRIGGER, OrderState.WAITING, Place(1, 8, 0))
    assert (found.terms.price, found.terms.trigger_price, found.distance) == (None, 105, 3)
    assert found.why() == "no trade has reached its trigger price 105: the last trade was at 102, 3 ticks away"
    assert standing(books, 4).distance == 8
    quoted = standing(books, 1, StopTrigger.BEST_QUOTE)
    assert quoted.why() == "no best quote has reached its trigger price 105: it is 104, 1 tick away"
    assert standing(books, 4, StopTrigger.BEST_QUOTE).distance == 3
    none = standing(records(stop(105)), 1)
    assert (none.distance, none.why()) == (None, "no trade has reached its trigger price 105 yet")


@pytest.mark.parametrize(
    ("row", "phase", "why"),
    [
        ({}, Phase.HALTED, "the instrument is halted: no order matches"),
        ({}, Phase.CLOSED, "the instrument is closed: no order matches"),
        ({}, Phase.PRE_OPEN, "orders are collected in pre open: they trade in its auction, not before"),
        (stop(105), Phase.HALTED, "the instrument is halted: no order matches"),
        ({"place": 3, "instructions": 2}, Phase.CONTINUOUS, "it waits for the opening auction; the instrument is in"),
        ({"place": 4, "instructions": 4}, Phase.HALTED, "it waits for the closing auction; the instrument is"),
        ({"place": 5, "remaining": 6}, Phase.CONTINUOUS, "all of its 6 lots must trade at once, and they cannot yet"),
        ({"place": 1, "order_type": 1, "price": 0}, Phase.OPENING_AUCTION, "orders are collected in opening auction"),
    ],
)  # fmt: skip
def test_why_it_does_not_trade(row: dict[str, int], phase: Phase, why: str) -> None:
    assert standing(records(row, phase=phase), 1).why().startswith(why)


def test_places_of_what_waits() -> None:
    books = records(
        {"place": 3, "entered": 9, "remaining": 5}, {"place": 3, "entered": 4, "side": ASK, "remaining": 2},
        {"place": 4, "entered": 1}, {"place": 5, "entered": 7}, {"place": 5, "entered": 6, "remaining": 3},
        {"place": 1, "order_type": 1, "price": 0, "remaining": 4}, {"place": 1, "order_type": 2, "price": 0},
        {"price": 90},
    )  # fmt: skip
    places = [standing(books, number).place for number in range(1, 9)]
    assert places == [
        Place(1, 2, 0), Place(0, 0, 0), Place(0, 0, 0), Place(1, 3, 0), Place(0, 0, 0),
        Place(0, 0, 0), Place(1, 4, 0), Place(0, 0, 5),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        (Terms(BID, OrderType.LIMIT, TimeInForce.GTC, Instruction(0), 100, 5), "bid 5 at 100, limit, GTC"),
        (
            Terms(ASK, OrderType.STOP_LIMIT, TimeInForce.DAY, Instruction.AT_THE_CLOSE, 99, 1500, 101, 10),
            "ask 1,500 at 99, stop limit, DAY, at the close, trigger price 101, display quantity 10",
        ),
        (
            Terms(BID, OrderType.STOP, TimeInForce.GTD, Instruction(0), None, 5, -3, expiry_ns=77, protection=2),
            "bid 5, stop, GTD, trigger price -3, expiry 77 ns, protection 2 ticks",
        ),
        (
            Terms(BID, OrderType.LIMIT, TimeInForce.IOC, Instruction.EXTENDED, 1, 5, minimum_quantity=3),
            "bid 5 at 1, limit, IOC, minimum quantity 3",
        ),
    ],
)
def test_terms_as_text(terms: Terms, text: str) -> None:
    assert terms.text() == text


def test_a_place_as_text() -> None:
    assert Place(0, 0, 0).text() == "it is the first in its queue"
    assert Place(2, 15, 1).text() == "2 orders with 15 lots ahead of it, and 1 lot at better prices"
