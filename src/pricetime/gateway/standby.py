"""An exchange that comes after: its state is kept in step from the journal of another, or of its own past."""

from __future__ import annotations

import numpy as np

from ..journal.batch import Batch
from ..journal.directory import Directory
from ..journal.errors import ReplayDiffers
from ..journal.position import Position
from ..journal.reader import LIMIT, Reader
from ..journal.snapshot import SnapshotFile
from .playback import MARK
from .state import ExchangeState


class Standby:
    """``state``, which is that behind ``position``, follows what is read from there on; by default from the beginning.

    It looks at the directory alone: a server that writes the journal may run, or not. Raises JournalDamaged, OSError.
    """

    def __init__(self, state: ExchangeState, directory: Directory, position: Position | None = None) -> None:
        self.state = state
        self.reader = Reader(directory, position)
        self.synced = 0  #: so far was the journal on the disk, as it says itself
        self.checkpoints = 0  #: those that were held against the engine
        self._configuration = self.reader.configuration
        self._agreed = self.position.sequence

    @property
    def position(self) -> Position:
        """Behind the last command that is in the state."""
        return self.reader.position

    def step(self, limit: int = LIMIT) -> bool:
        """Apply what comes next, at most so many commands: False when nothing was there, for now.

        Raises ReplayDiffers where the engine does not make the reports that it made when the journal was written; then
        the state is of no use any more. Raises OSError.
        """
        batch = self.reader.read(limit)
        if batch.configuration is not self._configuration:
            self._configuration = batch.configuration
            if batch.configuration.digest != self.state.configuration.digest:
                self.state.reconfigure(batch.configuration)
        self._apply(batch)
        self.state.store.epoch = self.reader.epoch
        return not batch.at_end

    def _apply(self, batch: Batch) -> None:
        points = batch.checkpoints
        marks = np.array([(point.index, point.seq_num, point.report_checksum) for point in points], MARK)
        agreed = self.state.apply(batch.commands, marks)
        self.checkpoints += agreed
        if agreed:
            self._agreed = points[agreed - 1].sequence
            self.synced = points[agreed - 1].synced
        if agreed != len(points):
            raise ReplayDiffers(
                f"the commands from {self._agreed + 1} to {points[agreed].sequence} make other reports than when "
                f"the journal was written: this version of pricetime or this machine is another, or one is at fault"
            )

    def snapshot(self, *, stream_reports: int, feed_reports: int) -> SnapshotFile:
        """The state at this moment: see ``ExchangeState.snapshot``."""
        return self.state.snapshot(self.position, stream_reports=stream_reports, feed_reports=feed_reports)
