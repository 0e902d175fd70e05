"""Snapshots: what is written comes back, what is damaged is found, and nothing half-written has a name."""

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime import COMPILED, Engine, Instrument
from pricetime.log import layout as layout_module
from pricetime.log.directory import Directory
from pricetime.log.errors import SnapshotDamaged
from pricetime.log.layout import VERSION
from pricetime.log.snapshot import (
    END,
    HEAD,
    MAGIC,
    OWNER,
    SnapshotFile,
    keep_two,
    load,
    restore,
    restored,
    write,
)  # fmt: skip
from pricetime.native.crc import crc32c
from pricetime.native.disk import Disk
from pricetime.types import COMMAND, REPORT
from tests.log.states import CONFIGURATION, directory_at, engine_of, make_segment, reports, same_parts, snapshot_of


def load_file(path: Path) -> SnapshotFile:
    return load(Directory(path.parent), int(path.stem))


def same(one: SnapshotFile, other: SnapshotFile) -> bool:
    return one.head() == other.head() and same_parts(one.parts(), other.parts())


@pytest.fixture
def snapshot() -> SnapshotFile:
    return snapshot_of(engine_of(), 20)


# ---------------------------------------------------------------------- there and back


def test_the_records_are_those_of_the_schema() -> None:
    sheet: Any = layout_module
    records = [sheet.SnapshotHead, sheet.SnapshotOwner, sheet.SnapshotEnd]
    assert [record.size for record in records] == [HEAD.size, OWNER.itemsize, END.size]
    assert list(sheet.SnapshotOwner.__slots__) == list(OWNER.names or ())
    assert (COMMAND.itemsize, REPORT.itemsize) == (sheet.COMMAND_BYTES, sheet.REPORT_BYTES)


def test_it_comes_back_as_it_was(tmp_path: Path, snapshot: SnapshotFile) -> None:
    path = write(Directory(tmp_path), snapshot)
    assert path == tmp_path / "00000000000000000020.snapshot"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == [path.name]  # noqa: PTH208
    loaded = load_file(path)
    assert same(loaded, snapshot)
    assert loaded.position == snapshot.position
    assert loaded.sequence == 20
    again = write(Directory(tmp_path), loaded)
    assert same(load_file(again), snapshot), "it may be written again, from the file that it looks at"


def test_the_file_is_as_the_schema_says(tmp_path: Path, snapshot: SnapshotFile) -> None:
    data = write(Directory(tmp_path), snapshot).read_bytes()
    records, owners = snapshot.records, snapshot.owners
    head = HEAD.unpack(data[:192])
    assert head[:4] == (MAGIC, VERSION, 1, CONFIGURATION.digest)
    assert head[4:10] == (20, 2**63 + 20, 1, 4096 + 72 * 20, 0xDEADBEEF, 0x12345678)
    assert head[10:15] == (snapshot.seq_num, snapshot.books, snapshot.next_reference, 77, 101)
    assert head[15:] == (*map(len, records), 3, 5, 10, 0x9ABCDEF0, 0, bytes(8))
    body = b"".join(part.tobytes() for part in (*records, owners, reports(6, 3), reports(1, 2)))
    assert data[192:-8] == body + reports(91, 10).tobytes()
    assert END.unpack(data[-8:]) == (crc32c(data[:-8]), 0)


def test_an_empty_exchange(tmp_path: Path) -> None:
    engine = engine_of(orders=0)
    nothing = np.zeros(0, REPORT)
    empty = replace(
        snapshot_of(engine, 0), owners=np.zeros(0, OWNER), stream_reports=nothing, feed_reports=nothing, feed_sequence=1
    )
    loaded = load_file(write(Directory(tmp_path), empty))
    assert same(loaded, empty)
    assert [len(part) for part in loaded.parts()] == [len(CONFIGURATION.instruments), 0, 0, 0, 0, 0]
    assert len(restore(loaded, CONFIGURATION)) == 0


def test_an_engine_is_restored(snapshot: SnapshotFile) -> None:
    engine = restore(snapshot, CONFIGURATION)
    engine.check()
    assert engine.next_reference == snapshot.next_reference == len(engine) + 1
    assert same_parts(engine.dump(), engine_of().dump())
    assert engine.seq_num == engine_of().seq_num


