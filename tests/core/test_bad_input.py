"""Bad input: a typed error that names the value and what is allowed, and a book that is exactly as before."""

import math
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from pricetime import Engine, Instrument, OrderBook, ReportKind, SelfTrade, errors
from pricetime.reference import ReferenceBook
from pricetime.types import OrderType, Side, TimeInForce
from tests.books import ask, bid, ladder, queue, state

#: Never a whole number, whatever is asked for.
NOT_WHOLE = [
    100.7,
    100.0,
    math.nan,
    math.inf,
    -math.inf,
    True,
    False,
    "100",
    b"1",
    "1" * 100_000,
    None,
    [1],
    (),
    1j,
    Decimal(5),
    Fraction(5),
    np.float64(5),
    np.float32(5),
    np.bool_(True),
    np.array([5]),
    np.array([5, 6]),
    object(),
]
NOT_NONE = [value for value in NOT_WHOLE if value is not None]  #: for what may be left out
QUANTITIES = [0, -1, -(2**31), 2**63, 2**64, 2**64 + 5, -(2**64), 10**5000, np.int64(-1), np.uint64(2**63)]
PRICES = [2**63, -(2**63) - 1, 2**64, 10**30, -(10**5000), np.uint64(2**63)]
UNSIGNED_64 = [-1, 2**64, -(2**63), 10**5000, np.int64(-1)]
UNSIGNED_32 = [-1, 2**32, 2**64, np.int64(-1)]
SIDES = [0, 3, -1, 255, 257, 2**64 + 1]
TIMES_IN_FORCE = [6, -1, 256, 2**64]
MODES = [0, 7, 8, -1, 256 + 3]

ADD = {"order_id": 50, "side": Side.BID, "price": 100, "quantity": 5}
MATCH = ADD
REDUCE = {"order_id": 1, "by": 2}
REPLACE = {"order_id": 1, "price": 101, "quantity": 5}

#: method, arguments that are fine, the one that is not, its bad values, the error, what the message must say is allowed
BAD: list[tuple[str, dict[str, Any], str, list[Any], type[errors.PricetimeError], str]] = [
    ("add_order", ADD, "quantity", QUANTITIES + NOT_WHOLE, errors.InvalidQuantity, f"1 to {2**63 - 1}"),
    ("add_order", ADD, "price", PRICES + NOT_WHOLE, errors.InvalidPrice, f"{-(2**63)} to {2**63 - 1}"),
    ("add_order", ADD, "order_id", UNSIGNED_64 + NOT_WHOLE, errors.InvalidOrderId, f"0 to {2**64 - 1}"),
    ("add_order", ADD, "timestamp", UNSIGNED_64 + NOT_WHOLE, errors.InvalidTimestamp, f"0 to {2**64 - 1}"),
    ("add_order", ADD, "owner", UNSIGNED_32 + NOT_WHOLE, errors.InvalidOwner, f"0 to {2**32 - 1}"),
    ("add_order", ADD, "side", SIDES + NOT_WHOLE, errors.InvalidSide, "Side.BID, Side.ASK"),
    ("add_order", ADD, "time_in_force", TIMES_IN_FORCE + NOT_WHOLE, errors.InvalidTimeInForce, "TimeInForce.GTC"),
    (
        "add_order",
        ADD,
        "self_trade",
        MODES + NOT_NONE,
        errors.InvalidSelfTrade,
        "SelfTrade.OFF, SelfTrade.CANCEL_NEWEST",
    ),
    ("match_order", MATCH, "quantity", QUANTITIES + NOT_WHOLE, errors.InvalidQuantity, f"1 to {2**63 - 1}"),
    ("match_order", MATCH, "price", PRICES + NOT_WHOLE, errors.InvalidPrice, f"{-(2**63)} to {2**63 - 1}"),
    ("match_order", MATCH, "order_id", UNSIGNED_64 + NOT_WHOLE, errors.InvalidOrderId, f"0 to {2**64 - 1}"),
    ("match_order", MATCH, "owner", UNSIGNED_32 + NOT_WHOLE, errors.InvalidOwner, f"0 to {2**32 - 1}"),
    ("match_order", MATCH, "side", SIDES + NOT_WHOLE, errors.InvalidSide, "Side.BID, Side.ASK"),
    ("cancel_order", {}, "order_id", UNSIGNED_64 + NOT_WHOLE, errors.InvalidOrderId, f"0 to {2**64 - 1}"),
    ("cancel_order", {"order_id": 1}, "owner", UNSIGNED_32 + NOT_NONE, errors.InvalidOwner, f"0 to {2**32 - 1}"),
    ("reduce_order", REDUCE, "by", QUANTITIES + NOT_WHOLE, errors.InvalidQuantity, f"1 to {2**63 - 1}"),
    ("reduce_order", REDUCE, "order_id", UNSIGNED_64 + NOT_WHOLE, errors.InvalidOrderId, f"0 to {2**64 - 1}"),
    ("reduce_order", REDUCE, "owner", UNSIGNED_32 + NOT_NONE, errors.InvalidOwner, f"0 to {2**32 - 1}"),
    ("replace_order", REPLACE, "quantity", QUANTITIES + NOT_WHOLE, errors.InvalidQuantity, f"1 to {2**63 - 1}"),
    ("replace_order", REPLACE, "price", PRICES + NOT_WHOLE, errors.InvalidPrice, f"{-(2**63)} to {2**63 - 1}"),
    ("replace_order", REPLACE, "order_id", UNSIGNED_64 + NOT_WHOLE, errors.InvalidOrderId, f"0 to {2**64 - 1}"),
    ("replace_order", REPLACE, "new_id", UNSIGNED_64 + NOT_NONE, errors.InvalidOrderId, f"0 to {2**64 - 1}"),
    ("replace_order", REPLACE, "owner", UNSIGNED_32 + NOT_NONE, errors.InvalidOwner, f"0 to {2**32 - 1}"),
    ("order", {}, "order_id", UNSIGNED_64 + NOT_WHOLE, errors.InvalidOrderId, f"0 to {2**64 - 1}"),
    ("queue_position", {}, "order_id", UNSIGNED_64 + NOT_WHOLE, errors.InvalidOrderId, f"0 to {2**64 - 1}"),
    ("orders", {"side": 1, "price": 100}, "side", SIDES + NOT_WHOLE, errors.InvalidSide, "Side.BID, Side.ASK"),
    ("orders", {"side": 1}, "price", PRICES + NOT_WHOLE, errors.InvalidPrice, f"{-(2**63)} to {2**63 - 1}"),
    ("depth", {}, "levels", [-1, *NOT_NONE], errors.InvalidSetting, "0 to "),
]


