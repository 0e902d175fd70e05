"""A second engine that replays the journal while it grows, and writes the snapshots, so that the first need not stop.

The follower compares its engine with every checkpoint in the journal. A difference would be a defect of the exchange;
it is found at once instead of at the next start.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

from ...log.directory import Directory
from ...log.snapshot import SnapshotFile, keep_two, write
from ..settings.config import GatewayConfig
from ..settings.server_log import Log
from .standby import Standby

#: Wait when the follower is up to date, in seconds.
IDLE_WAIT_S = 0.02

#: Maximum number of commands applied between two checks for the end.
STEP = 1 << 14

#: Niceness of the thread. Other threads run first, but if all processors are busy it still gets a fifth of one, which
#: is enough to keep up.
NICENESS = 5


class Follower:
    """Replays and takes snapshots in ``run``, which needs its own thread.

    ``synced``: returns the last command that is on the disk. ``newest``: the last command in the newest snapshot.
    ``on_lost``: called first if the files of the journal cannot be read.
    """

    def __init__(
        self,
        standby: Standby,
        directory: Directory,
        settings: GatewayConfig,
        synced: Callable[[], int],
        newest: int,
        log: Log,
        on_lost: Callable[[OSError], object] = lambda _: None,
    ) -> None:
        self.standby = standby
        self.failure: str | None = None
        self.newest = newest
        self._directory = directory
        self._settings = settings
        self._synced = synced
        self._log = log
        self._on_lost = on_lost
        self._ended = False
        self._wanted = (0, 0)  #: number of the newest request for a snapshot, and the last command before it
        self._answered = 0  #: number of the last request that was answered
        self._waiting: SnapshotFile | None = None  #: taken, but its last command is not on the disk yet
        self._taken_s = time.monotonic()

    # ------------------------------------------------------------------ from outside

    def want_snapshot(self, sequence: int) -> None:
        """Take a snapshot that has this command, whatever the settings say."""
        self._wanted = (self._wanted[0] + 1, sequence)

    def end(self) -> None:
        """Make ``run`` return."""
        self._ended = True

    # ------------------------------------------------------------------ the thread

    def run(self) -> None:
        """Follow until ``end``, or until an error, which ``failure`` then describes."""
        try:
            self._lower_priority()
            while not self._ended:
                if not self.iterate():
                    time.sleep(IDLE_WAIT_S)
        except Exception as error:
            if isinstance(error, OSError):
                self._on_lost(error)
            self.failure = f"journal follower: {error}"

    @staticmethod
    def _lower_priority() -> None:
        """Raise the niceness of this thread. A server started with `nice` may have a higher one, which stays."""
        thread = threading.get_native_id()
        if os.getpriority(os.PRIO_PROCESS, thread) < NICENESS:
            os.setpriority(os.PRIO_PROCESS, thread, NICENESS)

    def iterate(self) -> bool:
        """Apply new commands, and take a snapshot if one is due. False if there was nothing new.

        Raises the errors of ``Standby.step``.
        """
        progressed = self.standby.step(STEP)
        if self._waiting is None and self._is_due():
            self._waiting = self.standby.snapshot(
                stream_reports=self._settings.snapshot_stream_reports,
                feed_reports=self._settings.snapshot_feed_reports,
            )
            self._taken_s = time.monotonic()
        if self._waiting is not None and self._synced() >= self._waiting.sequence:
            snapshot, self._waiting = self._waiting, None
            self.keep(snapshot)
        return progressed

    def _is_due(self) -> bool:
        last = self.standby.position.sequence
        behind = last - self.newest
        number, wanted = self._wanted
        if number != self._answered and last >= wanted:  # else its commands are applied first
            self._answered = number
            if self.newest < wanted:
                return True
            self._log.info("snapshot", sequence=self.newest, meaning="already written: no command since")
        every, interval_s = self._settings.snapshot_every, self._settings.snapshot_interval_s
        if behind <= 0:
            return False
        if every and behind >= every:
            return True
        return bool(interval_s) and time.monotonic() - self._taken_s >= interval_s

    def keep(self, snapshot: SnapshotFile) -> None:
        """Write a snapshot and remove files that are no longer needed.

        An error is only logged, because the journal is complete without the snapshot.
        """
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
