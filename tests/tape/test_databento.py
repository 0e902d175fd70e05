from pathlib import Path

import numpy as np
import pytest

from pricetime.tape import databento
from pricetime.tape.databento import NoSuchInstrument
from pricetime.tape.file import TapeError
from pricetime.tape.mbo import MBO
from tests.tape.tapes import DOLLAR, SECOND_NS, START_NS, add, cancel, dbn_bytes, dbn_file, fill, metadata, trade

dbn = pytest.importorskip("databento_dbn", reason="needs databento-dbn: pip install '.[tape]'")

EVENTS = [
    [add("B", 1, 99.5, 10)],
    [add("A", 2, 100.25, 5)],
    [trade("B", 9, 100.25, 5), fill("A", 2, 100.25, 5), cancel("A", 2, 100.25, 5)],
]


def test_reads_every_field(tmp_path: Path) -> None:
    records = np.concatenate(list(databento.read(dbn_file(tmp_path, EVENTS, snapshot=[add("B", 3, 98, 1)]))))
    assert records["order_id"].tolist() == [3, 1, 2, 9, 2, 2]
    assert records["price"].tolist() == [round(p * DOLLAR) for p in (98, 99.5, 100.25, 100.25, 100.25, 100.25)]
    assert records["size"].tolist() == [1, 10, 5, 5, 5, 5]
    assert records["action"].tolist() == [b"A", b"A", b"A", b"T", b"F", b"C"]
    assert records["side"].tolist() == [b"B", b"B", b"A", b"B", b"A", b"A"]
    assert records["flags"].tolist() == [0x20, 0x80, 0x80, 0, 0, 0x80]
    assert (records["ts_event"] - START_NS).tolist() == [s * SECOND_NS for s in (0, 1, 2, 3, 3, 3)]
    assert records["sequence"].tolist() == [0, 1, 2, 3, 3, 3]
    assert set(records["instrument_id"].tolist()) == {7}


def test_dtype_is_the_record_of_the_format(tmp_path: Path) -> None:
    assert np.dtype(dbn.MBOMsg._dtypes) == MBO


def test_an_event_ends_with_its_last_record_and_a_snapshot_record_stands_alone(tmp_path: Path) -> None:
    snapshot = [add("B", 3, 98, 1), add("B", 4, 97, 1)]
    events = list(databento.events(dbn_file(tmp_path, EVENTS, snapshot=snapshot)))
    assert [[record.order_id for record in event] for event in events] == [[3], [4], [1], [2], [9, 2, 2]]


def test_the_last_event_may_lack_its_end(tmp_path: Path) -> None:
    path = tmp_path / "tape.dbn"
    path.write_bytes(dbn_bytes(EVENTS)[:-56])
    assert [len(event) for event in databento.events(path)] == [1, 1, 2]


def test_a_tape_longer_than_a_chunk_and_its_progress(tmp_path: Path) -> None:
    path = dbn_file(tmp_path, [[add("B", number, 99, 1)] for number in range(1, 3001)])
    read: list[int] = []
    chunks = list(databento.read(path, progress=read.append))
    assert len(chunks) > 1
    assert np.concatenate(chunks)["order_id"].tolist() == list(range(1, 3001))
    assert sum(read) == path.stat().st_size


def test_compressed_with_zstd(tmp_path: Path, real_data: Path) -> None:
    chunk = next(databento.read(real_data / "esh4-glbx-mdp3-20231225.mbo.dbn.zst"))
    assert chunk["instrument_id"][0] == 17077


def test_records_of_another_kind_are_left_out(tmp_path: Path) -> None:
    system = bytes(dbn.SystemMsg(ts_event=START_NS, msg="heartbeat"))
    path = tmp_path / "live.dbn"
    header = metadata(dbn, None)
    path.write_bytes(header + system + dbn_bytes(EVENTS, schema=None)[len(header) :])
    assert sum(len(chunk) for chunk in databento.read(path)) == 5


def test_several_instruments_want_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "two.dbn"
    header = len(dbn_bytes([]))
    path.write_bytes(dbn_bytes(EVENTS) + dbn_bytes([[add("B", 5, 10, 1)]], instrument=8)[header:])
    with pytest.raises(TapeError, match=r"two\.dbn: has several instruments \(7, 8"):
        list(databento.events(path))
    assert [event[0].order_id for event in databento.events(path, instrument=8)] == [5]
    assert [len(event) for event in databento.events(path, instrument=7)] == [1, 1, 3]


def test_an_instrument_that_the_tape_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "two.dbn"
    header = len(dbn_bytes([]))
    path.write_bytes(dbn_bytes(EVENTS) + dbn_bytes([[add("B", 5, 10, 1)]], instrument=8)[header:])
    with pytest.raises(NoSuchInstrument, match=r"two\.dbn: has no record of instrument 5: it has 7, 8$"):
        list(databento.events(path, instrument=5))
    assert list(databento.events(dbn_file(tmp_path, []), instrument=5)) == []


def test_many_instruments_are_not_all_named(tmp_path: Path) -> None:
    header = len(dbn_bytes([]))
    parts = [dbn_bytes([[add("B", 5, 10, 1)]], instrument=number)[header:] for number in range(30)]
    path = tmp_path / "many.dbn"
    path.write_bytes(dbn_bytes([]) + b"".join(parts))
    with pytest.raises(NoSuchInstrument, match=r"it has 0, 1, .*, 19 and 10 more$"):
        list(databento.events(path, instrument=99))


def test_when_the_tape_starts(tmp_path: Path) -> None:
    assert databento.start_ns(dbn_file(tmp_path, EVENTS)) == START_NS + SECOND_NS
    with pytest.raises(TapeError, match="has no market-by-order record"):
        databento.start_ns(dbn_file(tmp_path, []))


def damaged(data: bytes) -> dict[str, tuple[bytes, str]]:
    return {
        "empty": (b"", "the file ends within its header"),
        "cut in the header": (data[:50], "the file ends within its header"),
        "cut in a record": (data[:-10], "the file ends within record 5"),
        "no DBN at all": (b"<html>not found</html>" * 20, "not a DBN file, or damaged"),
        "zeros inside": (data[: len(data) - 112] + bytes(112), r"not a DBN file, or damaged.*\(after \d good"),
        "zstd that breaks off": (b"\x28\xb5\x2f\xfd" + b"junk" * 50, "not a DBN file, or damaged"),
    }


@pytest.mark.parametrize("case", damaged(b""))
def test_a_damaged_file_is_named_with_what_is_wrong(tmp_path: Path, case: str) -> None:
    path = tmp_path / "bad.dbn"
    data, message = damaged(dbn_bytes(EVENTS))[case]
    path.write_bytes(data)
    with pytest.raises(TapeError, match=rf"bad\.dbn: {message}"):
        list(databento.read(path))


def test_a_real_tape_cut_short(tmp_path: Path, real_data: Path) -> None:
    path = tmp_path / "cut.dbn.zst"
    path.write_bytes((real_data / "esh4-glbx-mdp3-20231225.mbo.dbn.zst").read_bytes()[:500_000])
    with pytest.raises(TapeError, match=r"cut\.dbn\.zst: the file ends within record \d+: it may be truncated"):
        list(databento.read(path))


def test_another_schema(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match="has the schema trades: a replay needs mbo"):
        list(databento.read(dbn_file(tmp_path, [], schema="trades")))


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(TapeError, match=r"none\.dbn: No such file"):
        list(databento.read(tmp_path / "none.dbn"))
