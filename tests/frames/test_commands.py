"""Frames of orders become commands; what cannot be one is named with its row."""

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

pytest.importorskip("narwhals", reason="needs the package narwhals: pip install '.[frames]'")

from pricetime import ASK, BID, COMMAND, IOC, MARKET, CommandType, Instruction, OrderBook, OrderType, SelfTrade
from pricetime.errors import InvalidSetting
from pricetime.frames import InvalidFrame, commands_from_frame, commands_to_frame
from pricetime.types import ORDER_EXTENSION, TimeInForce
from tests.frames.libraries import each_library, frame, rows

ORDERS: dict[str, list[Any]] = {"side": ["buy", "S", "ask"], "price": [101.25, 101.25, 101.5], "quantity": [5, 3, 7]}


@each_library
def test_the_smallest_frame(library: str) -> None:
    commands = commands_from_frame(frame(library, ORDERS), 0.25)
    assert commands.dtype == COMMAND
    assert commands["price"].tolist() == [405, 405, 406]
    assert commands["side"].tolist() == [BID, ASK, ASK]
    assert commands["order_id"].tolist() == [1, 2, 3]
    assert len(OrderBook().apply(commands)) == 4


@each_library
def test_every_column(library: str) -> None:
    names = [
        "type", "order_id", "side", "price", "quantity", "order_type", "time_in_force", "post_only", "self_trade",
        "owner", "instrument",
    ]  # fmt: skip
    table: list[list[Any]] = [
        ["new", 7, "bid", 100, 5, None, "gtc", True, "cancel_oldest", 3, 1],
        ["add", 8, "ask", 101, 6, "limit", "IOC", False, None, 4, 2],
        ["NEW_ORDER", 9, "a", None, 7, "market", None, None, None, 4, 2],
        ["cancel", 7, None, None, None, None, None, None, None, None, 1],
        ["reduce", 8, None, None, 2, None, None, None, None, None, 2],
        ["replace", 8, None, 103, 3, None, None, None, None, None, 2],
        ["mass-cancel", None, "ask", None, None, None, None, None, None, 4, 2],
    ]
    columns: dict[str, list[Any]] = {name: [row[at] for row in table] for at, name in enumerate(names)}
    commands = commands_from_frame(frame(library, columns))
    assert commands["type"].tolist() == [1, 1, 1, 2, 4, 3, 6]
    assert commands["order_id"].tolist() == [7, 8, 9, 7, 8, 8, 0]
    assert commands["side"].tolist() == [1, 2, 2, 0, 0, 0, 2]
    assert commands["price"].tolist() == [100, 101, 0, 0, 0, 103, 0]
    assert commands["quantity"].tolist() == [5, 6, 7, 0, 2, 3, 0]
    assert commands["order_type"].tolist() == [0, 0, MARKET, 0, 0, 0, 0]
    assert commands["time_in_force"].tolist() == [0, IOC, 0, 0, 0, 0, 0]
    assert commands["instructions"].tolist() == [Instruction.POST_ONLY, 0, 0, 0, 0, 0, 0]
    assert commands["flags"].tolist() == [SelfTrade.CANCEL_OLDEST, 0, 0, 0, 0, 0, 0]
    assert commands["owner"].tolist() == [3, 4, 4, 0, 0, 0, 4]
    assert commands["instrument"].tolist() == [1, 2, 2, 1, 2, 2, 2]


@each_library
def test_numbers_of_enumerations_and_names_of_other_feeds(library: str) -> None:
    columns: dict[str, list[Any]] = {
        "t": [1, 1, 2],
        "s": [1, -1, None],
        "px": [5, 6, None],
        "size": [1, 1, None],
        "id": [1, 2, 1],
    }
    names = {"type": "t", "side": "s", "price": "px", "quantity": "size", "order_id": "id"}
    commands = commands_from_frame(frame(library, columns), columns=names, instrument=4)
    assert commands["type"].tolist() == [1, 1, CommandType.CANCEL_ORDER]
    assert commands["side"].tolist() == [BID, ASK, 0]
    assert set(commands["instrument"].tolist()) == {4}


@each_library
def test_a_column_named_type_may_hold_order_types(library: str) -> None:
    columns: dict[str, list[Any]] = {
        "type": ["limit", "market", "stop-limit"],
        "side": ["b"] * 3,
        "price": [5.0, None, 6.0],
        "quantity": [1] * 3,
    }
    commands = commands_from_frame(frame(library, columns), 1, columns={"order_type": "type"})
    assert commands["order_type"].tolist() == [0, MARKET, OrderType.STOP_LIMIT]
    assert set(commands["type"].tolist()) == {1}


@each_library
@pytest.mark.parametrize("zone", [None, UTC, timezone(timedelta(hours=2))])
def test_times(library: str, zone: Any) -> None:
    at = datetime(2024, 1, 2, 3, 4, 5, 678, tzinfo=zone)
    expected = int(at.replace(tzinfo=zone or UTC).timestamp()) * 10**9 + 678_000
    commands = commands_from_frame(frame(library, ORDERS | {"timestamp": [at] * 3}), 0.25)
    assert commands["timestamp"].tolist() == [expected] * 3
    commands = commands_from_frame(frame(library, ORDERS | {"timestamp": [1_700_000_000_123_456_789] * 3}), 0.25)
    assert commands["timestamp"].tolist() == [1_700_000_000_123_456_789] * 3


