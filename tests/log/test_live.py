"""Segments of a fast engine: synced by whole chunks, left when it becomes slow; and none is stored into where zeros may
still be written."""

from pathlib import Path

import numpy as np
import pytest

from pricetime.log.directory import Directory
from pricetime.types import COMMAND

from . import written
from .test_syncer import DURABLE, MEMORY, Journal, Watched, wait_for

pytestmark = pytest.mark.compiled

CHUNK, MIB = 256 << 10, 1 << 20


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every engine is taken for a fast one."""
    from pricetime.log.syncer import Syncer

    monkeypatch.setattr(Syncer, "_is_fast", lambda _: True)


def read_back(folder: Path) -> np.ndarray:
    """Every command that a reader finds."""
    from pricetime.log.reader import Reader

    reader, found = Reader(Directory(folder)), [np.empty(0, COMMAND)]
    while not (batch := reader.read()).at_end:
        found.append(batch.commands)
    return np.concatenate([*found, batch.commands])


@pytest.mark.parametrize("level", [MEMORY, DURABLE])
def test_an_engine_that_is_ahead_of_the_syncer_waits_and_loses_nothing(tmp_path: Path, fast: None, level: int) -> None:
    journal = Journal(tmp_path, level=level, segment_bytes=64 * MIB)
    journal.syncer.open()
    commands = written.orders(400_000)
    done = 0
    while put := journal.writer.append_records(commands[done : done + 10_000]):
        done += put
    (live,) = journal.syncer._live
    _, _, offset = journal.writer.progress()
    assert live.populated - 4096 <= offset <= live.populated < live.n_bytes
    journal.syncer.start()
    assert journal.append(commands[done:]) == len(commands) - done
    journal.syncer.end()
    assert journal.syncer.failure is None
    assert np.array_equal(read_back(tmp_path), commands)


def test_a_fast_engine_is_synced_by_whole_chunks_and_no_page_twice(tmp_path: Path, fast: None) -> None:
    disk = Watched()
    journal = Journal(tmp_path, disk, level=MEMORY, segment_bytes=4 * MIB, interval_ns=1_000_000)
    journal.syncer.open()
    commands = written.orders(200_000)
    journal.syncer.start()
    assert journal.append(commands) == len(commands)
    wait_for(lambda: journal.writer.synced() == len(commands) or journal.writer.failed())
    journal.syncer.end()
    assert journal.syncer.failure is None
    assert np.array_equal(read_back(tmp_path), commands)


def test_while_the_engine_is_fast_it_turns_no_page(tmp_path: Path, fast: None) -> None:
    journal = Journal(tmp_path, level=MEMORY, segment_bytes=4 * MIB, interval_ns=0)
    syncer, writer = journal.syncer, journal.writer
    syncer.open()
    commands = written.orders(4 * CHUNK // 72 + 1)
    part = len(commands) // 4 + 1
    for first in range(0, len(commands), part):
        journal.append(commands[first : first + part])
        syncer._commit()
        _, number, offset = writer.progress()
        assert number == 1
        assert (offset - 4096) % 72 == 0  # records, and checkpoints, lie side by side
        assert syncer._live[0].synced == offset // CHUNK * CHUNK
    assert 0 < writer.synced() < len(commands)
    syncer.end()
    assert writer.synced() == len(commands)
    assert np.array_equal(read_back(tmp_path), commands)


def test_an_engine_that_becomes_slow_leaves_the_segment(tmp_path: Path, fast: None) -> None:
    journal = Journal(tmp_path, Watched(), level=MEMORY, segment_bytes=4 * MIB, interval_ns=1_000_000)
    journal.syncer.open()
    journal.syncer.start()
    commands = written.orders(30)
    for first in (0, 10, 20):
        assert journal.append(commands[first : first + 10]) == 10
        wait_for(lambda upto=first + 10: journal.writer.synced() == upto or journal.writer.failed())  # type: ignore[misc]
    _, number, _ = journal.writer.progress()
    assert number == 3
    journal.syncer.end()
    assert journal.syncer.failure is None
    assert np.array_equal(read_back(tmp_path), commands)


def test_who_fills_two_chunks_between_two_syncs_is_fast(tmp_path: Path) -> None:
    syncer = Journal(tmp_path, level=MEMORY, interval_ns=10_000_000).syncer
    assert not syncer._is_fast()
    for taken_ns, fast in ((99_000_000, True), (100_000_000, True), (101_000_000, False)):
        syncer._filled, syncer._filled_ns = 20 * CHUNK, taken_ns
        assert syncer._is_fast() is fast


def test_segments_become_chunked_where_the_engine_is_and_never_where_clients_wait_for_the_disk(tmp_path: Path) -> None:
    for level, expected in ((MEMORY, True), (DURABLE, False)):
        folder = tmp_path / str(level)
        folder.mkdir()
        journal = Journal(folder, level=level, segment_bytes=MIB, interval_ns=1_000_000_000)
        journal.syncer.open()
        assert not journal.syncer._live[0].chunked
        journal.syncer._filled, journal.syncer._filled_ns = MIB, 1_000_000
        while journal.syncer._ready is None:
            journal.syncer._step()
        assert journal.syncer._ready.chunked is expected
        journal.syncer.end()
