import gzip
from pathlib import Path

import pytest

from pricetime import OrderBook
from pricetime.tape.file import TapeError
from pricetime.tape.formats import Format, detect, open_replay, orderbook_beside
from pricetime.tape.lobster_replay import LobsterReplay
from pricetime.tape.mbo_replay import MboReplay
from tests.tape.tapes import dbn_file, lines_file

LINE = "34200.017459617,1,16113575,18,5853300,-1"


@pytest.mark.parametrize(
    ("name", "data", "tape_format"),
    [
        ("a.dbn", b"DBN\x03rest", Format.DATABENTO),
        ("wrong-name.csv", b"DBN\x03rest", Format.DATABENTO),
        ("a.dbn.zst", b"\x28\xb5\x2f\xfdrest", Format.DATABENTO),
        ("a.csv", f"{LINE}\n".encode(), Format.LOBSTER),
        ("a.csv", f"{LINE}\r\n{LINE}\r\n".encode(), Format.LOBSTER),
        ("a.csv.gz", gzip.compress(f"{LINE}\n{LINE}\n".encode(), mtime=0), Format.LOBSTER),
        ("no-suffix", LINE.encode(), Format.LOBSTER),
    ],
)
def test_the_content_tells_the_format(tmp_path: Path, name: str, data: bytes, tape_format: Format) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert detect(path) is tape_format


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty: give a tape of Databento"),
        (b"PK\x03\x04", "unknown format: give a tape of Databento"),
        (b"time,type,order\n", "unknown format"),
        (gzip.compress(b"hello", mtime=0), "unknown format"),
        (gzip.compress(LINE.encode() * 100, mtime=0)[:20], "cannot decompress it"),
    ],
)
def test_what_is_of_no_format(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "odd"
    path.write_bytes(data)
    with pytest.raises(TapeError, match=f"odd: {message}"):
        detect(path)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="none: No such file"):
        detect(tmp_path / "none")


def test_the_orderbook_file_beside_a_message_file(tmp_path: Path) -> None:
    message = lines_file(tmp_path / "X_message_1.csv", [LINE])
    assert orderbook_beside(message) is None
    orderbook = lines_file(tmp_path / "X_orderbook_1.csv", ["1,2,3,4"])
    assert orderbook_beside(message) == orderbook
    assert orderbook_beside(orderbook) is None


def test_replays_of_each_format(tmp_path: Path) -> None:
    lobster = lines_file(tmp_path / "m.csv", [LINE])
    assert isinstance(open_replay(lobster, OrderBook), LobsterReplay)
    assert isinstance(open_replay(lobster, OrderBook, tape_format=Format.DATABENTO), MboReplay)
    with pytest.raises(TapeError, match="has one instrument only"):
        open_replay(lobster, OrderBook, instrument=7)
    databento = dbn_file(tmp_path, [])
    assert isinstance(open_replay(databento, OrderBook, instrument=7), MboReplay)
    with pytest.raises(TapeError, match="has no orderbook file"):
        open_replay(databento, OrderBook, orderbook=lobster)