@each_library
def test_a_time_beside_none_keeps_its_microseconds(library: str) -> None:
    at = datetime(2023, 11, 14, 22, 13, 20, 1)
    commands = commands_from_frame(frame(library, ORDERS | {"timestamp": [None, at, None]}), 0.25)
    assert commands["timestamp"].tolist() == [0, 1_700_000_000_000_001_000, 0]


@each_library
@pytest.mark.parametrize("kind", [str, Decimal])
def test_text_and_decimals_are_exact(library: str, kind: Any) -> None:
    prices = [kind("100.01"), kind("-3.07"), kind("92233720368547758.07")]
    commands = commands_from_frame(frame(library, ORDERS | {"price": prices}), "0.01")
    assert commands["price"].tolist() == [10001, -307, 2**63 - 1]
    with pytest.raises(InvalidFrame, match=r"row 1, column 'price': price .* is not a multiple of 0.05"):
        commands_from_frame(frame(library, ORDERS | {"price": [kind("100.05"), kind("3.07"), kind("1")]}), "0.05")


@pytest.mark.parametrize("unit", ["0.01", "0.25", "0.05", "0.00000001", "1", "0.0001", "5", "0.03125"])
def test_any_float_that_is_nearest_to_a_tick_is_that_tick(unit: str) -> None:
    pl = pytest.importorskip("polars")
    ticks = np.random.default_rng(1).integers(-(10**9), 10**9, 10_000)
    prices = [float(Decimal(int(tick)) * Decimal(unit)) for tick in ticks]
    orders = pl.DataFrame({"side": ["b"] * len(ticks), "price": prices, "quantity": [1] * len(ticks)})
    assert np.array_equal(commands_from_frame(orders, unit)["price"], ticks)
    small = orders.with_columns(price=pl.Series([0.1 + 0.2] * len(ticks)) / 0.3 * float(unit))
    assert set(commands_from_frame(small, unit)["price"].tolist()) == {1}


def test_float32_has_its_own_rounding() -> None:
    pl = pytest.importorskip("polars")
    orders = pl.DataFrame({"side": ["b"], "price": pl.Series([5012.35], dtype=pl.Float32), "quantity": [1]})
    assert commands_from_frame(orders, 0.01)["price"].tolist() == [501235]


@each_library
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"price": [101.25, 101.3, 1.0]},
            "row 1, column 'price': price 101.3 is not a multiple of 0.25: give 101.25 or",
        ),
        ({"price": [101.25, None, 1.0]}, "row 1, column 'price': is empty: a command of this type needs a price"),
        ({"price": [101.25, 1.0, float("inf")]}, "row 2, column 'price': price inf is not a number"),
        ({"price": [101.25, 1e30, 1.0]}, "row 1, column 'price': price .* beyond 64 bits"),
        ({"price": ["101.25", "x", "1"]}, "row 1, column 'price': price 'x' is not a number"),
        ({"side": ["b", "s", "q"]}, "row 2, column 'side': 'q' is not one of bid, b, buy, ask"),
        ({"quantity": [1, 0, 1]}, "row 1, column 'quantity': 0 is not a whole number from 1 to"),
        ({"quantity": [1, 1.5, 1]}, "row 1, column 'quantity': 1.5 is not a whole number"),
        ({"quantity": ["1", "2", "3"]}, "column 'quantity' has the type String: give whole numbers"),
        ({"type": ["new", "stop", "new"]}, "row 1, column 'type': 'stop' is not one of"),
        ({"type": ["new", "cancel", "new"]}, "no column 'order_id', which row 0 needs"),
        ({"owner": [1, 2**32, 1]}, "row 1, column 'owner': 4294967296 is not a whole number from 0 to 4294967295"),
        ({"timestamp": ["a", "b", "c"]}, "column 'timestamp' has the type String: give times, or whole ns since 1970"),
        ({"timestamp": [1, -2, 3]}, "row 1, column 'timestamp': -2 ns is before 1970"),
    ],
)
def test_what_no_command_can_hold(library: str, change: dict[str, list[Any]], message: str) -> None:
    with pytest.raises(InvalidFrame, match=message):
        commands_from_frame(frame(library, ORDERS | change), 0.25)


@each_library
def test_a_column_that_is_missing(library: str) -> None:
    given = frame(library, {"px": [1.0], "side": ["b"], "quantity": [1]})
    with pytest.raises(
        InvalidFrame, match=r"no column 'price', which row 0 needs: the frame has 'px', .*columns=\{'price': "
    ):
        commands_from_frame(given)
    with pytest.raises(InvalidFrame, match="no column 'cost' for price: the frame has 'px'"):
        commands_from_frame(given, columns={"price": "cost"})
    with pytest.raises(InvalidSetting, match="columns names 'prize': a command has type, order_id"):
        commands_from_frame(given, columns={"prize": "px"})