# ---------------------------------------------------------------------- damage


def test_every_cut_and_every_flipped_bit_is_found(tmp_path: Path) -> None:
    engine = engine_of(orders=3)
    small = snapshot_of(engine, 5)
    small = replace(small, owners=small.owners[:1], stream_reports=reports(6, 3), feed_reports=reports(100, 1))
    path = write(Directory(tmp_path), small)
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(SnapshotDamaged, match=path.name):
            load_file(path)
    path.write_bytes(data + bytes(8))
    with pytest.raises(SnapshotDamaged, match="bytes"):
        load_file(path)
    for bit in range(0, len(data) * 8, 1 if COMPILED else 37):
        spoilt = bytearray(data)
        spoilt[bit // 8] ^= 1 << bit % 8
        path.write_bytes(spoilt)
        with pytest.raises(SnapshotDamaged, match=path.name):
            load_file(path)
    path.write_bytes(data)
    assert same(load_file(path), small)


def signed(data: bytes) -> bytes:
    """The same under a CRC that is right."""
    return data[:-8] + END.pack(crc32c(data[:-8]), 0)


def put(data: bytes, offset: int, new: bytes) -> bytes:
    return signed(data[:offset] + new + data[offset + len(new) :])


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda data: put(data, 0, b"X"), "is not a snapshot"),
        (lambda data: put(data, 8, b"\1"), "version 1: this program reads version 4"),
        (lambda data: put(data, 180, b"\1"), "CRC"),
        (lambda data: put(data, 191, b"\1"), "CRC"),
        (lambda data: data[:-1] + b"\1", "CRC"),
        (lambda data: put(data, 48, b"\x15"), "it is of command 21"),
        (lambda data: put(data, 128, b"\xff" * 8), "its counts need"),
        (lambda data: b"", "0 bytes"),
        (lambda data: data[:199], "199 bytes"),
    ],
)
def test_what_is_no_snapshot(tmp_path: Path, snapshot: SnapshotFile, spoil: Callable[[bytes], bytes], why: str) -> None:
    path = write(Directory(tmp_path), snapshot)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(SnapshotDamaged, match=why):
        load_file(path)


OWNERS = snapshot_of(engine_of(), 20).owners


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ({"stream_reports": reports(1, 4)}, "do not match their counts"),
        ({"owners": OWNERS[[1, 0, 2]]}, "owners are invalid"),
        ({"owners": OWNERS[[0, 0, 1]], "stream_reports": reports(1, 6)}, "owners are invalid"),
        ({"owners": np.array([(1, 5, 5)], OWNER)}, "owners are invalid"),
        ({"feed_sequence": 10}, "reports of the feed"),
    ],
)
def test_what_contradicts_itself(tmp_path: Path, snapshot: SnapshotFile, parts: dict[str, Any], why: str) -> None:
    path = write(Directory(tmp_path), replace(snapshot, **parts))
    with pytest.raises(SnapshotDamaged, match=why):
        load_file(path)


def test_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(SnapshotDamaged, match="No such file"):
        load(Directory(tmp_path), 20)


def with_resting(snapshot: SnapshotFile, resting: np.ndarray[Any, np.dtype[np.void]]) -> SnapshotFile:
    return replace(snapshot, records=snapshot.records._replace(resting=resting))


def test_books_that_are_not_those(snapshot: SnapshotFile) -> None:
    with pytest.raises(SnapshotDamaged, match="wrong digest"):
        restore(replace(snapshot, books=snapshot.books ^ 1), CONFIGURATION)
    twice = snapshot.records.resting[[0, 0]]
    with pytest.raises(SnapshotDamaged, match="each once"):
        restore(with_resting(snapshot, twice), CONFIGURATION)
    twice["reference"] = [1, 2]
    with pytest.raises(SnapshotDamaged, match="is in use"):
        restore(with_resting(snapshot, twice), CONFIGURATION)
    with pytest.raises(SnapshotDamaged, match="larger capacity"):
        restore(snapshot, replace(CONFIGURATION, capacity=3))
    with pytest.raises(SnapshotDamaged, match="each once"):
        restore(replace(snapshot, next_reference=snapshot.next_reference - 1), CONFIGURATION)
    other = snapshot.records.resting.copy()
    other["reference"][:2] = other["reference"][1::-1]
    with pytest.raises(SnapshotDamaged, match="wrong digest"):
        restore(with_resting(snapshot, other), CONFIGURATION)


