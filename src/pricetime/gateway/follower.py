"""Behind the engine: the journal is replayed as it grows, so that snapshots cost the engine nothing.

What the second engine comes to is held against every checkpoint of the first: a difference would be a fault of the
exchange, and is found where it arises and not at the next start.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from ..journal.directory import Directory
from ..journal.snapshot import SnapshotFile, keep_two, write
from .config import GatewayConfig
from .log import Log
from .standby import Standby

#: How long it rests when it has everything.
NAP_S = 0.02

#: Commands between two looks at whether to end.
STEP = 1 << 14

#: How nice it is: others come first, but where all processors are busy it still gets a fifth of one and keeps up.
NICE = 5


class Follower:
    """``run`` is for a thread of its own. ``synced``: the last command that is on the disk; ``newest``: the last that
    is in a snapshot already; ``lost`` is told first when the files of the journal cannot be read."""

    def __init__(
        self,
        standby: Standby,
        directory: Directory,
        settings: GatewayConfig,
        synced: Callable[[], int],
        newest: int,
        log: Log,
        lost: Callable[[OSError], object] = lambda _: None,
    ) -> None:
        self.standby = standby
        self.failure: str | None = None
        self.newest = newest
        self._directory = directory
        self._settings = settings
        self._synced = synced
        self._log = log
        self._lost = lost
        self._wanted = self._ended = False
        self._waiting: SnapshotFile | None = None  #: taken, and ahead of what is on the disk
        self._taken_s = time.monotonic()

    # ------------------------------------------------------------------ from outside

    def want_snapshot(self) -> None:
        """Take one now, whatever the settings say."""
        self._wanted = True

    def end(self) -> None:
        """Let ``run`` return."""
        self._ended = True

    # ------------------------------------------------------------------ the thread

    def run(self) -> None:
        """Follow until ``end``, or until it cannot: then ``failure`` says why."""
        try:
            self._be_nice()
            while not self._ended:
                if not self.turn():
                    time.sleep(NAP_S)
        except Exception as error:
            if isinstance(error, OSError):
                self._lost(error)
            self.failure = f"behind the journal: {error}"

    @staticmethod
    def _be_nice() -> None:
        """A server that was started with `nice` may be nicer already, and may not go back."""
        thread = threading.get_native_id()
        if os.getpriority(os.PRIO_PROCESS, thread) < NICE:
            os.setpriority(os.PRIO_PROCESS, thread, NICE)

    def turn(self) -> bool:
        """Apply what came, a snapshot when it is due: False when nothing came. Raises as ``Standby.step``."""
        came = self.standby.step(STEP)
        if self._waiting is None and self._is_due():
            self._waiting = self.standby.snapshot(
                stream_reports=self._settings.snapshot_stream_reports,
                feed_reports=self._settings.snapshot_feed_reports,
            )
            self._wanted = False
            self._taken_s = time.monotonic()
        if self._waiting is not None and self._synced() >= self._waiting.sequence:
            snapshot, self._waiting = self._waiting, None
            self.keep(snapshot)
        return came

    def _is_due(self) -> bool:
        behind = self.standby.position.sequence - self.newest
        every, interval_s = self._settings.snapshot_every, self._settings.snapshot_interval_s
        if behind <= 0:
            if self._wanted:
                self._log.info("snapshot", sequence=self.newest, meaning="no command came since this one")
            self._wanted = False
            return False
        if self._wanted or (every and behind >= every):
            return True
        return bool(interval_s) and time.monotonic() - self._taken_s >= interval_s

    def keep(self, snapshot: SnapshotFile) -> None:
        """Write a snapshot, and remove what is not needed any more. What fails is logged: the journal is whole."""
        began = time.monotonic()
        self.newest = snapshot.sequence
        try:
            path = write(self._directory.disk, self._directory.path, snapshot)
            removed = keep_two(self._directory, keep_segments=self._settings.keep_segments)
        except OSError as error:
            self._log.error("snapshot failed", sequence=snapshot.sequence, error=str(error))
            return
        self._log.info(
            "snapshot",
            sequence=snapshot.sequence,
            file=path.name,
            commands=len(snapshot.commands),
            streams=len(snapshot.owners),
            removed=[old.name for old in removed],
            seconds=round(time.monotonic() - began, 3),
        )