def fill(book: Any) -> Any:
    bid(book, 1, 100, 10, owner=1)
    bid(book, 2, 100, 10)
    bid(book, 3, 99, 10, post_only=True)
    ask(book, 4, 110, 10)
    ask(book, 5, 111, 10)
    bid(book, 6, 111, 20)  # fills 4 and 5 and is filled
    ask(book, 4, 110, 10)
    return book


@pytest.fixture(params=[ReferenceBook, OrderBook], ids=lambda kind: kind.__name__)
def book(request: pytest.FixtureRequest) -> Any:
    """What a command array cannot even carry is a matter of the calls alone; see test_commands.py for the arrays."""
    return fill(request.param(8))


def named(value: object) -> str:
    """How a message names a value: whole, or where it is long at least its beginning."""
    return "int" if isinstance(value, int) and abs(value) > 10**100 else repr(value)[:15]


@pytest.mark.parametrize(
    ("method", "good", "name", "values", "error", "allowed"), BAD, ids=[f"{row[0]} {row[2]}" for row in BAD]
)
def test_a_bad_argument(
    book: Any,
    method: str,
    good: dict[str, Any],
    name: str,
    values: list[Any],
    error: type[errors.PricetimeError],
    allowed: str,
) -> None:
    before = state(book)
    for value in values:
        with pytest.raises(error) as raised:
            getattr(book, method)(**{**good, name: value})
        assert named(value) in str(raised.value)
        assert allowed in str(raised.value)
        assert len(str(raised.value)) < 300
        assert state(book) == before


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("add_order", {**ADD, "order_id": 1}, errors.DuplicateOrderId),
        ("add_order", {**ADD, "order_id": 1, "price": 110, "side": Side.BID}, errors.DuplicateOrderId),
        ("match_order", {**ADD, "order_id": 1}, errors.DuplicateOrderId),
        ("replace_order", {**REPLACE, "new_id": 2}, errors.DuplicateOrderId),
        ("cancel_order", {"order_id": 77}, errors.UnknownOrder),
        ("cancel_order", {"order_id": 5}, errors.UnknownOrder),
        ("cancel_order", {"order_id": 6}, errors.UnknownOrder),
        ("cancel_order", {"order_id": 1, "owner": 2}, errors.UnknownOrder),
        ("cancel_order", {"order_id": 2, "owner": 1}, errors.UnknownOrder),
        ("cancel_order", {"order_id": 1, "owner": 0}, errors.UnknownOrder),
        ("reduce_order", {"order_id": 77, "by": 1}, errors.UnknownOrder),
        ("reduce_order", {"order_id": 1, "by": 1, "owner": 0}, errors.UnknownOrder),
        ("replace_order", {**REPLACE, "order_id": 77}, errors.UnknownOrder),
        ("replace_order", {**REPLACE, "owner": 2}, errors.UnknownOrder),
        ("replace_order", {**REPLACE, "owner": 0}, errors.UnknownOrder),
        ("order", {"order_id": 77}, errors.UnknownOrder),
        ("queue_position", {"order_id": 77}, errors.UnknownOrder),
        ("add_order", {**ADD, "price": 110, "post_only": True}, errors.WouldCross),
        ("replace_order", {"order_id": 3, "price": 110, "quantity": 1}, errors.WouldCross),
    ],
)
def test_what_the_state_of_the_book_forbids(
    book: Any, method: str, arguments: dict[str, Any], error: type[errors.PricetimeError]
) -> None:
    before = state(book)
    with pytest.raises(error) as raised:
        getattr(book, method)(**arguments)
    assert str(arguments.get("new_id", arguments["order_id"])) in str(raised.value)
    assert not str(raised.value).startswith(("'", '"'))  # as KeyError would have it
    assert state(book) == before