# ---------------------------------------------------------------------- the newest that is good


def test_the_newest_good_one(tmp_path: Path) -> None:
    directory = directory_at(tmp_path, 2)
    told: list[SnapshotDamaged] = []
    assert next(restored(directory, told.append), None) is None
    for sequence in (5, 10, 15):
        write(Directory(tmp_path), snapshot_of(engine_of(orders=sequence), sequence, 2))
    found = next(restored(directory, told.append), None)
    assert found is not None
    assert (found.snapshot.sequence, found.configuration, found.engine.digest()) == (
        15, CONFIGURATION, engine_of(orders=15).digest(),
    )  # fmt: skip
    assert told == []


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_bad_ones_are_passed_over_and_told_of(tmp_path: Path) -> None:
    make_segment(tmp_path, 3, replace(CONFIGURATION, capacity=101))
    directory = directory_at(tmp_path, 2)
    for sequence, number in ((5, 1), (6, 1), (7, 4), (8, 3), (9, 2)):
        made = snapshot_of(engine_of(orders=sequence), sequence, number)
        write(Directory(tmp_path), replace(made, books=made.books + (sequence == 9)))
    flip(directory.snapshot_path(6))
    told: list[SnapshotDamaged] = []
    found = next(restored(directory, told.append), None)
    assert found is not None
    assert found.snapshot.sequence == 5
    gone = directory.path_of(4)
    missing = f"[Errno 2] No such file or directory: '{gone}'"
    assert [str(error) for error in told] == [
        "the snapshot of command 9 makes books with a wrong digest",
        f"the snapshot of command 8 needs {directory.path_of(3)}, which has a different configuration",
        f"the snapshot of command 7 needs {gone}, which cannot be read: {missing}",
        f"the snapshot {directory.snapshot_path(6)} cannot be used: its CRC is wrong",
    ]
    directory.path_of(1).write_bytes(b"PTJRNSEG")
    assert next(restored(directory, told.append), None) is None
    assert "a head takes 128" in str(told[-1])


def test_an_instrument_that_its_configuration_does_not_have(tmp_path: Path) -> None:
    other = replace(CONFIGURATION, instruments=(Instrument(1),))
    make_segment(tmp_path, 1, other)
    directory = directory_at(tmp_path, 0)
    write(Directory(tmp_path), snapshot_of(engine_of(), 20, digest=other.digest))
    told: list[SnapshotDamaged] = []
    assert next(restored(directory, told.append), None) is None
    assert "its instrument is unknown" in str(told[0])


# ---------------------------------------------------------------------- two are kept


