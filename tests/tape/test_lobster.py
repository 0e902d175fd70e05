from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from pricetime import Side
from pricetime.tape import lobster
from pricetime.tape.file import TapeError
from pricetime.tape.lobster import Kind, Message, Row
from tests.tape.tapes import lines_file

GOOD = "34200.017459617,1,16113575,18,5853300,1"


def test_messages(tmp_path: Path) -> None:
    path = lines_file(tmp_path / "m.csv", [GOOD, "34200.5,4,77,3,5853400,-1", "34201,7,0,0,-1,-1"])
    assert list(lobster.messages(path)) == [
        Message(1, 34_200_017_459_617, Kind.NEW, 16113575, 18, 5853300, Side.BID),
        Message(2, 34_200_500_000_000, Kind.EXECUTION, 77, 3, 5853400, Side.ASK),
        Message(3, 34_201_000_000_000, Kind.HALT, 0, 0, -1, Side.ASK),
    ]


def test_rows_leave_out_empty_levels(tmp_path: Path) -> None:
    rows = ["101,5,99,7,102,1,98,2", "101,5,-9999999999,0,9999999999,0,-9999999999,0"]
    assert list(lobster.rows(lines_file(tmp_path / "b.csv", rows))) == [
        Row(bids=((99, 7), (98, 2)), asks=((101, 5), (102, 1)), levels=2),
        Row(bids=(), asks=((101, 5),), levels=2),
    ]


def test_packed_with_gzip_whatever_the_name(tmp_path: Path) -> None:
    packed = lines_file(tmp_path / "m.csv.gz", [GOOD] * 3)
    renamed = packed.rename(tmp_path / "m.csv")
    read: list[int] = []
    assert len(list(lobster.messages(renamed, progress=read.append))) == 3
    assert sum(read) == renamed.stat().st_size


def test_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(f"{GOOD}\r\n{GOOD}\r\n".encode())
    assert [message.side for message in lobster.messages(path)] == [Side.BID, Side.BID]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("34200.1,1,2,3,4", "5 fields, a message has 6"),
        ("101,5,99,7,102,1,98,2", "8 fields, a message has 6: is this an orderbook file"),
        ("34200.1,8,2,3,4,1", "type '8' is none of 1, 2, 3, 4, 5, 6, 7"),
        ("34200.1,1,2,3,4,0", "direction '0' is neither 1 nor -1"),
        ("34200.1,1,2,3.5,4,1", "size '3.5' is no whole number"),
        ("34200.1,1,x,3,4,1", "order id 'x' is no whole number"),
        ("34200.1,1,2,3,nan,1", "price 'nan' is no whole number"),
        ("34200.1234567890,1,2,3,4,1", "time '34200.1234567890' is no number of seconds with at most 9 decimals"),
        ("-1,1,2,3,4,1", "time '-1' is no number of seconds"),
        ("", "1 fields, a message has 6"),
    ],
)
def test_a_bad_message_is_named_by_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = lines_file(tmp_path / "m.csv", [GOOD, line])
    with pytest.raises(TapeError, match=rf"m\.csv, line 2: {message}"):
        list(lobster.messages(path))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("101,5,99", "3 fields, a row has four to a level"),
        ("101,5,99,7,102,1,98,2", "8 fields, a row has four to a level, as many in each"),
        ("101,5,99,x", "a field that is no whole number"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = lines_file(tmp_path / "b.csv", ["101,5,99,7", line])
    with pytest.raises(TapeError, match=rf"b\.csv, line 2: {message}"):
        list(lobster.rows(path))


def test_a_message_file_given_as_orderbook(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"line 1: 6 fields.*is this a message file"):
        list(lobster.rows(lines_file(tmp_path / "m.csv", [GOOD])))


def test_a_packed_file_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "m.csv.gz"
    lines = "".join(f"{34200 + n / 1000:.3f},1,{n * 7919 % 10_007},{n % 97},{n * 31 % 1009},1\n" for n in range(5000))
    path.write_bytes(gzip.compress(lines.encode())[:-2000])
    with pytest.raises(TapeError, match=r"m\.csv\.gz, after line \d+: is damaged, truncated, or no text"):
        list(lobster.messages(path))


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TapeError, match="after line 0: is damaged, truncated, or no text"):
        list(lobster.messages(path))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"none\.csv: No such file"):
        list(lobster.messages(tmp_path / "none.csv"))


def test_the_real_files(real_data: Path) -> None:
    messages = list(lobster.messages(real_data / "AAPL_2012-06-21_head1000_message_10.csv"))
    rows = list(lobster.rows(real_data / "AAPL_2012-06-21_head1000_orderbook_10.csv"))
    assert len(messages) == len(rows) == 999
    assert {row.levels for row in rows} == {10}
    assert messages[0] == Message(1, 34_200_004_241_176, Kind.NEW, 16113575, 18, 5853300, Side.BID)
