"""The folder of a journal: what is in it, by number; one process at a time."""

import stat
from pathlib import Path

import pytest

from pricetime.log.directory import Directory
from pricetime.log.errors import JournalLocked

NAMES = [
    "lock",
    "00000010.journal",
    "00000002.journal",
    "100000000.journal",
    "00000003.journal.temporary",
    "00000003.journal.broken",
    "00000002.4096.broken",
    "3.journal",
    "00000000.journal",
    "000000007.journal",
    "00000000000000000500.snapshot",
    "00000000000000001000.snapshot",
    "00000000000000002000.snapshot.temporary",
]


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    for name in NAMES:
        (tmp_path / name).touch()
    return Directory(tmp_path)


def test_what_is_in_it(directory: Directory) -> None:
    assert directory.segments() == [2, 10, 100_000_000]
    assert directory.snapshots() == [1000, 500]
    assert directory.path_of(2).name == "00000002.journal"
    assert directory.snapshot_path(500).name == "00000000000000000500.snapshot"
    assert directory.path_of(100_000_000).exists()


def test_segments_behind_are_removed_and_nothing_else(directory: Directory) -> None:
    assert directory.remove_behind(10) == [2]
    assert directory.remove_behind(10) == []
    assert sorted(path.name for path in directory.path.iterdir()) == sorted({*NAMES} - {"00000002.journal"})


def test_segments_that_a_reader_needs_stay(directory: Directory) -> None:
    directory.needed = 2
    assert directory.remove_behind(10) == []
    directory.needed = 3
    assert directory.remove_behind(2) == []
    assert directory.remove_behind(10) == [2]


def test_what_was_under_way_is_removed(directory: Directory) -> None:
    directory.remove_temporary()
    left = {path.name for path in directory.path.iterdir()}
    assert left == {name for name in NAMES if not name.endswith(".temporary")}


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    directory = Directory(tmp_path / "a" / "b")
    with pytest.raises(FileNotFoundError):
        directory.segments()
    directory.lock()
    assert directory.segments() == directory.snapshots() == []
    assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700
    directory.unlock()


def test_a_lock_keeps_others_off(directory: Directory) -> None:
    directory.lock()
    with pytest.raises(JournalLocked, match="in use by a second process"):
        Directory(directory.path).lock()
    directory.unlock()
    directory.unlock()
    Directory(directory.path).lock()