class Number(IntEnum):
    FIVE = 5


@pytest.mark.parametrize("five", [5, np.int64(5), np.uint8(5), np.int32(5), Number.FIVE, np.array(5)])
def test_whole_numbers_of_any_type_are_taken(book: Any, five: Any) -> None:
    book.add_order(five, 1, five, five, owner=five, timestamp=five)
    assert book.order(five) == (5, 1, 5, 5, 5, 5)
    assert book.reduce_order(five, np.int64(1), owner=five) == 4
    assert book.replace_order(five, five, np.uint64(3), new_id=np.uint64(2**64 - 1)).trades == ()
    assert queue(book, Side.BID, five) == [(2**64 - 1, 3)]
    assert ladder(book)[0][-1] == (5, 3, 1)


@pytest.mark.parametrize("price", [math.nan, 100.7, "x", None, 2**63])
def test_the_price_of_a_market_order_is_not_looked_at(book: Any, price: Any) -> None:
    assert len(book.add_order(50, 1, price, 5, order_type=OrderType.MARKET).trades) == 1


@pytest.mark.parametrize("kind", [ReferenceBook, OrderBook])
@pytest.mark.parametrize(
    "settings",
    [
        {"self_trade": 0},
        {"self_trade": 7},
        {"self_trade": "off"},
        {"replace_policy": 2},
        {"replace_policy": -1},
        {"replace_policy": "x"},
    ],
)
def test_a_bad_rule(kind: type[Any], settings: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidSetting, match=next(iter(settings.values())).__repr__()):
        kind(**settings)


@pytest.mark.parametrize("name", ["capacity", "level_capacity"])
def test_a_bad_size(name: str) -> None:
    sizes: list[Any] = [0, -1, 2**31 + 1, 2**64, 10**5000, 1.5, True, "8", math.nan]
    for size in sizes:
        for make in (OrderBook, lambda **room: Engine([Instrument(0)], **room)):
            with pytest.raises(errors.InvalidSetting, match="1 to 2147483648"):
                make(**{name: size})


def test_every_error_is_a_pricetime_error_and_says_more() -> None:
    """Callers may catch all of them at once, or what Python itself raises for the like."""
    assert {error.__mro__[1] for error in errors.ERROR_OF_REASON.values()} == {errors.PricetimeError}
    assert issubclass(errors.UnknownOrder, KeyError)
    assert issubclass(errors.InvalidPrice, ValueError)


class Colour(IntEnum):
    RED = 1


@pytest.mark.parametrize("kind", [OrderBook, ReferenceBook])
@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"side": ReportKind.TRADE}, errors.InvalidSide),
        ({"side": Colour.RED}, errors.InvalidSide),
        ({"time_in_force": Side.BID}, errors.InvalidTimeInForce),
        ({"self_trade": TimeInForce.FOK}, errors.InvalidSelfTrade),
        ({"self_trade": Colour.RED}, errors.InvalidSelfTrade),
    ],
)
def test_members_of_another_enumeration(kind: Any, given: dict[str, Any], error: type[errors.PricetimeError]) -> None:
    book = kind(10)
    with pytest.raises(error, match=r"is unknown: give one of \w+\.\w+"):
        book.add_order(**{**ADD, **given})
    with pytest.raises(errors.InvalidPhase):
        book.set_phase(TimeInForce.GTC)
    with pytest.raises(errors.InvalidSetting):
        kind(10, self_trade=TimeInForce.FOK)
    with pytest.raises(errors.InvalidSetting):
        kind(10, replace_policy=Side.BID)


def test_members_of_the_right_enumeration_and_their_numbers() -> None:
    types = (OrderType.LIMIT, OrderType.MARKET)
    times = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)
    for kind, tif, mode in product(types, times, SelfTrade):
        book, other = OrderBook(10), OrderBook(10)
        book.add_order(1, Side.BID, 100, 5, order_type=kind, time_in_force=tif, self_trade=mode, owner=Colour.RED)
        other.add_order(1, 1, 100, 5, order_type=int(kind), time_in_force=int(tif), self_trade=int(mode), owner=1)
        assert [*book] == [*other]


@pytest.mark.parametrize("kind", [OrderBook, ReferenceBook])
def test_an_empty_book_is_true(kind: Any) -> None:
    assert kind(10)
    assert len(kind(10)) == 0
    assert Engine([Instrument(0)], capacity=10)
