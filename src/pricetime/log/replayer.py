"""Runs the commands of a log: used for recovery, by the follower and by a replay of a journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np

from ..core.engine import Engine
from ..native.crc import linked_records
from ..types import REPORT, ReportArray
from .batch import Batch, Checkpoint, Commands, LogReader, Position, Whole
from .configuration import Configuration
from .errors import ReplayDiffers


class Copy(Protocol):
    """What a ``Replayer`` runs: ``Books``, or the ``Machine`` of an exchange."""

    configuration: Configuration

    @property
    def epoch(self) -> int:
        """Epoch of the feed, ns."""

    def run(self, commands: Commands, checkpoints: Sequence[Checkpoint]) -> int:
        """Execute commands. Returns how many of the checkpoints agree, and stops at the first that does not."""

    def reconfigure(self, configuration: Configuration) -> None:
        """Continue under a different configuration."""

    def begin_epoch(self, epoch: int) -> None:
        """Begin an epoch of the feed, and skip the references that lost orders may have."""


class Books:
    """An engine that runs the commands of a log, without streams and feed."""

    def __init__(self, configuration: Configuration, engine: Engine, *, epoch: int = 0) -> None:
        self.configuration = configuration
        self.engine = engine
        self.epoch = epoch
        self.report_checksum = 0  #: over all reports

    def run(self, commands: Commands, checkpoints: Sequence[Checkpoint]) -> int:
        done = agreed = 0
        for checkpoint in checkpoints:
            self._execute(commands[done : checkpoint.index])
            done = checkpoint.index
            if (self.engine.seq_num, self.report_checksum) != (checkpoint.seq_num, checkpoint.report_checksum):
                return agreed
            agreed += 1
        self._execute(commands[done:])
        return agreed

    def _execute(self, commands: Commands) -> None:
        if len(commands):
            self._add(self.engine.apply(commands))

    def _add(self, reports: ReportArray) -> None:
        """Add reports to the report checksum."""
        self.report_checksum = linked_records(self.report_checksum, reports.view(np.uint8).data, REPORT.itemsize)

    def reconfigure(self, configuration: Configuration) -> None:
        self.engine = configuration.take_over(self.engine)
        self.configuration = configuration

    def begin_epoch(self, epoch: int) -> None:
        if self.epoch != 0:
            self.engine.skip_references(epoch)
        self.epoch = epoch


AnyCopy = TypeVar("AnyCopy", bound=Copy)


class Replayer(Generic[AnyCopy]):
    """Runs ``machine``, which must be in the state at the position of ``reader``. A journal may grow meanwhile.

    ``whole``: has the last orders before that position, not in the machine, if they wait for an extension.
    """

    def __init__(self, machine: AnyCopy, reader: LogReader, whole: Whole | None = None) -> None:
        self.machine: AnyCopy = machine
        self.reader = reader
        self.whole = whole or Whole()
        self.timestamp = 0  #: of the last command that was read
        self.checkpoints = 0  #: compared with the engine so far
        self._configuration = reader.configuration
        self._agreed = reader.position.sequence

    @property
    def position(self) -> Position:
        """Position after the last command in the machine, or after an order that waits for its extension."""
        return self.reader.position

    @property
    def sequence(self) -> int:
        """Sequence of that command."""
        return self.position.sequence

    def step(self, limit: int) -> int:
        """Run the next commands, at most ``limit``. Returns how many there were; 0 if there are none yet.

        Raises ReplayDiffers if the engine produces other reports than when the journal was written; the machine cannot
        be used after that. Raises JournalDamaged and OSError.
        """
        before = self.sequence
        batch = self.reader.read(limit)
        while batch.checkpoints and not len(batch.commands):  # only a checkpoint, or a new segment
            self._run(batch)
            batch = self.reader.read(limit)
        self._run(batch)
        return self.sequence - before

    def _run(self, batch: Batch) -> None:
        """Run a batch, under its configuration and in its epoch."""
        if batch.configuration is not self._configuration:
            self._configuration = batch.configuration
            if batch.configuration.digest != self.machine.configuration.digest:
                self.machine.reconfigure(batch.configuration)
        if batch.epoch != self.machine.epoch:
            self.machine.begin_epoch(batch.epoch)
        if len(batch.commands):
            self.timestamp = int(batch.commands["timestamp"][-1])
        batch = self.whole.add(batch)
        points = batch.checkpoints
        agreed = self.machine.run(batch.commands, points)
        self.checkpoints += agreed
        if agreed:
            self._agreed = points[agreed - 1].sequence
        if agreed != len(points):
            point = points[agreed]
            raise ReplayDiffers(
                f"the commands from {self._agreed + 1} to {point.sequence} produce other reports than when the journal "
                f"was written ({point.seq_num} in all, checksum {point.report_checksum:08x}): it was written by a "
                "different version of pricetime, or a machine has a fault"
            )