def listed(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def test_two_are_kept_and_what_follows_the_older(tmp_path: Path) -> None:
    directory = directory_at(tmp_path, 4)
    assert keep_two(directory) == []
    write(Directory(tmp_path), snapshot_of(engine_of(), 10, 2))
    assert keep_two(directory) == [], "one alone may turn out to be damaged: then all segments are needed"
    write(Directory(tmp_path), snapshot_of(engine_of(), 20, 3))
    assert keep_two(directory) == [directory.path_of(1)]
    write(Directory(tmp_path), snapshot_of(engine_of(), 30, 4))
    assert keep_two(directory, keep_segments=True) == [directory.snapshot_path(10)]
    assert keep_two(directory) == [directory.path_of(2)]
    assert keep_two(directory) == []
    assert listed(tmp_path) == [
        "00000000000000000020.snapshot", "00000000000000000030.snapshot", "00000003.journal", "00000004.journal",
    ]  # fmt: skip


def test_a_damaged_one_is_not_one_of_the_two(tmp_path: Path) -> None:
    directory = directory_at(tmp_path, 5)
    for sequence in (10, 20, 30, 40):
        write(Directory(tmp_path), snapshot_of(engine_of(), sequence, sequence // 10))
    flip(directory.snapshot_path(30))
    assert keep_two(directory) == [directory.snapshot_path(10), directory.path_of(1)]
    assert directory.snapshots() == [40, 30, 20]
    flip(directory.snapshot_path(40))
    assert keep_two(directory) == []


# ---------------------------------------------------------------------- a disk that fails


class Failing(Disk):
    """The call of this number fails, those on the way to undo it do not; ``calls`` says what was done."""

    def __init__(self, fails_at: int, error: int) -> None:
        self.calls: list[str] = []
        self.fails_at, self.error = fails_at, error
        self.files = 0

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if len(self.calls) - 1 == self.fails_at:
            raise OSError(self.error, os.strerror(self.error))

    def create(self, path: Path, n_bytes: int = 0) -> int:
        self._call("create")
        fd = super().create(path, n_bytes)
        self.files += 1
        return fd

    def close(self, fd: int) -> None:
        super().close(fd)
        self.files -= 1

    def write(self, fd: int, data: Any, offset: int) -> None:
        self._call("write")
        super().write(fd, data, offset)

    def sync(self, fd: int) -> None:
        self._call("sync")
        super().sync(fd)

    def rename(self, old: Path, new: Path) -> None:
        self._call("rename")
        super().rename(old, new)


def test_the_order_of_things(tmp_path: Path, snapshot: SnapshotFile) -> None:
    disk = Failing(-1, 0)
    write(Directory(tmp_path, disk), snapshot)
    assert disk.calls == ["create", *["write"] * 8, "sync", "rename", "sync"], "the last is of the folder"


def test_much_is_brought_to_the_disk_in_pieces(tmp_path: Path, snapshot: SnapshotFile) -> None:
    disk = Failing(-1, 0)
    large = replace(snapshot, feed_reports=reports(1, 60_000), feed_sequence=60_001)
    path = write(Directory(tmp_path, disk), large)
    assert same(load_file(path), large)
    pieces = ["write", "sync", "write", "sync", "write"]  # of 2.9 MB
    assert disk.calls == ["create", *["write"] * 6, *pieces, "write", "sync", "rename", "sync"]


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("fails_at", range(12))
def test_any_call_may_fail(tmp_path: Path, snapshot: SnapshotFile, fails_at: int, error: int) -> None:
    before = snapshot_of(engine_of(orders=3), 20)
    path = write(Directory(tmp_path), before)
    disk = Failing(fails_at, error)
    with pytest.raises(OSError, match=os.strerror(error)):
        write(Directory(tmp_path, disk), snapshot)
    assert listed(tmp_path) == [path.name]
    assert same(load_file(path), before if fails_at < 11 else snapshot)
    assert disk.files == 0


def test_what_a_killed_process_has_left_is_in_nobodys_way(tmp_path: Path, snapshot: SnapshotFile) -> None:
    left = tmp_path / "00000000000000000020.snapshot.temporary"
    left.write_bytes(b"half of it")
    write(Directory(tmp_path), snapshot)
    assert not left.exists()


class Stubborn(Failing):
    def unlink(self, path: Path) -> None:
        raise OSError(errno.EROFS, "read-only")


def test_what_cannot_be_removed_either_hides_nothing(tmp_path: Path, snapshot: SnapshotFile) -> None:
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write(Directory(tmp_path, Stubborn(2, errno.EIO)), snapshot)
    assert listed(tmp_path) == ["00000000000000000020.snapshot.temporary"]


def test_the_records_of_a_loaded_one_go_into_any_engine(tmp_path: Path, snapshot: SnapshotFile) -> None:
    """Its arrays look at the file and cannot be written; the file may go."""
    path = write(Directory(tmp_path), snapshot)
    loaded = load_file(path)
    path.unlink()
    engine = Engine(CONFIGURATION.instruments, capacity=50)
    engine.restore(loaded.records, loaded.seq_num, loaded.next_reference)
    assert engine.digest(references=True) == snapshot.books
    assert not any(part.flags.writeable for part in loaded.records)
