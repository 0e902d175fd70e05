"""Replays a journal into books, and compares the results with those recorded in the journal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..core.engine import Engine
from .directory import Directory
from .errors import JournalDamaged, JournalError, ReplayDiffers, SnapshotDamaged
from .reader import Reader
from .replayer import Books, Replayer
from .snapshot import Restored, SnapshotFile, load, restored
from .tail import Tail, judge

#: What makes the books of a replay.
MakeBooks = Callable[..., Books]

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


class Replay(Replayer[Books]):
    """Books that follow the journal in ``directory``, from the beginning or from a snapshot.

    ``told`` is called with each bad snapshot on the way. ``make_books``: makes the books, called as ``Books``. Raises
    JournalDamaged, JournalError if there is nothing to begin with, OSError.
    """

    def __init__(
        self,
        directory: Directory,
        start: Restored | None = None,
        *,
        told: Callable[[SnapshotDamaged], object] = lambda _: None,
        make_books: MakeBooks = Books,
    ) -> None:
        reader = Reader(directory, start.snapshot.position if start else None)
        if start is not None:
            books = make_books(start.configuration, start.engine, epoch=start.snapshot.epoch)
            books.report_checksum = start.snapshot.report_checksum
        elif reader.position.sequence:
            raise JournalError(
                f"{directory.path} begins with command {reader.position.sequence + 1}: earlier commands are only in "
                "its snapshots"
            )
        else:
            books = make_books(reader.configuration, reader.configuration.make_engine())
        super().__init__(books, reader)
        self.reader: Reader = reader
        self.timestamp = start.snapshot.timestamp if start else 0  #: of the last command
        self.directory = directory
        self.first = self.sequence  #: sequence of the last command before the first one that it runs
        self.snapshots: list[int] = []  #: sequences of those that agree
        self._told = told
        self._ahead = [sequence for sequence in directory.snapshots() if sequence > self.first]  # newest first

    @property
    def engine(self) -> Engine:
        """The books."""
        return self.machine.engine

    @property
    def commands(self) -> int:
        """How many were applied."""
        return self.sequence - self.first

    def digest(self) -> int:
        """Return the digest of all books, over references: that of the exchange and of every subscriber. O(orders)."""
        return self.engine.digest(references=True)

    def run(self, until: Until | None = None, *, progress: Callable[[int], object] = lambda _: None) -> bool:
        """Apply the commands, up to a moment if one is given. Returns whether that came before the end of the journal.

        Raises ReplayDiffers at the first difference, SegmentMissing at a gap in the journal, JournalError, OSError.
        ``progress`` is called with the number of commands done.
        """
        until = until or Until()
        while (limit := self._limit(until)) > 0:
            late = False
            if until.time_ns is not None:
                limit, late = self._until_time(until.time_ns, limit)
            if not limit or not (count := self.step(limit)):
                if late:
                    return True
                if (missing := self.directory.missing_after(self.position)) is not None:
                    raise missing
                return False
            progress(count)
            if self._ahead and self.sequence == self._ahead[-1]:
                self._compare_snapshot(self._ahead.pop())
        return True

    def run_to_end(self, *, progress: Callable[[int], object] = lambda _: None) -> Tail:
        """Apply all commands, also while the journal is written, and return what follows. Raises as ``run``, and
        JournalDamaged.
        """
        self.run(progress=progress)
        return judge(self.reader, live=True)

    def _limit(self, until: Until) -> int:
        """Return the number of commands up to the next comparison."""
        ends = [RUN]
        if until.sequence is not None:
            ends.append(until.sequence - self.sequence)
        if self._ahead:
            ends.append(self._ahead[-1] - self.sequence)
        return min(ends)

    def _until_time(self, time_ns: int, limit: int) -> tuple[int, bool]:
        """Return how many of the next commands are not later than a time, and whether one is."""
        for batch in Reader(self.directory, self.position).batches(limit):
            if len(batch.commands):
                late = np.flatnonzero(batch.commands["timestamp"] > time_ns)
                return (int(late[0]), True) if late.size else (len(batch.commands), False)
        return 0, False

    def _compare_snapshot(self, sequence: int) -> None:
        try:
            snapshot = load(self.directory, sequence)
        except SnapshotDamaged as error:
            self._told(error)
            return
        there = (snapshot.books, snapshot.seq_num, snapshot.report_checksum)
        made = (self.digest(), self.engine.seq_num, self.machine.report_checksum)
        if there != made:
            raise ReplayDiffers(
                f"after command {sequence} the snapshot has books {there[0]:016x}, {there[1]} reports, report checksum "
                f"{there[2]:08x}; the commands make {made[0]:016x}, {made[1]}, {made[2]:08x} here"
            )
        self.snapshots.append(sequence)


def begin(
    directory: Directory,
    until: Until | None = None,
    *,
    newest: bool = False,
    told: Callable[[SnapshotDamaged], object] = lambda _: None,
    make_books: MakeBooks = Books,
) -> Replay:
    """Return a replay from the beginning; if the journal no longer reaches back so far, from its oldest snapshot; or
    from its newest. ``make_books``: see ``Replay``.

    Raises JournalError if there is nothing to begin with, OSError.
    """
    if newest or 1 not in directory.segments():
        for start in restored(directory, told, newest=newest, wanted=(until or Until()).allows):
            try:
                return Replay(directory, start, told=told, make_books=make_books)
            except JournalDamaged:  # the journal ends before it
                continue
    return Replay(directory, told=told, make_books=make_books)
