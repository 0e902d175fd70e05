"""Databento's CSV gives the records of the DBN file of the same data."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pricetime import OrderBook
from pricetime.tape import databento, databento_csv
from pricetime.tape.file import TapeError
from pricetime.tape.formats import Format, detect, open_replay
from pricetime.tape.mbo import MBO, Records
from pricetime.tape.skipped import Skipped
from tests.tape.tapes import Rec, add, cancel, dbn_file, fill, lines_file, modify, trade

HEADER = (
    "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,price,size,channel_id,order_id,flags,ts_in_delta,"
    "sequence,symbol"
)
SNAPSHOT = [add("A", 1, 101, 3), add("A", 2, 101.25, 4), add("B", 11, -100, 3)]
EVENTS = [
    [trade("B", 99, 101, 2), fill("A", 1, 101, 2), modify("A", 1, 101, 1)],
    [cancel("A", 1, 101, 1)],
    [Rec("R", "N", 0, 0, 0)],
]
LINE = "1703462401000000000,1703462401000000000,160,1,7,A,B,99500000000,10,0,{},128,0,1,X"


def iso(ns: int) -> str:
    seconds = np.datetime64(ns // 10**9, "s")
    return f"{seconds}.{ns % 10**9:09}Z"


def decimal(price: int) -> str:
    return f"{'-' if price < 0 else ''}{abs(price) // 10**9}.{abs(price) % 10**9:09}"


def csv_lines(records: Records, *, pretty: bool) -> list[str]:
    """As Databento writes them: with pretty prices and times, or without."""
    lines = [HEADER]
    for record in records:
        times = [int(record["ts_recv"]), int(record["ts_event"])]
        price = int(record["price"])
        fields: list[object] = [*map(iso, times)] if pretty else [*times]
        fields += [record["rtype"], record["publisher_id"], record["instrument_id"]]
        fields += [record["action"].decode(), record["side"].decode(), decimal(price) if pretty else price]
        fields += [record[name] for name in ("size", "channel_id", "order_id", "flags", "ts_in_delta", "sequence")]
        lines.append(",".join(map(str, [*fields, "ESH4"])))
    return lines


def written(folder: Path, name: str, *, pretty: bool) -> tuple[Path, Path]:
    """The same records as DBN and as CSV."""
    dbn = dbn_file(folder, EVENTS, snapshot=SNAPSHOT)
    records = np.concatenate(list(databento.read(dbn)))
    return dbn, lines_file(folder / name, csv_lines(records, pretty=pretty))


@pytest.mark.parametrize("name", ["tape.csv", "tape.csv.gz"])
@pytest.mark.parametrize("pretty", [True, False])
def test_csv_has_the_records_of_the_dbn_file(tmp_path: Path, name: str, pretty: bool) -> None:
    dbn, csv = written(tmp_path, name, pretty=pretty)
    assert detect(csv) is Format.DATABENTO
    ours, theirs = (np.concatenate(list(databento.read(path))) for path in (csv, dbn))
    for field in MBO.names or ():
        if field != "length":  # of the record in a DBN file
            assert ours[field].tolist() == theirs[field].tolist(), field
    assert list(databento.events(csv)) == list(databento.events(dbn))
    assert databento.start_ns(csv) == databento.start_ns(dbn)


def test_csv_replays_as_the_dbn_file_does(tmp_path: Path) -> None:
    replays = [open_replay(path, OrderBook) for path in written(tmp_path, "tape.csv", pretty=True)]
    ours, theirs = (replay.run() for replay in replays)
    assert ours.exact == theirs.exact == 1
    assert ours.facts == theirs.facts
    assert replays[0].digest() == replays[1].digest()


def test_columns_in_any_order_and_more_of_them(tmp_path: Path) -> None:
    names = ["sequence", "extra", "ts_event", "ts_recv", "price", "size", "order_id", "flags", "side", "action"]
    lines = [",".join([*names, "instrument_id"]), "3,?,5,6,1.5,2,9,128,A,C,7"]
    (records,) = databento.read(lines_file(tmp_path / "t.csv", lines))
    (record,) = records
    assert (record["sequence"], record["ts_event"], record["price"], record["side"]) == (3, 5, 1_500_000_000, b"A")
    assert (record["instrument_id"], record["publisher_id"]) == (7, 0)


def test_a_record_without_a_price(tmp_path: Path) -> None:
    line = LINE.format(0).replace("99500000000", "")
    (records,) = databento.read(lines_file(tmp_path / "t.csv", [HEADER, line]))
    assert records["price"].tolist() == [databento_csv.NO_PRICE]


BAD: Sequence[tuple[str, str]] = [
    (LINE.format("x"), "order_id 'x' is not a whole number from 0 to 18446744073709551615"),
    (LINE.format(2**64), "order_id '18446744073709551616' is not a whole number from 0 to"),
    (LINE.format(5).replace("A,B", "add,B"), "action 'add' is not a capital letter"),
    (LINE.format(5).replace("A,B", "A,"), "side '' is not a capital letter"),
    (LINE.format(5).replace("99500000000", "1e5"), "price '1e5' is not a whole number"),
    (LINE.format(5).replace("99500000000", "9999999999.0"), "price '9999999999000000000' is not a whole number from"),
    (LINE.format(5).replace("1703462401000000000", "noon", 1), "ts_recv 'noon' is neither an ISO time in UTC nor ns"),
    ("1,2,3", "3 fields, the header has 15"),
    ("", "1 fields, the header has 15"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_a_bad_line_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = lines_file(tmp_path / "t.csv", [HEADER, LINE.format(1), line])
    with pytest.raises(TapeError, match=rf"t\.csv, line 3: {message}"):
        list(databento.read(path))


def test_bad_lines_are_skipped_up_to_a_limit(tmp_path: Path) -> None:
    lines = [HEADER, LINE.format(1), *(line for line, _ in BAD), LINE.format(2)]
    path = lines_file(tmp_path / "t.csv", lines)
    skipped = Skipped(len(BAD))
    assert np.concatenate(list(databento.read(path, skipped=skipped)))["order_id"].tolist() == [1, 2]
    assert len(skipped) == len(BAD)
    replay = open_replay(path, OrderBook)
    assert replay.run().records == 2
    assert len(replay.outcome.skipped) == len(BAD)
    with pytest.raises(TapeError, match=r"line 11: .*; 8 before it were skipped"):
        open_replay(path, OrderBook, max_skipped=8).run()


def test_a_block_of_bad_lines_only(tmp_path: Path) -> None:
    path = lines_file(tmp_path / "t.csv", [HEADER, "bad"])
    assert list(databento.read(path, skipped=Skipped())) == []
    assert list(databento.events(path, skipped=Skipped())) == []


def test_a_packed_file_cut_short(tmp_path: Path) -> None:
    lines = [HEADER, *(LINE.format(number * 7919 % 10_007) for number in range(5000))]
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode())[:-1000])
    with pytest.raises(TapeError, match=r"t\.csv\.gz, after line \d+: damaged or truncated"):
        list(databento.read(path))


def test_what_is_no_csv_of_records(tmp_path: Path) -> None:
    assert not databento_csv.is_csv(tmp_path / "none.csv")
    assert not databento_csv.is_csv(lines_file(tmp_path / "t.csv", ["ts_recv,ts_event,price"]))


def test_csv_that_zstd_compressed(tmp_path: Path) -> None:
    pytest.importorskip("databento_dbn", reason="needs databento-dbn: pip install '.[tape]'")
    path = tmp_path / "t.csv.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + b"junk" * 50)
    with pytest.raises(TapeError, match="decompress CSV files first: zstd -d"):
        list(databento.read(path))
