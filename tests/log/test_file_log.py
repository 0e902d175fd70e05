"""The thread behind the engine: what is durable when it says so, what it does ahead, how a failure ends it."""

import errno
import os
import select
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime.errors import InvalidSetting
from pricetime.log.batch import Position
from pricetime.log.directory import Directory
from pricetime.log.errors import JournalFailed
from pricetime.log.layout import CHECKPOINT
from pricetime.native.disk import Disk

from . import written

pytestmark = pytest.mark.compiled

PAGE, MEMORY, DURABLE, REPLICATED = 4096, 1, 2, 3
CALLS = ["create", "write", "sync", "sync_file", "rename", "sync_folder", "map", "populate", "sync_range", "unlink"]


class Watched(Disk):
    """Counts the calls that change something, fails at one of them, and keeps what was synced of every mapping."""

    def __init__(self, fail_at: int = 0, error: int = errno.EIO) -> None:
        self.calls: list[str] = []
        self.fail_at = fail_at
        self.error = error
        self.pages: dict[tuple[int, int], bytes] = {}

    def __getattribute__(self, name: str) -> Any:
        if name in CALLS:
            self.calls.append(name)
            if len(self.calls) == self.fail_at:
                raise OSError(self.error, os.strerror(self.error))
        return object.__getattribute__(self, name)

    def map(self, fd: int, n_bytes: int) -> Any:
        mapping = super().map(fd, n_bytes)
        self.pages = {key: data for key, data in self.pages.items() if key[0] != mapping.address}  # of one that is gone
        return mapping

    def sync_range(self, mapping: Any, first: int, n_bytes: int) -> None:
        super().sync_range(mapping, first, n_bytes)
        for page in range(first, first + n_bytes, PAGE):
            key = (mapping.address, page)
            before = self.pages.get(key, bytes(PAGE))  # zeros are synced ahead, where clients wait for the disk
            assert not any(before), "a page was synced twice: it was stored into after the first time"
            self.pages[key] = bytes(memoryview(mapping)[page : page + PAGE])


class Journal:
    """A log in a folder."""

    def __init__(self, folder: Path, disk: Disk | None = None, **settings: Any) -> None:
        from pricetime.log.file_log import FileLog

        self.directory = Directory(folder, disk)
        given = {"level": DURABLE, "segment_bytes": 4 * PAGE, **settings}
        self.log = FileLog(self.directory, written.CONFIGURATION, **given)

    def append(self, commands: np.ndarray[Any, Any]) -> int:
        """All of them, unless something fails: how many."""
        done = 0
        while done < len(commands) and not self.log.failed:
            done += self.log.append_records(commands[done : done + 50])
        return done


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path)
    made.log.open()
    made.log.start()
    yield made
    made.log.close()
    assert made.log.failure is None


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.001)


