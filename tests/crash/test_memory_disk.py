"""The disk that the other tests here believe: which states it gives, and which it does not."""

import random
from collections.abc import Callable

import pytest

from tests.crash.memory_disk import FOLDER, PAGE, SECTOR, MemoryDisk

NAME = FOLDER / "file"
ALL = 1 << 20


def states(disk: MemoryDisk, unit: int = SECTOR) -> list[dict[str, bytes]]:
    return list(disk.states(random.Random(0), ALL, unit))


def lasting(data: bytes) -> MemoryDisk:
    """A disk with one file that is on it for certain."""
    return MemoryDisk({NAME.name: data})


def test_what_is_synced_is_certain() -> None:
    disk = MemoryDisk()
    fd = disk.create(NAME)
    disk.write(fd, b"a" * 1000, 0)
    disk.sync(fd)
    assert {"file": b"a" * 1000} in states(disk)
    assert {} in states(disk)  # the name is not
    disk.sync_folder(FOLDER)
    assert states(disk) == [{"file": b"a" * 1000}]


def test_a_file_that_was_only_written_may_have_any_size_that_it_had() -> None:
    disk = MemoryDisk()
    fd = disk.create(NAME)
    disk.sync_folder(FOLDER)
    disk.write(fd, b"a" * SECTOR, 0)
    disk.write(fd, b"b" * SECTOR, SECTOR)
    found = {state["file"] for state in states(disk)}
    none, a, b = bytes(SECTOR), b"a" * SECTOR, b"b" * SECTOR
    assert found == {b"", none, a, none + none, a + none, none + b, a + b}


@pytest.mark.parametrize(("unit", "count"), [(SECTOR, 3 * 2), (PAGE, 4)])
def test_every_version_since_the_last_sync(unit: int, count: int) -> None:
    """A sector that was written twice, and one that was written once, in the middle: as sectors, and as a page."""
    disk = MemoryDisk()
    fd = disk.create(NAME, PAGE)
    disk.sync(fd)
    disk.sync_folder(FOLDER)
    disk.write(fd, b"1", 0)
    disk.write(fd, b"x", 3 * SECTOR)
    disk.write(fd, b"2", 0)
    found = {(state["file"][:1], state["file"][3 * SECTOR :][:1]) for state in states(disk, unit)}
    assert len(found) == count
    assert (b"2", b"\0") in found or unit == PAGE
    assert {(b"\0", b"\0"), (b"1", b"\0"), (b"1", b"x"), (b"2", b"x")} <= found


@pytest.mark.compiled
def test_stores_through_a_mapping_are_seen_and_a_range_is_synced() -> None:
    disk = MemoryDisk()
    fd = disk.create(NAME, 2 * PAGE)
    disk.sync(fd)
    disk.sync_folder(FOLDER)
    mapping = disk.map(fd, 2 * PAGE)
    view = memoryview(mapping)
    view[0] = view[PAGE] = 1
    assert len(states(disk)) == 4
    disk.sync_range(mapping, 0, PAGE)
    assert {(state["file"][0], state["file"][PAGE]) for state in states(disk)} == {(1, 0), (1, 1)}
    view[PAGE] = 2
    assert {state["file"][PAGE] for state in states(disk)} == {0, 1, 2}
    view.release()


def cut(disk: MemoryDisk) -> None:
    disk.truncate(NAME, 10)


def move(disk: MemoryDisk) -> None:
    disk.rename(NAME, FOLDER / "other")


def remove(disk: MemoryDisk) -> None:
    disk.unlink(NAME)


@pytest.mark.parametrize(
    ("change", "may_be"),
    [
        (cut, [{"file": b"x" * 10}]),
        (move, [{"file": b"x" * 20}, {"other": b"x" * 20}]),
        (remove, [{"file": b"x" * 20}, {}]),
    ],
)
def test_names_are_old_or_new(change: Callable[[MemoryDisk], None], may_be: list[dict[str, bytes]]) -> None:
    disk = lasting(b"x" * 20)
    change(disk)
    assert states(disk) == may_be
    disk.sync_folder(FOLDER)
    assert states(disk) == may_be[-1:]


def test_in_the_middle_of_a_cut() -> None:
    disk = lasting(b"x" * 2_000)
    found: list[list[dict[str, bytes]]] = []
    disk.called = lambda call: found.append(states(disk))
    disk.truncate(NAME, 600)
    whole, part = {"file": b"x" * 2_000}, {"file": b"x" * 600}
    assert found == [[whole], [whole, part], [whole, part], [part]]


def test_after_a_sync_that_failed_nothing_is_certain_any_more() -> None:
    disk = lasting(b"old")
    fd = disk.lock(NAME)
    disk.write(fd, b"new", 0)

    def fail(call: str) -> None:
        if call == "sync":
            raise OSError

    disk.called = fail
    with pytest.raises(OSError):
        disk.sync(fd)
    disk.called = lambda call: None
    disk.sync(fd)
    assert {state["file"] for state in states(disk)} == {b"old", b"new"}
    assert disk.vain_syncs == 1
    disk.sync_file(NAME, 0, 3)  # it is written once more before
    assert states(disk) == [{"file": b"new"}]


def test_many_states_are_drawn() -> None:
    disk = MemoryDisk()
    fd = disk.create(NAME, 64 * SECTOR)
    disk.sync(fd)
    disk.sync_folder(FOLDER)
    for sector in range(64):
        disk.write(fd, b"x", sector * SECTOR)
    drawn = {state["file"] for state in disk.states(random.Random(1), 500)}
    assert len(drawn) > 400
    assert {bytes(64 * SECTOR), disk.files["file"].cache[:]} <= drawn


def test_killed_the_cache_is_what_the_next_process_finds() -> None:
    disk = MemoryDisk()
    disk.write(disk.create(NAME), b"data", 0)
    disk.killed()
    assert disk.read(NAME) == b"data"
    assert {} in states(disk)
