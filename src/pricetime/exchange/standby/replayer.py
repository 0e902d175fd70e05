"""Runs a machine on the commands of a log: used for recovery, and by the follower."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np

from ...log.batch import Batch, LogReader
from ...log.errors import ReplayDiffers
from ...log.position import Position
from ...types import CommandType, Instruction
from ..state.machine import Machine
from ..state.playback import MARK
from .books import Books

Copy = TypeVar("Copy", Machine, Books)


class Replayer(Generic[Copy]):
    """Runs ``machine``, which must be in the state at the position of ``reader``. A journal may grow meanwhile."""

    def __init__(self, machine: Copy, reader: LogReader) -> None:
        self.machine: Copy = machine
        self.reader = reader
        self.checkpoints = 0  #: compared with the engine so far
        self.within_order = False  #: the last command was an order whose extension comes next
        self._configuration = reader.configuration
        self._agreed = reader.position.sequence

    @property
    def position(self) -> Position:
        """Position after the last command in the machine."""
        return self.reader.position

    def step(self, limit: int) -> int:
        """Run the next commands, at most ``limit``. Returns how many there were; 0 if there are none yet.

        Raises ReplayDiffers if the engine produces other reports than when the journal was written; the machine cannot
        be used after that. Raises JournalDamaged and OSError.
        """
        before = self.position.sequence
        batch = self.reader.read(limit)
        while batch.checkpoints and not len(batch.commands):  # only a checkpoint, or a new segment
            self._run(batch)
            batch = self.reader.read(limit)
        self._run(batch)
        return self.position.sequence - before

    def _run(self, batch: Batch) -> None:
        if isinstance(self.machine, Machine):
            self._prepare(self.machine, batch)
        if len(batch.commands):
            last = batch.commands[-1]
            extended = last["type"] == CommandType.NEW_ORDER and last["instructions"] & Instruction.EXTENDED
            self.within_order = bool(extended)
        points = batch.checkpoints
        marks = np.array([(point.index, point.seq_num, point.report_checksum) for point in points], MARK)
        agreed = self.machine.run(batch.commands, marks)
        self.checkpoints += agreed
        if agreed:
            self._agreed = points[agreed - 1].sequence
        if agreed != len(points):
            raise ReplayDiffers(
                f"the commands from {self._agreed + 1} to {points[agreed].sequence} produce other reports than when "
                f"the journal was written: it was written by a different version of pricetime, or a machine has a fault"
            )

    def _prepare(self, machine: Machine, batch: Batch) -> None:
        """Continue under the configuration and in the epoch of these commands."""
        if batch.configuration is not self._configuration:
            self._configuration = batch.configuration
            if batch.configuration.digest != machine.configuration.digest:
                machine.reconfigure(batch.configuration)
        if batch.epoch != machine.store.epoch:
            machine.begin_epoch(batch.epoch)
