from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pricetime import BID, OrderBook
from pricetime.errors import InvalidSetting
from pricetime.tape.export import FORMATS, Recorder
from pricetime.tape.mbo_replay import MboReplay
from pricetime.tape.outcome import TapeTrade, Unmatched, Verdict
from tests.tape.tapes import add, cancel, dbn_file, fill, modify, trade

pl = pytest.importorskip("polars", reason="needs polars: pip install '.[columnar]'")


IDS = {"taker_id": pl.UInt64, "maker_id": pl.UInt64}


def read(path: Path) -> Any:
    return pl.read_csv(path, schema_overrides=IDS) if path.suffix == ".csv" else pl.read_parquet(path)


def recorder() -> Recorder:
    made = Recorder()
    made.top(1, [], [])
    made.top(2, [(995_000, 3, 1)], [])
    made.top(3, [(995_000, 3, 1)], [])
    made.top(4, [(995_000, 3, 1)], [(1_000_001, 2**63 - 1, 2)])
    made.trade(TapeTrade(5, 17, 2**64 - 1, BID, 1_000_001, 7, ((11, 3), (2**63, 4))), Verdict.EXACT)
    made.trade(TapeTrade(6, 18, 0, BID, -50_000, 1, ((12, 1),)), Unmatched.AUCTION)
    made.trade(TapeTrade(7, 19, 0, BID, -50_000, 1, ((13, 1),)), Unmatched.NO_SIDE)
    return made


@pytest.mark.parametrize("file_format", FORMATS)
def test_files_hold_every_fill_and_every_change_of_the_best_levels(tmp_path: Path, file_format: str) -> None:
    trades, top = recorder().write(tmp_path / "day.x", file_format, 10_000)
    assert (trades.name, top.name) == (f"day.x.trades.{file_format}", f"day.x.top.{file_format}")
    fills = read(trades)
    assert fills.columns == ["time_ns", "sequence", "taker_id", "side", "price", "quantity", "maker_id", "verdict"]
    assert [(*row[:4], *row[5:]) for row in fills.rows()] == [
        (5, 17, 2**64 - 1, "bid", 3, 11, "exact"),
        (5, 17, 2**64 - 1, "bid", 4, 2**63, "exact"),
        (6, 18, 0, None, 1, 12, "auction"),
        (7, 19, 0, None, 1, 13, "no_side"),
    ]
    tops = read(top)
    assert tops.columns == ["time_ns", "bid", "bid_quantity", "bid_orders", "ask", "ask_quantity", "ask_orders"]
    assert [tuple(row[i] for i in (0, 2, 3, 5, 6)) for row in tops.rows()] == [
        (1, None, None, None, None),
        (2, 3, 1, None, None),
        (4, 3, 1, 2**63 - 1, 2),
    ]
    assert [None if price is None else float(price) for price in tops["bid"]] == [None, 99.5, 99.5]


def test_prices_are_exact_decimals(tmp_path: Path) -> None:
    trades, top = recorder().write(tmp_path / "day", "parquet", 10_000)
    assert read(trades)["price"].to_list() == [Decimal("100.0001"), Decimal("100.0001"), Decimal(-5), Decimal(-5)]
    assert read(top)["ask"].to_list() == [None, None, Decimal("100.0001")]
    text = recorder().write(tmp_path / "day", "csv", 10**9)[0].read_text()
    assert text.splitlines()[1] == "5,17,18446744073709551615,bid,0.001000001,3,11,exact"


def test_the_extremes_of_a_price(tmp_path: Path) -> None:
    made = Recorder()
    for price in (2**63 - 1, -(2**63)):
        made.trade(TapeTrade(5, 17, 1, BID, price, 7, ((11, 3),)), Verdict.EXACT)
    prices = read(made.write(tmp_path / "day", "parquet", 10**9)[0])["price"].to_list()
    assert prices == [Decimal("9223372036.854775807"), Decimal("-9223372036.854775808")]


def test_an_empty_recorder_writes_headers(tmp_path: Path) -> None:
    for path in Recorder().write(tmp_path / "day", "csv", 100):
        assert len(path.read_text().splitlines()) == 1


def test_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="format 'xlsx' is unknown: give one of csv, parquet"):
        Recorder().write(tmp_path / "day", "xlsx", 100)


def test_a_replay_records_the_tape_s_fills_with_their_verdicts(tmp_path: Path) -> None:
    snapshot = [add("A", 1, 101, 3), add("A", 2, 101, 4), add("B", 11, 101, 1), add("B", 12, 100, 3)]
    events = [
        [trade("N", 0, 101, 1), fill("N", 1, 101, 1), fill("N", 11, 101, 1), modify("A", 1, 101, 2)],
        [trade("B", 99, 101, 2), fill("A", 1, 101, 2), cancel("A", 1, 101, 2)],
        [trade("B", 98, 101, 6), fill("A", 2, 101, 6), modify("A", 2, 101, 1)],
        [trade("N", 0, 101, 1), fill("N", 2, 101, 1), cancel("A", 2, 101, 1)],
        [add("B", 13, 99, 5)],
    ]
    made = Recorder()
    MboReplay.open(dbn_file(tmp_path, events, snapshot=snapshot), OrderBook, recorder=made).run()
    trades, top = made.write(tmp_path / "day", "parquet", 10**9)
    columns = ["sequence", "taker_id", "side", "quantity", "maker_id", "verdict"]
    assert read(trades).select(columns).rows() == [
        (1, 0, None, 1, 1, "auction"),
        (1, 0, None, 1, 11, "auction"),
        (2, 99, "bid", 2, 1, "exact"),
        (3, 98, "bid", 6, 2, "inferred"),
        (4, 0, "bid", 1, 2, "exact"),
    ]
    assert read(top).select("ask_quantity", "ask_orders", "bid_quantity").rows() == [
        (3, 1, None),
        (7, 2, None),
        (7, 2, 1),
        (6, 2, 3),
        (4, 1, 3),
        (1, 1, 3),
        (None, None, 3),
    ]
