import gzip
import random
from pathlib import Path

import numpy as np
import pytest

from pricetime import Side
from pricetime.tape import lobster
from pricetime.tape.file import TapeError
from pricetime.tape.lobster import LINES, NO_LEVEL, UNREADABLE, Kind, orderbook_names
from pricetime.tape.skipped import Skipped
from tests.tape.tapes import lines_file

GOOD = "34200.017459617,1,16113575,18,5853300,1"


def read_messages(path: Path, skipped: Skipped | None = None) -> list[tuple[int, ...]]:
    """One tuple a line."""
    blocks = lobster.messages(path, skipped=skipped)
    return [row for block in blocks for row in zip(*[column.tolist() for column in block], strict=True)]


def test_messages(tmp_path: Path) -> None:
    path = lines_file(tmp_path / "m.csv", [GOOD, "34200.5,4,77,3,5853400,-1", "34201,7,0,0,-1,-1"])
    assert read_messages(path) == [
        (1, 34_200_017_459_617, Kind.NEW, 16113575, 18, 5853300, Side.BID),
        (2, 34_200_500_000_000, Kind.EXECUTION, 77, 3, 5853400, Side.ASK),
        (3, 34_201_000_000_000, Kind.HALT, 0, 0, -1, Side.ASK),
    ]


def test_digits_beyond_nanoseconds_are_rounded(tmp_path: Path) -> None:
    """As programs write times that went through floating point."""
    times = ["35821.088778456004", "35821.0887784559999", "34200.9999999999"]
    path = lines_file(tmp_path / "m.csv", [f"{time},1,2,3,4,1" for time in times])
    assert [row[1] for row in read_messages(path)] == [35_821_088_778_456, 35_821_088_778_456, 34_201_000_000_000]


def test_every_nanosecond_of_a_day_is_read_as_written(tmp_path: Path) -> None:
    chance = random.Random(3)
    moments = [chance.randrange(86_400 * 10**9) for _ in range(2 * LINES)] + [86_400 * 10**9 - 1, 0, 1]
    lines = [f"{ns // 10**9}.{ns % 10**9:09},1,2,3,4,1" for ns in moments]
    assert [row[1] for row in read_messages(lines_file(tmp_path / "m.csv", lines))] == moments
    with_a_bad_line = lines_file(tmp_path / "slow.csv", ["1,1,2,3,4,1", "x", *lines])
    assert [row[1] for row in read_messages(with_a_bad_line, Skipped())][2:] == moments


def test_rows_as_keys_and_sizes(tmp_path: Path) -> None:
    lines = ["101,5,99,7,102,1,98,2", f"101,5,-{NO_LEVEL},0,{NO_LEVEL},0,-{NO_LEVEL},0"]
    (rows,) = lobster.rows(lines_file(tmp_path / "b.csv", lines))
    bids, asks = rows.keys.tolist()
    assert (bids, asks) == ([[99, 98], [-NO_LEVEL, -NO_LEVEL]], [[-101, -102], [-101, -NO_LEVEL]])
    assert rows.sizes.tolist() == [[[7, 2], [0, 0]], [[5, 1], [5, 0]]]
    assert rows.good.tolist() == [True, True]


def test_packed_with_gzip_whatever_the_name(tmp_path: Path) -> None:
    packed = lines_file(tmp_path / "m.csv.gz", [GOOD] * 3)
    renamed = packed.rename(tmp_path / "m.csv")
    read: list[int] = []
    assert len(next(lobster.messages(renamed, progress=read.append)).line) == 3
    assert sum(read) == renamed.stat().st_size


def test_windows_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(f"{GOOD}\r\n{GOOD}\r\n".encode())
    assert [row[-1] for row in read_messages(path)] == [Side.BID, Side.BID]


BAD_MESSAGES = [
    ("34200.1,1,2,3,4", "5 fields instead of 6"),
    ("34200.1,8,2,3,4,1", "type '8' is not one of 1, 2, 3, 4, 5, 6, 7"),
    ("34200.1,1,2,3,4,0", "direction '0' is neither 1 nor -1"),
    ("34200.1,1,2,3.5,4,1", "size '3.5' is not a whole number"),
    ("34200.1,1,2,,4,1", "size '' is not a whole number"),
    ("34200.1,1,2,3,4-5,1", "price '4-5' is not a whole number"),
    ("34200.1,1,x,3,4,1", "order id 'x' is not a whole number"),
    ("34200.1,1,9223372036854775808,3,4,1", "order id '9223372036854775808' is beyond 64 bits"),
    ("34200.1,1,2,3,nan,1", "price 'nan' is not a whole number"),
    ("3.42e4,1,2,3,4,1", "time '3.42e4' is not a number of seconds"),
    ("1.2.3,1,2,3,4,1", "time '1.2.3' is not a number of seconds"),
    ("86400,1,2,3,4,1", "time '86400' is beyond a day"),
    ("-1,1,2,3,4,1", "time '-1' is not a number of seconds"),
    ("", "1 fields instead of 6"),
    ("\xff\xfe", "1 fields instead of 6"),
]


