"""Repair: says what it would do, does exactly that, and what it cut is kept."""

from pathlib import Path

import pytest

from pricetime.log.directory import Directory
from pricetime.log.errors import JournalDamaged, JournalLocked, SnapshotDamaged
from pricetime.log.reader import Reader
from pricetime.log.repair import NotThatCut, apply, plan
from pricetime.log.replay import Replay
from tests.log.memory import directory_of
from tests.log.reference import Reference, journal, snapshot_after


@pytest.fixture(scope="module")
def written() -> Reference:
    return journal([45, 40])


def broken(written: Reference, segment: int, record: int) -> dict[str, bytes]:
    name = f"{segment:08}.journal"
    data = bytearray(written.files[name])
    data[written.segments[segment - 1].offsets[record] + 30] ^= 8
    return {**written.files, name: bytes(data)}


def test_a_good_journal_needs_none(written: Reference) -> None:
    directory = directory_of(written.files)
    found = plan(directory)
    assert not found.needed
    with pytest.raises(NotThatCut, match="has nothing to cut"):
        apply(directory, found.at)


def test_it_does_what_it_said(written: Reference) -> None:
    files = broken(written, 1, 20)
    directory = directory_of(files)
    found = plan(directory)
    assert found.needed
    assert found.tail.damage is not None
    place = written.segments[0].offsets[20]
    assert found.at == f"1:{place}"
    assert found.steps() == [
        f"cut {found.tail.cut_bytes:,} bytes from byte {place:,} of 00000001.journal on",
        "rename 00000002.journal to *.broken",
    ]
    assert directory.disk.files == files  # type: ignore[attr-defined]
    kept = apply(directory, found.at)
    assert [path.name for path in kept] == [f"00000001.{place}.broken", "00000002.journal.broken"]
    replay = Replay(directory)
    assert replay.run_to_end().clean
    assert replay.engine.digest() == written.digests[replay.commands]
    assert not plan(directory).needed


def test_another_place_is_refused(written: Reference) -> None:
    files = broken(written, 1, 20)
    directory = directory_of(files)
    with pytest.raises(NotThatCut, match=r"the cut would be at 1:\d+, not at 1:4096"):
        apply(directory, "1:4096")
    assert directory.disk.files == files  # type: ignore[attr-defined]


def test_damage_behind_a_snapshot_is_cut_from_there(written: Reference) -> None:
    name, data = snapshot_after(written, 50)
    directory = directory_of({**broken(written, 1, 20), name: data})
    found = plan(directory)  # a server begins behind the snapshot, and never reads what is broken
    assert not found.needed
    assert found.started.sequence == 50
    directory = directory_of({**broken(written, 2, 30), name: data})
    found = plan(directory)
    assert found.at == f"2:{written.segments[1].offsets[30]}"


def test_a_journal_that_ends_before_its_newest_snapshot(written: Reference) -> None:
    older, newer = snapshot_after(written, 30), snapshot_after(written, 60)
    files = {"00000001.journal": written.files["00000001.journal"], **dict([older, newer])}
    directory = directory_of(files)
    with pytest.raises(JournalDamaged, match="a snapshot of command 60 exists"):
        Replay(directory).run_to_end()
    found = plan(directory)
    assert found.steps() == ["rename the snapshot of command 60 to *.broken"]
    kept = apply(directory, found.at)
    assert [path.name for path in kept] == [f"{newer[0]}.broken"]
    replay = Replay(directory)
    assert replay.run_to_end().clean
    assert replay.snapshots == [30]
    assert replay.engine.digest() == written.digests[45]


def test_a_snapshot_that_is_no_good_is_told(written: Reference) -> None:
    name, data = snapshot_after(written, 60)
    told: list[SnapshotDamaged] = []
    assert not plan(directory_of({**written.files, name: data[:-1]}), told=told.append).needed
    assert len(told) == 1


def test_an_empty_folder_cannot_be_repaired() -> None:
    with pytest.raises(JournalDamaged, match="the directory has no segment"):
        plan(directory_of({}))


def test_it_takes_the_lock(written: Reference, tmp_path: Path) -> None:
    for name, data in broken(written, 1, 20).items():
        (tmp_path / name).write_bytes(data)
    found = plan(Directory(tmp_path))
    server = Directory(tmp_path)
    server.lock()
    with pytest.raises(JournalLocked):
        apply(Directory(tmp_path), found.at)
    server.unlock()
    apply(Directory(tmp_path), found.at)
    assert Reader(Directory(tmp_path)).read().commands.tobytes() == written.commands[:18].tobytes()
