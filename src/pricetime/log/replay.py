"""Replays a journal into books, and compares the results with those recorded in the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..native.crc import linked_records
from ..types import REPORT
from .batch import Checkpoint, Commands, Whole
from .configuration import Configuration
from .directory import Directory
from .errors import JournalDamaged, JournalError, ReplayDiffers, SnapshotDamaged
from .reader import Reader
from .snapshot import SnapshotFile, good_snapshots, load, restore
from .tail import Tail, examine_live, missing_after

#: Commands executed at a time: they and their reports fit a cache of the processor.
RUN = 1 << 13


@dataclass(frozen=True)
class Until:
    """A moment of a journal: everything up to it, inclusive. None: no limit."""

    sequence: int | None = None
    time_ns: int | None = None

    def allows(self, snapshot: SnapshotFile) -> bool:
        """Return whether a snapshot is of that moment or earlier."""
        return (self.sequence is None or snapshot.sequence <= self.sequence) and (
            self.time_ns is None or snapshot.timestamp <= self.time_ns
        )


class Replay:
    """Books that follow the journal in ``directory``, from the beginning or from a snapshot.

    ``snapshot``: one from ``good_snapshots``. ``told`` is called with each bad snapshot on the way. Raises
    JournalDamaged, SnapshotDamaged, JournalError if there is nothing to begin with, OSError.
    """

    def __init__(
        self,
        directory: Directory,
        snapshot: SnapshotFile | None = None,
        *,
        told: Callable[[SnapshotDamaged], object] = lambda _: None,
    ) -> None:
        self.directory = directory
        self.reader = Reader(directory, snapshot.position if snapshot else None)
        self.configuration: Configuration = self.reader.configuration
        self.report_checksum = self.timestamp = self.epoch = 0
        self.checkpoints = 0  #: that were compared and agree
        self.snapshots: list[int] = []  #: sequences of those that agree
        self._told = told
        self._whole = Whole()
        self._executed = 0
        if snapshot is not None:
            if snapshot.digest != self.configuration.digest:
                raise SnapshotDamaged(f"the snapshot of command {snapshot.sequence} has a different configuration")
            self.engine = restore(snapshot, self.configuration)
            self.report_checksum, self.timestamp = snapshot.report_checksum, snapshot.timestamp
            self.epoch = snapshot.epoch
        elif self.sequence:
            raise JournalError(
                f"{directory.path} begins with command {self.sequence + 1}: earlier commands are only in its snapshots"
            )
        else:
            self.engine = self.configuration.make_engine()
        self._ahead = [sequence for sequence in directory.snapshots() if sequence > self.sequence]  # newest first

    def digest(self) -> int:
        """Return the digest of all books, over references: that of the exchange and of every subscriber. O(orders)."""
        return self.engine.digest(references=True)

    @property
    def sequence(self) -> int:
        """Sequence of the last command."""
        return self.reader.position.sequence

    @property
    def commands(self) -> int:
        """How many were applied."""
        return self._executed + len(self._whole.held)

    def run(self, until: Until | None = None, *, progress: Callable[[int], object] = lambda _: None) -> bool:
        """Apply the commands, up to a moment if one is given. Returns whether that came before the end of the journal.

        Raises ReplayDiffers at the first difference, SegmentMissing at a gap in the journal, JournalError, OSError.
        ``progress`` is called with the number of commands done.
        """
        until = until or Until()
        while (limit := self._limit(until)) > 0:
            before = self.reader.position
            batch = self.reader.read(limit)
            if batch.at_end:
                if (missing := missing_after(self.directory, self.reader.position)) is not None:
                    raise missing
                return False
            if batch.configuration.digest != self.configuration.digest:
                self._reconfigure(batch.configuration)
            if batch.epoch != self.epoch:
                self._begin_epoch(batch.epoch)
            commands = batch.commands
            if until.time_ns is not None and (late := np.flatnonzero(commands["timestamp"] > until.time_ns)).size:
                self.reader = Reader(self.directory, before)
                if late[0] == 0:
                    return True
                batch = self.reader.read(int(late[0]))
                commands = batch.commands
            whole = self._whole.add(batch)
            self._apply(whole.commands, whole.checkpoints)
            if len(commands):
                self.timestamp = int(commands["timestamp"][-1])
            progress(len(commands))
            if self._ahead and self.sequence == self._ahead[-1]:
                self._compare_snapshot(self._ahead.pop())
        return True

    def run_to_end(self, *, progress: Callable[[int], object] = lambda _: None) -> Tail:
        """Apply all commands, also while the journal is written, and return what follows. Raises as ``run``, and
        JournalDamaged.
        """
        self.run(progress=progress)
        tail = examine_live(self.directory, self.reader.position)
        if tail.damage is not None:
            raise tail.damage
        return tail

    def _limit(self, until: Until) -> int:
        """Return the number of commands up to the next comparison."""
        ends = [RUN]
        if until.sequence is not None:
            ends.append(until.sequence - self.sequence)
        if self._ahead:
            ends.append(self._ahead[-1] - self.sequence)
        return min(ends)

    def _apply(self, commands: Commands, checkpoints: list[Checkpoint]) -> None:
        done = 0
        for checkpoint in checkpoints:
            self._execute(commands[done : checkpoint.index])
            done = checkpoint.index
            self._compare(checkpoint)
        self._execute(commands[done:])

    def _execute(self, commands: Commands) -> None:
        if len(commands):
            reports = self.engine.apply(commands)
            self.report_checksum = linked_records(self.report_checksum, reports.view(np.uint8).data, REPORT.itemsize)
            self._executed += len(commands)

    def _compare(self, checkpoint: Checkpoint) -> None:
        made = (self.engine.seq_num, self.report_checksum)
        if made != (checkpoint.seq_num, checkpoint.report_checksum):
            raise ReplayDiffers(
                f"up to command {checkpoint.sequence} the engine had made {checkpoint.seq_num} reports with checksum "
                f"{checkpoint.report_checksum:08x}; the same commands make {made[0]} with {made[1]:08x} here"
            )
        self.checkpoints += 1

    def _compare_snapshot(self, sequence: int) -> None:
        try:
            snapshot = load(self.directory.disk, self.directory.snapshot_path(sequence))
        except SnapshotDamaged as error:
            self._told(error)
            return
        there = (snapshot.books, snapshot.seq_num, snapshot.report_checksum)
        made = (self.digest(), self.engine.seq_num, self.report_checksum)
        if there != made:
            raise ReplayDiffers(
                f"after command {sequence} the snapshot has books {there[0]:016x}, {there[1]} reports, report checksum "
                f"{there[2]:08x}; the commands make {made[0]:016x}, {made[1]}, {made[2]:08x} here"
            )
        self.snapshots.append(sequence)

    def _begin_epoch(self, epoch: int) -> None:
        """Skip references, as ``Machine.begin_epoch`` does."""
        if self.epoch != 0:
            self.engine.skip_references(epoch)
        self.epoch = epoch

    def _reconfigure(self, configuration: Configuration) -> None:
        """Move the orders to new settings, as the server did. An instrument without orders may be missing in them."""
        self.engine = configuration.take_over(self.engine)
        self.configuration = configuration


def begin(
    directory: Directory,
    until: Until | None = None,
    *,
    newest: bool = False,
    told: Callable[[SnapshotDamaged], object] = lambda _: None,
) -> Replay:
    """Return a replay from the beginning; if the journal no longer reaches back so far, from its oldest snapshot; or
    from its newest.

    Raises JournalError if there is nothing to begin with, OSError.
    """
    whole = 1 in directory.segments()
    if newest or not whole:
        snapshots = filter((until or Until()).allows, good_snapshots(directory, told))
        for snapshot in snapshots if newest else reversed(list(snapshots)):
            try:
                return Replay(directory, snapshot, told=told)
            except SnapshotDamaged as error:
                told(error)
            except JournalDamaged:  # its segment is gone; one may be there of the next
                continue
    return Replay(directory, told=told)