@pytest.mark.parametrize(("line", "message"), BAD_MESSAGES)
def test_a_bad_message_is_named_by_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = lines_file(tmp_path / "m.csv", [GOOD, line])
    with pytest.raises(TapeError, match=rf"m\.csv, line 2: {message} in "):
        list(lobster.messages(path))


def test_bad_lines_are_skipped_named_and_counted_up_to_a_limit(tmp_path: Path) -> None:
    path = lines_file(tmp_path / "m.csv", [GOOD, *(line for line, _ in BAD_MESSAGES), GOOD])
    skipped = Skipped(len(BAD_MESSAGES))
    read = read_messages(path, skipped)
    assert [row[0] for row in read if row[2] != UNREADABLE] == [1, 2 + len(BAD_MESSAGES)]
    assert len(read) == 2 + len(BAD_MESSAGES)
    assert len(skipped) == len(BAD_MESSAGES)
    assert skipped.named[1] == f"{path}, line 3: type '8' is not one of 1, 2, 3, 4, 5, 6, 7 in '34200.1,8,2,3,4,1'"
    with pytest.raises(TapeError, match=r"line 16: .*; 14 before it were skipped, which is the limit"):
        read_messages(path, Skipped(len(BAD_MESSAGES) - 1))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("101,5,99", "3 fields instead of 4"),
        ("101,5,99,7,102,1,98,2", "8 fields instead of 4"),
        ("101,5,99,x", "field 'x' is not a whole number"),
        ("101,5,99,7.0", "field '7.0' is not a whole number"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, line: str, message: str) -> None:
    path = lines_file(tmp_path / "b.csv", ["101,5,99,7", line, "101,5,99,8"])
    with pytest.raises(TapeError, match=rf"b\.csv, line 2: {message}"):
        list(lobster.rows(path))
    skipped = Skipped(1)
    (rows,) = lobster.rows(path, skipped=skipped)
    assert rows.good.tolist() == [True, False, True]
    assert rows.sizes[0, :, 0].tolist() == [7, 0, 8]


def test_blocks_count_their_lines(tmp_path: Path) -> None:
    lines = [GOOD] * (2 * LINES + 1)
    lines[LINES] = "bad"
    blocks = list(lobster.messages(lines_file(tmp_path / "m.csv", lines), skipped=Skipped()))
    assert [len(block.line) for block in blocks] == [LINES, LINES, 1]
    assert np.concatenate([block.line for block in blocks]).tolist() == list(range(1, len(lines) + 1))
    assert [np.flatnonzero(block.kind == UNREADABLE).tolist() for block in blocks] == [[], [0], []]


def test_the_other_file_of_the_pair(tmp_path: Path) -> None:
    """It is named at once, however many lines may be skipped."""
    with pytest.raises(TapeError, match=r"line 1: 6 fields.*this may be a message file"):
        list(lobster.rows(lines_file(tmp_path / "m.csv", [GOOD]), skipped=Skipped()))
    with pytest.raises(TapeError, match=r"line 1: 8 fields.*this may be an orderbook file"):
        list(lobster.messages(lines_file(tmp_path / "b.csv", ["101,5,99,7,102,1,98,2"]), skipped=Skipped()))


def test_a_packed_file_cut_short(tmp_path: Path) -> None:
    path = tmp_path / "m.csv.gz"
    lines = "".join(f"{34200 + n / 1000:.3f},1,{n * 7919 % 10_007},{n % 97},{n * 31 % 1009},1\n" for n in range(5000))
    path.write_bytes(gzip.compress(lines.encode())[:-2000])
    with pytest.raises(TapeError, match=r"m\.csv\.gz, after line \d+: damaged or truncated"):
        list(lobster.messages(path, skipped=Skipped()))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"none\.csv: No such file"):
        list(lobster.messages(tmp_path / "none.csv"))


@pytest.mark.parametrize(
    ("message", "orderbook"),
    [
        ("X_2012-06-21_message_10.csv", "X_2012-06-21_orderbook_10.csv"),
        ("message.csv", "orderbook.csv"),
        ("messages.csv.gz", "orderbook.csv.gz"),
        ("messages.csv", "orderbooks.csv"),
        ("day-Message.csv", "day-Orderbook.csv"),
        ("message.csv", "orderbook.csv.gz"),
        ("message.csv.gz", "orderbook.csv"),
        ("message_of_a_message_3.csv", "message_of_a_orderbook_3.csv"),
    ],
)
def test_names_of_a_pair(message: str, orderbook: str) -> None:
    assert Path("folder", orderbook) in orderbook_names(Path("folder", message))


def test_a_name_that_says_nothing_of_messages() -> None:
    assert orderbook_names(Path("day.csv")) == []


def test_the_real_files(real_data: Path) -> None:
    messages = read_messages(real_data / "AAPL_2012-06-21_head1000_message_10.csv")
    (rows,) = lobster.rows(real_data / "AAPL_2012-06-21_head1000_orderbook_10.csv")
    assert len(messages) == 999
    assert rows.keys.shape == rows.sizes.shape == (2, 999, 10)
    assert messages[0] == (1, 34_200_004_241_176, Kind.NEW, 16113575, 18, 5853300, Side.BID)