@each_library
def test_no_rows(library: str) -> None:
    assert len(commands_from_frame(frame(library, {"side": [], "price": [], "quantity": []}))) == 0


def test_no_frame_and_no_tick() -> None:
    with pytest.raises(InvalidFrame, match="list is not a frame of pandas, polars or PyArrow"):
        commands_from_frame([1, 2])
    pl = pytest.importorskip("polars")
    with pytest.raises(InvalidSetting, match="price unit 0 is not a number above 0"):
        commands_from_frame(pl.DataFrame(ORDERS), 0)


def test_without_narwhals(monkeypatch: pytest.MonkeyPatch) -> None:
    from pricetime.extras import MissingExtra

    monkeypatch.setitem(__import__("sys").modules, "narwhals", None)
    with pytest.raises(MissingExtra, match="narwhals"):
        commands_from_frame(object())


#: Orders of a venue, one a row.
VENUE: dict[str, list[Any]] = {
    "type": ["new", "new", "new", "new", "replace", "cancel", "new"],
    "order_id": [1, 2, 3, 4, 3, 4, 7],
    "side": ["bid", "ask", "bid", "ask", None, None, "bid"],
    "price": [101.25, None, 101.5, None, 101.75, None, 100.0],
    "quantity": [50, 5, 50, 5, 40, None, 3],
    "order_type": ["limit", "stop", "limit", "market", None, None, "limit"],
    "time_in_force": ["gtd", "gtc", "day", "day", None, None, "gtc"],
    "at_the_close": [False, False, False, True, None, None, False],
    "all_or_none": [False, False, False, False, None, None, True],
    "trigger_price": [None, -100.5, None, None, None, None, None],
    "display_quantity": [10, None, 5, None, 7, None, None],
    "expiry": [datetime(2023, 11, 14, 22, 13, 20, 1), None, None, None, None, None, None],
    "minimum_quantity": [None, None, None, None, None, None, None],
    "protection": [None, 2.5, None, None, None, None, None],
}


@each_library
def test_orders_with_extensions(library: str) -> None:
    commands = commands_from_frame(frame(library, VENUE), 0.25)
    assert commands["type"].tolist() == [1, 11, 1, 11, 1, 11, 1, 3, 11, 2, 1]
    orders = commands[commands["type"] != CommandType.ORDER_EXTENSION]
    assert orders["instructions"].tolist() == [128, 128, 128, Instruction.AT_THE_CLOSE, 128, 0, Instruction.ALL_OR_NONE]
    assert orders["price"].tolist() == [405, 0, 406, 0, 407, 0, 400]
    assert orders["time_in_force"].tolist() == [TimeInForce.GTD, 0, TimeInForce.DAY, TimeInForce.DAY, 0, 0, 0]
    more = commands[commands["type"] == CommandType.ORDER_EXTENSION].view(ORDER_EXTENSION)
    assert more["trigger_price"].tolist() == [0, -402, 0, 0]
    assert more["display_quantity"].tolist() == [10, 0, 5, 7]
    assert more["expiry_ns"].tolist() == [1_700_000_000_000_001_000, 0, 0, 0]
    assert more["protection"].tolist() == [0, 10, 0, 0]


@each_library
def test_commands_become_the_frame_that_they_are_made_of(library: str) -> None:
    commands = commands_from_frame(frame(library, VENUE), 0.25)
    made = commands_to_frame(commands, 0.25, native=library)
    assert commands_from_frame(made, 0.25).tobytes() == commands.tobytes()
    found = rows(made)
    for name in ("type", "order_id", "side", "price", "quantity"):
        expected = [
            {"new": "new_order", "replace": "replace_order", "cancel": "cancel_order"}.get(value, value)
            for value in VENUE[name]
        ]
        assert found[name] == expected, name
    assert found["trigger_price"] == [None, -100.5, None, None, 0.0, None, None]
    assert found["expiry"] == [1_700_000_000_000_001_000, None, None, None, 0, None, None]
    assert found["protection"] == [None, 2.5, None, None, 0.0, None, None]
    assert found["all_or_none"] == [False, False, False, False, None, None, True]
    none = commands_to_frame(commands[:0], native=library)
    assert len(rows(none)["type"]) == 0


def test_only_commands_become_frames_of_commands() -> None:
    for wrong in ([1], np.zeros(3), np.zeros((1, 1), COMMAND)):
        with pytest.raises(InvalidSetting, match="is not an array of commands"):
            commands_to_frame(wrong)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("protection", -0.25, "row 0, column 'protection': -1 ticks are not from 0 to 4294967295"),
        ("protection", 2.0**31, "ticks are not from 0"),
        ("display_quantity", 2.5, "2.5 is not a whole number"),
        ("trigger_price", 0.1, "column 'trigger_price': price 0.1 is not a multiple"),
        ("expiry", -1, "-1 ns is before 1970"),
    ],
)
def test_fields_that_no_extension_can_hold(name: str, value: Any, message: str) -> None:
    pl = pytest.importorskip("polars")
    with pytest.raises(InvalidFrame, match=re.escape(message)):
        commands_from_frame(pl.DataFrame(ORDERS | {name: [value] * 3}), 0.25)
