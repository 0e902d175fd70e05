"""Reports, trades, depth and the top of book become frames of the library that is asked for."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

pytest.importorskip("narwhals", reason="needs the package narwhals: pip install '.[frames]'")

from pricetime import ASK, BID, COMMAND, REPORT, Engine, Instrument, OrderBook
from pricetime.core.builder import BookBuilder
from pricetime.errors import InvalidSetting
from pricetime.extras import MissingExtra
from pricetime.frames import depth_to_frame, reports_to_frame, top_to_frame, trades_to_frame
from pricetime.tape import flow
from pricetime.types import Reason, ReportKind
from tests.frames.libraries import each_library, rows

LARGE = 2**64 - 1


def commands(*orders: tuple[int, int, int, int], instrument: int = 0) -> Any:
    made = np.zeros(len(orders), COMMAND)
    made["type"], made["instrument"] = 1, instrument
    for name, at in (("order_id", 0), ("side", 1), ("price", 2), ("quantity", 3)):
        made[name] = [order[at] for order in orders]
    return made


REPORTS = OrderBook().apply(commands((LARGE, BID, 405, 5), (2, ASK, 405, 3), (3, ASK, 406, 7), (3, ASK, 406, 7)))


@each_library
def test_reports(library: str) -> None:
    found = rows(reports_to_frame(REPORTS, 0.25, native=library))
    assert found == {
        "seq_num": [1, 2, 3, 4, 5],
        "kind": ["accepted", "accepted", "trade", "accepted", "rejected"],
        "instrument": [0] * 5,
        "order_id": [LARGE, 2, 2, 3, 3],
        "maker_id": [None, None, LARGE, None, None],
        "side": ["bid", "ask", "ask", "ask", "ask"],
        "price": [101.25, 101.25, 101.25, 101.5, 101.5],
        "quantity": [5, 3, 3, 7, 7],
        "hidden": [0, 0, None, 0, None],
        "surplus": [None] * 5,
        "reason": [None, None, None, None, "duplicate_order_id"],
    }
    assert rows(reports_to_frame(REPORTS, native=library))["price"] == [405, 405, 405, 406, 406]
    assert len(rows(reports_to_frame(REPORTS[:0], native=library))["price"]) == 0


@each_library
def test_trades(library: str) -> None:
    expected = {"maker_id": [LARGE], "taker_id": [2], "price": [101.25], "quantity": [3]}
    found = rows(trades_to_frame(REPORTS, "0.25", native=library))
    assert {name: found[name] for name in expected} == expected
    assert (found["side"], found["seq_num"]) == (["ask"], [3])
    assert rows(trades_to_frame([(LARGE, 2, 405, 3)], "0.25", native=library)) == expected
    assert rows(trades_to_frame((), native=library)) == {name: [] for name in expected}


def reports_of(*rows: tuple[int, int, int, int, int, int]) -> Any:
    made = np.zeros(len(rows), REPORT)
    for name, at in (("kind", 0), ("side", 1), ("reason", 2), ("maker_id", 3), ("price", 4), ("quantity", 5)):
        made[name] = [row[at] for row in rows]
    return made


#: Of a venue: kind, side, reason, maker_id, price, quantity.
VENUE = reports_of(
    (ReportKind.ACCEPTED, BID, 0, 40, 405, 50),
    (ReportKind.REFRESHED, BID, 0, 0, 405, 10),
    (ReportKind.INDICATIVE, ASK, 0, 7, 405, 20),
    (ReportKind.UNCROSSED, 0, Reason.NO_AUCTION_PRICE, 0, 0, 0),
    (ReportKind.AUCTION_TRADE, 0, 0, 9, 405, 4),
    (ReportKind.EXPIRED, BID, Reason.DAY_ENDED, 36, 405, 46),
    (ReportKind.EXPIRY_DONE, 0, 0, 0, 0, 1),
    (ReportKind.PRICE_SET, 0, 0, 0, 406, 1),
)


@each_library
def test_reports_of_a_venue(library: str) -> None:
    found = rows(reports_to_frame(VENUE, 0.25, native=library))
    assert found["kind"] == [
        "accepted", "refreshed", "indicative", "uncrossed", "auction_trade", "expired", "expiry_done", "price_set",
    ]  # fmt: skip
    assert found["hidden"] == [40, None, None, None, None, 36, None, None]
    assert found["surplus"] == [None, None, 7, 0, None, None, None, None]
    assert found["maker_id"] == [None] * 4 + [9] + [None] * 3
    assert found["price"] == [101.25, 101.25, 101.25, None, 101.25, 101.25, None, 101.5]
    assert found["reason"] == [None, None, None, "no_auction_price", None, "day_ended", None, None]
    trades = rows(trades_to_frame(VENUE, 0.25, native=library))
    assert {name: trades[name] for name in ("side", "maker_id", "taker_id", "price", "quantity")} == {
        "side": [None], "maker_id": [9], "taker_id": [0], "price": [101.25], "quantity": [4],
    }  # fmt: skip


@each_library
def test_prices_of_several_instruments(library: str) -> None:
    engine = Engine([Instrument(1, price_unit=Decimal("0.01")), Instrument(2)])
    both = np.concatenate([commands((1, BID, 105, 1), instrument=1), commands((1, BID, 105, 1), instrument=2)])
    reports = engine.apply(both)
    assert rows(reports_to_frame(reports, engine.instruments, native=library))["price"] == [1.05, 105.0]
    tops = rows(top_to_frame(reports, engine.instruments, native=library))
    assert (tops["instrument"], tops["bid"], tops["ask"]) == ([1, 2], [1.05, 105.0], [None, None])


@pytest.mark.parametrize("unit", ["0.01", "0.25", "0.1", "0.003", "7", "0.00000001"])
def test_a_float_in_currency_is_the_nearest_to_the_exact_price(unit: str) -> None:
    reports = np.zeros(1000, REPORT)
    reports["price"] = np.random.default_rng(2).integers(-(10**8), 10**8, 1000)
    found = rows(reports_to_frame(reports, unit))["price"]
    assert found == [float(Decimal(int(ticks)) * Decimal(unit)) for ticks in reports["price"]]


@each_library
def test_depth(library: str) -> None:
    book = OrderBook(price_unit="0.25")
    book.apply(commands((1, BID, 405, 5), (2, BID, 405, 6), (3, BID, 400, 1), (4, ASK, 407, 2)))
    expected = {
        "side": ["bid", "bid", "ask"],
        "level": [1, 2, 1],
        "price": [101.25, 100.0, 101.75],
        "quantity": [11, 1, 2],
        "orders": [2, 1, 1],
        "cumulative": [11, 12, 2],
    }
    assert rows(depth_to_frame(book, native=library)) == expected
    assert rows(depth_to_frame(book.depth(1), native=library))["price"] == [101.25, 101.75]
    assert rows(depth_to_frame(book, 1, native=library))["price"] == [405.0, 400.0, 407.0]
    assert rows(depth_to_frame(OrderBook(), native=library)) == {name: [] for name in expected}


@each_library
def test_the_top_of_book_over_time(library: str) -> None:
    found = rows(top_to_frame(REPORTS, 0.25, native=library))
    assert found == {
        "seq_num": [1, 3, 4],
        "instrument": [0, 0, 0],
        "bid": [101.25, 101.25, 101.25],
        "bid_quantity": [5, 2, 2],
        "bid_orders": [1, 1, 1],
        "ask": [None, None, 101.5],
        "ask_quantity": [None, None, 7],
        "ask_orders": [None, None, 1],
    }


def test_the_top_of_book_is_that_of_the_book_after_every_command() -> None:
    book, expected, reports = OrderBook(), [], []
    last: tuple[Any, ...] = (None, None)
    chunk = np.concatenate(list(flow.prelude("balanced", seed=3)))[:200]
    chunk = np.concatenate([chunk, *flow.generate("balanced", 500, seed=3)])
    for at in range(len(chunk)):
        reports.append(book.apply(chunk[at : at + 1]))
        best = tuple(side[:1].tolist() for side in book.depth(1))
        if best != last and any(best):
            expected.append((int(reports[-1]["seq_num"][-1]), *((side[0][0] if side else None) for side in best)))
        last = best
    together = np.concatenate(reports)
    found = rows(top_to_frame(together, native="polars"))
    assert list(zip(found["seq_num"], found["bid"], found["ask"], strict=True)) == expected
    half = int(np.flatnonzero(together["seq_num"] == expected[len(expected) // 2][0])[0]) + 1
    builder = BookBuilder([0])
    first = rows(top_to_frame(together[:half], builder=builder, native="polars"))
    second = rows(top_to_frame(together[half:], builder=builder, native="polars"))
    assert first["seq_num"] == [seq_num for seq_num, *_ in expected[: len(expected) // 2 + 1]]
    assert second["seq_num"][-1] == expected[-1][0]


def test_what_is_no_report() -> None:
    with pytest.raises(InvalidSetting, match=r"a list is not an array of reports: give what apply returned"):
        reports_to_frame([])
    with pytest.raises(InvalidSetting, match=r"an array of int64 is not an array of reports"):
        trades_to_frame(np.zeros(3, np.int64))


def test_libraries_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidSetting, match="native 'excel' is unknown: give one of polars, pandas, pyarrow"):
        reports_to_frame(REPORTS, native="excel")
    monkeypatch.setattr("pricetime.frames.native.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="native='polars' needs the package polars: pip install polars"):
        reports_to_frame(REPORTS, native="polars")
    with pytest.raises(MissingExtra, match="needs one of polars, pandas, pyarrow: pip install polars"):
        reports_to_frame(REPORTS)