def sequences(folder: Path) -> list[int]:
    """Those of all commands, page by page: tests of the reader look closer."""
    found = []
    for path in sorted(folder.glob("*.journal")):
        data = path.read_bytes()
        offset = PAGE
        while offset + 72 <= len(data):
            record = data[offset : offset + 72]
            if record[:4] == b"\0\0\0\0":
                if offset % PAGE == 0:
                    break
                offset = -(-offset // PAGE) * PAGE
                continue
            if record[8 + 24] != CHECKPOINT:
                found.append(int.from_bytes(record[8:16], "little"))
            offset += 72
    return found


def test_the_first_segment_is_in_use_and_on_the_disk_before_anything_is_appended(tmp_path: Path) -> None:
    disk = Watched()
    journal = Journal(tmp_path, disk, epoch=77, level=MEMORY)
    journal.log.open()
    identity = journal_id(tmp_path / "00000001.journal")
    head = written.Segment(segment_bytes=4 * PAGE, epoch=77, boot=journal_boot(), journal=identity, level=MEMORY).data()
    assert (tmp_path / "00000001.journal").read_bytes() == head
    assert list(disk.pages.values()) == [head[:PAGE]]
    journal.log.close()


def journal_id(path: Path) -> bytes:
    """Which journal a segment says that it is a part of."""
    return path.read_bytes()[88:104]


def journal_boot() -> bytes:
    from pricetime.log import segment

    return segment.boot_id()


@pytest.mark.parametrize("level", [MEMORY, DURABLE])
def test_what_is_appended_becomes_durable(tmp_path: Path, level: int) -> None:
    journal = Journal(tmp_path, level=level)
    journal.log.open()
    journal.log.start()
    assert journal.append(written.orders(1000)) == 1000
    wait_for(lambda: journal.log.durable == 1000)
    journal.log.close()
    assert sequences(tmp_path) == list(range(1, 1001))
    assert journal.log.counts["commits"] >= 1
    assert journal.log.counts["synced_bytes"] >= 1000 * 72
    assert journal.log.counts["sync_longest_ns"] >= journal.log.counts["sync_last_ns"] > 0


def test_everything_is_durable_at_the_end_and_nothing_prepared_is_left(tmp_path: Path) -> None:
    journal = Journal(tmp_path, level=MEMORY, interval_ns=3_600_000_000_000)
    journal.log.open()
    journal.log.start()
    wait_for(lambda: not journal.log.wants_segment)
    assert (tmp_path / "00000002.journal").exists()
    journal.append(written.orders(5))
    journal.log.close()
    assert journal.log.durable == 5
    assert [path.name for path in tmp_path.iterdir()] == ["00000001.journal"]
    assert journal.append(written.orders(1, 6)[:0]) == 0


def test_an_end_without_a_thread(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.log.open()
    journal.append(written.orders(5))
    journal.log.close()
    assert journal.log.durable == 5


def test_no_page_is_synced_twice_and_none_is_stored_into_after(tmp_path: Path) -> None:
    disk = Watched()
    journal = Journal(tmp_path, disk, segment_bytes=64 * PAGE)
    journal.log.open()
    journal.log.start()
    maps: dict[int, Any] = {live.mapping.address: live.mapping for live in journal.log._live}
    journal.append(written.orders(3000))
    wait_for(lambda: journal.log.durable == 3000)
    for (address, page), as_synced in disk.pages.items():
        if address in maps:
            assert bytes(memoryview(maps[address])[page : page + PAGE]) == as_synced
    journal.log.close()
    assert journal.log.failure is None


def test_who_waits_is_woken(tmp_path: Path) -> None:
    wake_fd = os.eventfd(0, os.EFD_NONBLOCK)
    waits = select.poll()  # select() cannot wait for a descriptor above 1,023
    waits.register(wake_fd, select.POLLIN)
    journal = Journal(tmp_path, interval_ns=3_600_000_000_000, wake_fd=wake_fd)
    journal.log.open()
    journal.log.start()
    try:
        for sequence in range(1, 20):
            journal.append(written.orders(1, sequence))
            while journal.log.durable < sequence:
                journal.log.ask()
                if journal.log.durable < sequence:
                    assert waits.poll(60_000)
                    os.eventfd_read(wake_fd)
    finally:
        journal.log.close()
        os.close(wake_fd)


def test_a_group_waits_for_its_window(tmp_path: Path) -> None:
    journal = Journal(tmp_path, window_ns=200_000_000)
    journal.log.open()
    journal.log.start()
    wait_for(lambda: not journal.log.wants_segment)
    for sequence in range(1, 11):
        journal.append(written.orders(1, sequence))
        journal.log.ask()
    wait_for(lambda: journal.log.durable == 10)
    assert journal.log.counts["commits"] < 10
    journal.log.close()


def test_a_new_start_goes_on_in_a_segment_of_its_own(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    first.log.open()
    first.append(written.orders(10))
    first.log.close()
    data = (tmp_path / "00000001.journal").read_bytes()
    link = int.from_bytes(data[PAGE + 10 * 72 + 4 : PAGE + 10 * 72 + 8], "little")
    (tmp_path / "00000007.journal.temporary").touch()
    disk = Watched()
    second = Journal(tmp_path, disk, position=Position(1, PAGE + 11 * 72, link, 10))
    second.log.open()
    assert disk.calls[:2] == ["unlink", "sync_file"]
    assert second.log.durable == 10
    second.append(written.orders(5, 11))
    second.log.close()
    head = (tmp_path / "00000002.journal").read_bytes()[:128]
    assert head == written.head(
        written.CONFIGURATION.to_json(),
        number=2,
        term=2,
        segment_bytes=4 * PAGE,
        boot=journal_boot(),
        journal=journal_id(tmp_path / "00000001.journal"),
        level=DURABLE,
        first_sequence=11,
        carried=link,
    )
    assert sequences(tmp_path) == list(range(1, 16))


def test_segments_too_small_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting):
        Journal(tmp_path, segment_bytes=PAGE).log.open()


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
def test_whichever_call_fails_is_the_last(tmp_path: Path, error: int) -> None:
    """Every n: nothing is called after it, nothing becomes durable after it, and the syncer reports it."""
    fail_at, most = 1, 40
    while fail_at <= most:
        folder = tmp_path / str(fail_at)
        folder.mkdir()
        disk = Watched(fail_at, error)
        journal = Journal(folder, disk, wake_fd=os.eventfd(0, os.EFD_NONBLOCK))
        try:
            journal.log.open()
        except JournalFailed as failed:
            assert failed.errno == error
        else:
            journal.log.start()
            journal.append(written.orders(400))
            wait_for(lambda: journal.log.failed or journal.log.durable == 400)  # noqa: B023
        journal.log.close()
        if len(disk.calls) < fail_at:
            break
        assert len(disk.calls) == fail_at
        assert journal.log.failed
        assert journal.log.failure is not None
        assert os.strerror(error) in journal.log.failure
        assert str(folder) in journal.log.failure
        assert os.eventfd_read(journal.log.wake_fd) >= 1  # type: ignore[arg-type]
        assert sequences(folder)[: journal.log.durable] == list(range(1, journal.log.durable + 1))
        os.close(journal.log.wake_fd)  # type: ignore[arg-type]
        fail_at += 1
    assert fail_at > 20


def test_a_mistake_of_our_own_ends_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path)
    journal.log.open()
    monkeypatch.setattr(journal.log, "_make_room", lambda: 1 / 0)
    journal.log.start()
    wait_for(lambda: journal.log.failed)
    journal.log.close()
    assert "division" in str(journal.log.failure)


def test_one_appends_another_syncs_and_a_third_looks(journal: Journal) -> None:
    """Through many small segments: whatever is called durable is in the files."""
    count = 5000
    looked: list[int] = []

    def look() -> None:
        while not looked or looked[-1] < count:
            durable = journal.log.durable
            assert durable <= journal.log.last
            assert durable >= (looked[-1] if looked else 0)
            looked.append(durable)
            time.sleep(0.0005)

    looker = threading.Thread(target=look)
    looker.start()
    assert journal.append(written.orders(count)) == count
    looker.join()
    assert sequences(journal.directory.path) == list(range(1, count + 1))


def test_a_replicated_command_may_be_answered_when_it_is_on_the_disk_and_in_the_stream(tmp_path: Path) -> None:
    wake_fd = os.eventfd(0, os.EFD_NONBLOCK)
    journal = Journal(tmp_path, level=REPLICATED, term=7, wake_fd=wake_fd)
    log = journal.log
    log.open()
    log.start()
    assert (log.term, log.released) == (7, 0)
    journal.append(written.orders(10))
    wait_for(lambda: log.durable == 10)
    assert log.released == 0
    log.ask()
    log.replicate(4)
    assert (log.released, os.eventfd_read(wake_fd)) == (4, 1)
    log.replicate(10)  # no thread waits for it
    with pytest.raises(BlockingIOError):
        os.eventfd_read(wake_fd)
    assert log.released == 10
    log.close()
    assert log.failure is None
    os.close(wake_fd)


def test_the_stream_may_be_ahead_of_the_disk(tmp_path: Path) -> None:
    wake_fd = os.eventfd(0, os.EFD_NONBLOCK)
    journal = Journal(tmp_path, level=REPLICATED, wake_fd=wake_fd)
    journal.log.open()
    journal.append(written.orders(3))
    journal.log.ask()
    journal.log.replicate(3)
    assert journal.log.released == 0
    journal.log.start()
    wait_for(lambda: journal.log.released == 3)
    awaited = select.poll()  # select() takes no descriptor above 1,023
    awaited.register(wake_fd, select.POLLIN)
    assert awaited.poll(60_000)
    journal.log.close()
    os.close(wake_fd)


def test_a_replicator_sleeps_until_a_thread_waits(tmp_path: Path) -> None:
    wake_fd = os.eventfd(0, os.EFD_NONBLOCK)
    journal = Journal(tmp_path, level=REPLICATED)
    journal.log.open()
    assert journal.log.sleep_replicator(wake_fd)
    journal.append(written.orders(1))
    journal.log.ask()
    journal.log.ask()
    assert os.eventfd_read(wake_fd) == 1
    assert not journal.log.sleep_replicator(wake_fd)
    journal.log.close()
    os.close(wake_fd)


def test_a_log_that_this_process_may_not_write_any_more(tmp_path: Path) -> None:
    wake_fd = os.eventfd(0, os.EFD_NONBLOCK)
    journal = Journal(tmp_path, level=REPLICATED, wake_fd=wake_fd)
    journal.log.open()
    journal.append(written.orders(3))
    journal.log.refuse("a different node leads")
    assert (journal.log.failed, journal.log.failure, os.eventfd_read(wake_fd)) == (True, "a different node leads", 1)
    assert journal.log.append_records(written.orders(1, 4)) == 0
    journal.log.close()
    os.close(wake_fd)
