"""Keeps a state up to date by replaying a journal: used for recovery, and by the follower thread."""

from __future__ import annotations

import numpy as np

from ...log.batch import Batch
from ...log.directory import Directory
from ...log.errors import ReplayDiffers
from ...log.position import Position
from ...log.reader import LIMIT, Reader
from ...log.snapshot import SnapshotFile
from ..state.machine import Machine
from ..state.playback import MARK


class Standby:
    """Replays a journal into ``state``, which must be the state at ``position`` (default: the beginning).

    It only reads the directory; a server may write to the journal at the same time. Raises JournalDamaged and OSError.
    """

    def __init__(self, state: Machine, directory: Directory, position: Position | None = None) -> None:
        self.state = state
        self.reader = Reader(directory, position)
        self.synced = 0  #: last command on the disk, according to the last checkpoint
        self.checkpoints = 0  #: checkpoints compared with the engine so far
        self._configuration = self.reader.configuration
        self._agreed = self.position.sequence

    @property
    def position(self) -> Position:
        """Position after the last command in the state."""
        return self.reader.position

    def step(self, limit: int = LIMIT) -> bool:
        """Apply the next commands, at most ``limit``. False if there are none yet.

        Raises ReplayDiffers if the engine produces other reports than when the journal was written; the state cannot be
        used after that. Raises OSError.
        """
        batch = self.reader.read(limit)
        if batch.configuration is not self._configuration:
            self._configuration = batch.configuration
            if batch.configuration.digest != self.state.configuration.digest:
                self.state.reconfigure(batch.configuration)
        if batch.epoch != self.state.store.epoch:
            self.state.begin_epoch(batch.epoch)
        self._apply(batch)
        return not batch.at_end

    def _apply(self, batch: Batch) -> None:
        points = batch.checkpoints
        marks = np.array([(point.index, point.seq_num, point.report_checksum) for point in points], MARK)
        agreed = self.state.run(batch.commands, marks)
        self.checkpoints += agreed
        if agreed:
            self._agreed = points[agreed - 1].sequence
            self.synced = points[agreed - 1].synced
        if agreed != len(points):
            raise ReplayDiffers(
                f"the commands from {self._agreed + 1} to {points[agreed].sequence} produce other reports than when "
                f"the journal was written: it was written by a different version of pricetime, or a machine has a fault"
            )

    def snapshot(self, *, stream_reports: int, feed_reports: int) -> SnapshotFile:
        """The state at this moment: see ``Machine.snapshot``."""
        return self.state.snapshot(self.position, stream_reports=stream_reports, feed_reports=feed_reports)
