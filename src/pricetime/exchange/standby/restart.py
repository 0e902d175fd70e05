"""Recovers the state of an exchange from the files of its journal."""

from __future__ import annotations

import time
from typing import NamedTuple

from ...core.engine import Engine
from ...log.configuration import Configuration
from ...log.directory import Directory
from ...log.errors import SnapshotDamaged
from ...log.position import Position
from ...log.reader import Reader
from ...log.segment import boot_id
from ...log.snapshot import Restored, newest_good
from ...log.tail import cut, judge
from ...wire.types import AcknowledgementLevel
from ..settings.config import GatewayConfig
from ..settings.errors import CannotStart
from ..settings.server_log import Log
from ..settings.room import room_for
from ..state.machine import Machine
from .reconfigure import reconfigure
from .standby import Standby

#: Interval of log events about the progress of a replay, in seconds.
PROGRESS_S = 2.0


class Recovered(NamedTuple):
    """The state that was recovered from a journal."""

    state: Machine
    position: Position | None  #: position after the last command; None for a new journal
    snapshot: int  #: last command of the newest good snapshot; 0 without one

    @property
    def sequence(self) -> int:
        """Sequence number of the last command; 0 for a new journal."""
        return 0 if self.position is None else self.position.sequence


def make_machine(settings: GatewayConfig, configuration: Configuration, engine: Engine | None = None) -> Machine:
    """A machine with room as the settings say; ``engine``: its books, default: empty ones. Raises NoRoom."""
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
    """Recover the state from a locked journal, cut an incomplete end, and apply the settings.

    Raises CannotStart, OSError, and JournalError if the journal is damaged.
    """
    numbers = directory.segments()
    if not numbers:
        return _begin(settings, directory)
    began = time.monotonic()
    restored = newest_good(directory, lambda error: _log_damaged(log, error))
    if restored is None and numbers[0] != 1:
        raise CannotStart(
            f"journal: {directory.path} begins with segment {numbers[0]}, and there is no usable snapshot of the "
            f"commands before it: inspect it with pricetime journal inspect {directory.path}"
        )
    standby = _make_standby(settings, directory, restored)
    started_at = standby.position.sequence
    _replay(standby, log)
    reader = standby.reader
    tail = judge(reader)
    boot, level = reader.boot, reader.level
    kept = cut(directory, tail)
    state, sequence = standby.state, standby.position.sequence
    # reports of commands that were lost may have been published, so subscribers must start again: a new epoch
    if tail.lost or (boot != boot_id() and level != AcknowledgementLevel.DURABLE):
        state.begin_epoch(time.time_ns())
    log.info(
        "recovered",
        journal=str(directory.path),
        snapshot=started_at if restored else None,
        replayed=sequence - started_at,
        sequence=sequence,
        checkpoints=standby.checkpoints,
        orders=len(state.engine),
        sessions=len(state.streams.next_sequences()),
        digest=f"{state.digest():016x}",
        cut_bytes=tail.cut_bytes,
        cut_saved_in=[path.name for path in kept],
        seconds=round(time.monotonic() - began, 3),
    )
    for change in reconfigure(state, settings):
        log.warning("configuration changed", change=change)
    return Recovered(state, standby.position, started_at if restored else 0)


def _begin(settings: GatewayConfig, directory: Directory) -> Recovered:
    """The state of a new journal. Raises CannotStart if the directory holds snapshots."""
    if directory.snapshots():
        raise CannotStart(
            f"journal: {directory.path} has snapshots but no segments: restore the files that end in .journal, or give "
            f"a different directory"
        )
    state = make_machine(settings, settings.configuration())
    state.begin_epoch(time.time_ns())
    return Recovered(state, None, 0)


def _log_damaged(log: Log, error: SnapshotDamaged) -> None:
    log.warning("snapshot skipped", error=str(error))


def _make_standby(settings: GatewayConfig, directory: Directory, restored: Restored | None) -> Standby:
    """A standby that replays from the snapshot, or from the first command without one."""
    if restored is None:
        return Standby(make_machine(settings, Reader(directory).configuration), directory)
    state = make_machine(settings, restored.configuration, restored.engine)
    state.load(restored.snapshot)
    return Standby(state, directory, restored.snapshot.position)


def _replay(standby: Standby, log: Log) -> None:
    """Replay the whole journal. A long replay logs its progress."""
    first = standby.position.sequence
    began = logged_at = time.monotonic()
    while standby.step():
        now = time.monotonic()
        if now - logged_at >= PROGRESS_S:
            logged_at = now
            done = standby.position.sequence - first
            log.info("recovering", replayed=done, sequence=first + done, per_second=round(done / (now - began)))
