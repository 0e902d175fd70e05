"""The journal of a server: recovers the machine from its files, and appends to them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ...core.engine import Engine
from ...log.batch import Position, Whole
from ...log.configuration import Configuration
from ...log.directory import Directory
from ...log.errors import SnapshotDamaged
from ...log.file_log import FileLog
from ...log.reader import LIMIT, Reader, position_after
from ...log.replayer import Replayer
from ...log.segment import boot_id
from ...log.snapshot import restored
from ...log.tail import cut, judge
from ...native.disk import Disk
from ...wire.types import AcknowledgementLevel
from ..settings.config import GatewayConfig
from ..settings.errors import CannotStart
from ..settings.room import room_for
from ..settings.server_log import Log
from ..state.machine import Machine
from .reconfigure import reconfigure

#: What the log counts.
COUNTS = ("commits", "synced_bytes", "sync_ns", "sync_last_ns", "sync_longest_ns")

#: Interval of log events about the progress of a replay, in seconds.
PROGRESS_S = 2.0


class Recovered(NamedTuple):
    """What a journal says."""

    machine: Machine  #: after its last command
    position: Position | None  #: after that command; None for a new journal
    snapshot: int  #: last command of the newest good snapshot; 0 without one
    whole: Whole  #: has the last orders, not in the machine, if they wait for an extension
    loses: bool  #: whether reports of commands that it does not have may have been published


class Journal:
    """Locks the directory ``settings.journal`` and recovers ``machine`` from it. ``open`` then opens ``log``.

    ``disk``: replaces the file system, for tests. Raises CannotStart and JournalError. ``close`` ends all.
    """

    log: FileLog

    def __init__(self, settings: GatewayConfig, events: Log, disk: Disk | None = None) -> None:
        assert settings.journal is not None
        self.directory = Directory(settings.journal, disk)
        self._settings, self._events = settings, events
        with self._starting():
            self.directory.lock()
            self.machine, self._position, self.snapshot, self.whole, self._loses = recover(
                settings, self.directory, events
            )

    @contextmanager
    def _starting(self) -> Iterator[None]:
        """Unlock the directory after an error, which names the setting to change if there is one."""
        try:
            with room_for("order_capacity", "segment_bytes"):
                yield
        except OSError as error:
            self.directory.unlock()
            raise CannotStart(f"journal: {self.directory.path}: {error}") from error
        except BaseException:
            self.directory.unlock()
            raise

    def settle(self) -> None:
        """Begin an epoch of the feed if subscribers may know more than the journal, and apply the settings.

        Raises CannotStart.
        """
        with self._starting():
            if self._loses:
                self.machine.begin_epoch(time.time_ns())
            self.reconfigure()

    def reconfigure(self) -> None:
        """Apply the settings where they differ from the configuration in the journal. Raises CannotStart."""
        for change in reconfigure(self.machine, self._settings):
            self._events.warning("configuration changed", change=change)

    def open(self, level: int, *, wake_fd: int | None = None, term: int = 0) -> None:
        """Open the log after its last command, in a new segment. See ``FileLog``. Raises CannotStart, JournalError."""
        settings = self._settings
        with self._starting():
            self.log = FileLog(
                self.directory,
                self.machine.configuration,
                position=self._position,
                level=level,
                term=term,
                epoch=self.machine.epoch,
                segment_bytes=settings.segment_bytes,
                window_ns=settings.commit_window_us * 1000,
                interval_ns=settings.sync_interval_ms * 1_000_000,
                wake_fd=wake_fd,
            )
            self.log.open()

    def close_log(self) -> None:
        """Sync and close the log. ``open`` then continues after its last command."""
        self.log.close()
        self._position = position_after(self.directory, self.log.last)

    def extent(self) -> tuple[int, int, int]:
        """How far copies may go: the last sequence number, and the segment and byte where it ends."""
        if self.log.level >= AcknowledgementLevel.DURABLE:
            return self.log.synced_place
        return self.log.progress()

    def stats(self) -> dict[str, int]:
        """Counters since the start, by name."""
        _, segment, offset = self.log.progress()
        return {
            "journal_synced": self.log.durable,
            "journal_segment": segment,
            "journal_offset": offset,
            **{f"journal_{name}": self.log.counts[name] for name in COUNTS},
        }

    def close(self) -> None:
        """Sync everything and unlock the directory. The threads that carry orders must have ended."""
        if hasattr(self, "log"):
            self.log.close()
        self.directory.unlock()


def alone(settings: GatewayConfig, wake_fd: int, events: Log, disk: Disk | None = None) -> Journal:
    """Return the open journal of a server that writes it alone: see ``Journal``.

    ``wake_fd``: an eventfd that is written when an awaited command is durable.
    """
    journal = Journal(settings, events, disk)
    journal.settle()
    journal.open(AcknowledgementLevel[settings.acknowledge.name], wake_fd=wake_fd)
    return journal


def make_machine(settings: GatewayConfig, configuration: Configuration, engine: Engine | None = None) -> Machine:
    """Return a machine with the room that the settings ask for; ``engine``: with these books. Raises NoRoom."""
    with room_for("order_capacity", "level_capacity", "feed_store_reports", "stream_reports", "ring_capacity"):
        return Machine(
            configuration,
            stream_reports=settings.stream_reports,
            feed_reports=settings.feed_store_reports,
            waiting=settings.ring_capacity,
            engine=engine,
            traced=settings.journal is not None,
        )


def recover(settings: GatewayConfig, directory: Directory, log: Log) -> Recovered:
    """Recover the machine from a locked journal, and cut an incomplete end.

    Raises CannotStart, OSError, and JournalError if the journal is damaged.
    """
    numbers = directory.segments()
    if not numbers:
        return _begin(settings, directory)
    began = time.monotonic()
    replayer = _begin_replay(settings, directory, lambda error: log.warning("snapshot skipped", error=str(error)))
    started_at = replayer.sequence
    _replay(replayer, log)
    machine, reader = replayer.machine, replayer.reader
    assert isinstance(reader, Reader)
    tail = judge(reader)
    kept = cut(directory, tail)
    # reports of commands that were lost may have been published: then subscribers must start again, in a new epoch
    loses = tail.lost or (reader.head.boot != boot_id() and reader.head.level < AcknowledgementLevel.DURABLE)
    log.info(
        "recovered",
        journal=str(directory.path),
        snapshot=started_at or None,
        replayed=replayer.sequence - started_at,
        sequence=replayer.sequence,
        term=reader.head.term,
        checkpoints=replayer.checkpoints,
        orders=len(machine.engine),
        sessions=len(machine.streams.dump(0)[0]),
        digest=f"{machine.digest():016x}",
        cut_bytes=tail.cut_bytes,
        cut_saved_in=[path.name for path in kept],
        seconds=round(time.monotonic() - began, 3),
    )
    return Recovered(machine, replayer.position, started_at, replayer.whole, loses)


def _begin(settings: GatewayConfig, directory: Directory) -> Recovered:
    """The machine of a new journal. Raises CannotStart if the directory holds snapshots."""
    if directory.snapshots():
        raise CannotStart(
            f"journal: {directory.path} has snapshots but no segments: restore the files that end in .journal, or give "
            f"a different directory"
        )
    return Recovered(make_machine(settings, settings.configuration()), None, 0, Whole(), loses=True)


def _begin_replay(
    settings: GatewayConfig, directory: Directory, told: Callable[[SnapshotDamaged], object]
) -> Replayer[Machine]:
    """Begin at the newest good snapshot, or at the first command without one. Raises CannotStart."""
    for start in restored(directory, told):
        machine = make_machine(settings, start.configuration, start.engine)
        machine.load(start.snapshot)
        return Replayer(machine, Reader(directory, start.snapshot.position))
    first = directory.segments()[0]
    if first != 1:
        raise CannotStart(
            f"journal: {directory.path} begins with segment {first}, and there is no usable snapshot of the commands "
            f"before it: inspect it with pricetime journal inspect {directory.path}"
        )
    reader = Reader(directory)
    return Replayer(make_machine(settings, reader.configuration), reader)


def _replay(replayer: Replayer[Machine], log: Log) -> None:
    """Replay the whole journal. A long replay logs its progress."""
    first = replayer.sequence
    began = logged_at = time.monotonic()
    while replayer.step(LIMIT):
        now = time.monotonic()
        if now - logged_at >= PROGRESS_S:
            logged_at = now
            done = replayer.sequence - first
            log.info("recovering", replayed=done, sequence=first + done, per_second=round(done / (now - began)))
