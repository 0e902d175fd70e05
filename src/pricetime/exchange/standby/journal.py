"""The journal of a server: recovers the machine from its files, and appends to them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

from ...core.engine import Engine
from ...log.batch import Position, Whole
from ...log.configuration import Configuration
from ...log.directory import Directory
from ...log.errors import SnapshotDamaged
from ...log.file_log import FileLog
from ...log.reader import LIMIT, Reader
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


#: The machine, the position after the last command (None for a new journal), and ``Journal.snapshot`` and ``whole``.
Recovered: TypeAlias = tuple[Machine, Position | None, int, Whole]


class Journal:
    """Locks the directory ``settings.journal``, recovers ``machine`` from it, and opens ``log``, until ``close``.

    ``wake_fd``: an eventfd that is written when an awaited command is durable. ``disk``: replaces the file system, for
    tests. Raises CannotStart and JournalError.
    """

    def __init__(self, settings: GatewayConfig, wake_fd: int, log: Log, disk: Disk | None = None) -> None:
        assert settings.journal is not None
        self.directory = Directory(settings.journal, disk)
        try:
            with room_for("order_capacity", "segment_bytes"):
                self.directory.lock()
                #: ``snapshot``: last command of the newest good one at the start; 0 without one. ``whole``: has the
                #: last orders, not in the machine, if they wait for an extension
                self.machine, position, self.snapshot, self.whole = recover(settings, self.directory, log)
                self.log = FileLog(
                    self.directory,
                    self.machine.configuration,
                    position=position,
                    level=AcknowledgementLevel[settings.acknowledge.name],
                    epoch=self.machine.epoch,
                    segment_bytes=settings.segment_bytes,
                    window_ns=settings.commit_window_us * 1000,
                    interval_ns=settings.sync_interval_ms * 1_000_000,
                    wake_fd=wake_fd,
                )
                self.log.open()
        except OSError as error:
            self.directory.unlock()
            raise CannotStart(f"journal: {settings.journal}: {error}") from error
        except BaseException:
            self.directory.unlock()
            raise

    def extent(self) -> tuple[int, int, int]:
        """How far copies may go: the last sequence number, and the segment and byte where it ends."""
        if self.log.level == AcknowledgementLevel.DURABLE:
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
        self.log.close()
        self.directory.unlock()


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
    """Recover the machine from a locked journal, cut an incomplete end, and apply the settings.

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
    # reports of commands that were lost may have been published, so subscribers must start again: a new epoch
    if tail.lost or (reader.head.boot != boot_id() and reader.head.level != AcknowledgementLevel.DURABLE):
        machine.begin_epoch(time.time_ns())
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
    for change in reconfigure(machine, settings):
        log.warning("configuration changed", change=change)
    return machine, replayer.position, started_at, replayer.whole


def _begin(settings: GatewayConfig, directory: Directory) -> Recovered:
    """The machine of a new journal. Raises CannotStart if the directory holds snapshots."""
    if directory.snapshots():
        raise CannotStart(
            f"journal: {directory.path} has snapshots but no segments: restore the files that end in .journal, or give "
            f"a different directory"
        )
    machine = make_machine(settings, settings.configuration())
    machine.begin_epoch(time.time_ns())
    return machine, None, 0, Whole()


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
