"""The journal of a server: recovery at the start, then the writer, the syncer and the follower."""

from __future__ import annotations

import threading

from ...log.commit_log import FileLog
from ...log.directory import Directory
from ...log.reader import start_of
from ...log.snapshot import restore
from ...native.disk import Disk
from ...wire.types import AcknowledgementLevel
from ..settings.config import GatewayConfig
from ..settings.errors import CannotStart
from ..settings.room import room_for
from ..settings.server_log import Log
from ..state.machine import Machine
from .follower import Follower
from .restart import recover
from .standby import Standby


class JournalService:
    """Locks the directory ``settings.journal``, recovers ``state`` from it, and writes to it until ``close``.

    ``wake_fd``: an eventfd that the syncer writes to after each sync. Raises
    CannotStart and JournalError.
    """

    def __init__(
        self, settings: GatewayConfig, wake_fd: int, log: Log, disk: Disk | None = None
    ) -> None:
        assert settings.journal is not None
        self.level = AcknowledgementLevel[settings.acknowledge.name]
        self.directory = Directory(settings.journal, disk)
        self._settings = settings
        self._log = log
        self._threads: list[threading.Thread] = []
        try:
            with room_for("order_capacity", "segment_bytes"):
                self._begin(wake_fd)
        except OSError as error:
            self.directory.unlock()
            raise CannotStart(f"journal: {settings.journal}: {error}") from error
        except BaseException:
            self.directory.unlock()
            raise

    def _begin(self, wake_fd: int) -> None:
        """Lock the directory, recover the state, and create writer, syncer and follower."""
        settings = self._settings
        self.directory.lock()
        self.directory.remove_temporary()
        recovered = recover(settings, self.directory, self._log)
        self.state = recovered.state
        self.first = recovered.sequence  #: sequence number of the last recovered command
        self.log = FileLog(
            self.directory,
            self.state.configuration,
            position=recovered.position,
            level=self.level,
            epoch=self.state.store.epoch,
            segment_bytes=settings.segment_bytes,
            window_ns=settings.commit_window_us * 1000,
            interval_ns=settings.sync_interval_ms * 1_000_000,
            wake_fd=wake_fd,
        )
        self.writer, self.syncer = self.log.writer, self.log.syncer
        self.follower = self._follow(recovered.snapshot)

    def _follow(self, newest: int) -> Follower:
        """Create the follower with a copy of the state, positioned at the beginning of the new segment."""
        settings = self._settings
        position = start_of(self.directory, self.directory.segments()[-1])
        kept = {"stream_reports": settings.snapshot_stream_reports, "feed_reports": settings.snapshot_feed_reports}
        snapshot = self.state.snapshot(position, **kept)
        configuration = self.state.configuration
        state = Machine(
            configuration,
            stream_reports=settings.snapshot_stream_reports,
            feed_reports=settings.snapshot_feed_reports,
            engine=restore(snapshot, configuration),
        )
        state.load(snapshot)
        return Follower(
            Standby(state, self.directory, position), self.directory, settings, self.writer.synced, newest, self._log,
            self.syncer.lose,
        )  # fmt: skip

    # ------------------------------------------------------------------ while it serves

    def start(self) -> None:
        """Start the threads of the syncer and the follower. They inherit the processors of the calling thread."""
        self.syncer.start()
        thread = threading.Thread(target=self.follower.run, name="pricetime-follower", daemon=True)
        thread.start()
        self._threads.append(thread)

    @property
    def failure(self) -> str | None:
        """Why the journal has failed; None if it has not."""
        return self.syncer.failure

    def extent(self) -> tuple[int, int, int]:
        """How far followers may copy: the last sequence number, and the segment and byte where it ends."""
        if self.level is AcknowledgementLevel.DURABLE:
            return self.syncer.synced_place
        sequence, number, offset = self.writer.progress()
        return sequence, number, offset

    def stats(self) -> dict[str, int]:
        """Counters since the start, by name."""
        counts = self.syncer.counts
        _, segment, offset = self.writer.progress()
        return {
            "journal_sequence": self.writer.appended,
            "journal_synced": self.writer.synced(),
            "journal_segment": segment,
            "journal_offset": offset,
            "journal_commits": counts.commits,
            "journal_synced_bytes": counts.n_bytes,
            "journal_sync_ns": counts.total_ns,
            "journal_sync_last_ns": counts.last_ns,
            "journal_sync_longest_ns": counts.longest_ns,
            "follower_sequence": self.follower.standby.position.sequence,
            "snapshot_sequence": self.follower.newest,
        }

    # ------------------------------------------------------------------ the end

    def finish(self, *, whole: bool) -> None:
        """Sync everything, after the threads that carry orders have ended.

        ``whole``: all commands were answered, so also write a snapshot of the final state.
        """
        self._end_following()
        self.syncer.end()
        if whole and self.failure is None and self.follower.failure is None:
            self._keep_last()

    def _end_following(self) -> None:
        self.follower.end()
        for thread in self._threads:
            thread.join()
        self._threads = []

    def _keep_last(self) -> None:
        """Write a snapshot of the engine, so that the next start replays nothing."""
        settings, reader = self._settings, self.follower.standby.reader
        if not (settings.snapshot_every or settings.snapshot_interval_s):
            return
        while not reader.read().at_end:
            pass
        if reader.position.sequence > self.follower.newest:
            self.follower.keep(
                self.state.snapshot(
                    reader.position,
                    stream_reports=settings.snapshot_stream_reports,
                    feed_reports=settings.snapshot_feed_reports,
                )
            )

    def close(self) -> None:
        """Sync, end the threads and unlock the directory."""
        self._end_following()
        self.syncer.end()
        self.directory.unlock()
