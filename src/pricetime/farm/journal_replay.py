"""The replay of a journal, step by step, with its commands, its reports and the books: what a script gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..core.engine import Engine
from ..log.batch import Checkpoint
from ..log.configuration import Configuration
from ..log.directory import Directory
from ..log.replay import RUN, Until, begin
from ..log.replayer import Books
from ..log.tail import judge
from ..types import COMMAND, REPORT, CommandArray, ReportArray
from .journals import end_of


class Step(NamedTuple):
    """Commands that were executed, and the reports that they made, in order."""

    commands: CommandArray
    reports: ReportArray


class JournalReplay:
    """The replay of the journal in ``folder``. Iterate over it, or over ``steps``; the books follow.

    The reports are compared with the checkpoints of the journal, and the books with its snapshots. It begins with the
    first command, or with the oldest snapshot if the first commands are gone.

    Raises JournalError if there is nothing to begin with, OSError.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._replay = begin(Directory(folder), make_books=_RecordedBooks)

    def __iter__(self) -> Iterator[Step]:
        return self.steps()

    def steps(self, limit: int = RUN) -> Iterator[Step]:
        """Yield the next commands and their reports, at most ``limit`` commands at a time, to the end of the journal.

        With 1, one command at a time; an order and its extension come together. Raises JournalError for damage and for
        results that differ from those of the server, OSError.
        """
        books = self._books
        more = True
        while more:
            more = self._replay.run(Until(self.sequence + limit))
            step = books.taken()
            if len(step.commands):
                yield step
        judge(self._replay.reader, live=True)

    @property
    def engine(self) -> Engine:
        """The books after the last step: ``replay.engine.book(1).best_bid``."""
        return self._replay.engine

    @property
    def sequence(self) -> int:
        """Sequence of the last command."""
        return self._replay.sequence

    @property
    def time_ns(self) -> int:
        """Time of the last command, ns since 1970."""
        return self._replay.timestamp

    @property
    def digest(self) -> int:
        """Digest of all books: that of the exchange and of every subscriber. O(orders)."""
        return self._replay.digest()

    @property
    def end(self) -> dict[str, object]:
        """What was read: journal id, sequence and CRC of the last command."""
        return end_of(self._replay.directory, self._replay.position)

    @property
    def _books(self) -> _RecordedBooks:
        books = self._replay.machine
        assert isinstance(books, _RecordedBooks)
        return books


class _RecordedBooks(Books):
    """Keeps the commands and reports of a step."""

    def __init__(self, configuration: Configuration, engine: Engine, *, epoch: int = 0) -> None:
        super().__init__(configuration, engine, epoch=epoch)
        self._commands: list[CommandArray] = []
        self._reports: list[ReportArray] = []

    def taken(self) -> Step:
        """Return what was kept, and keep nothing of it."""
        step = Step(_joined(self._commands, COMMAND), _joined(self._reports, REPORT))
        self._commands, self._reports = [], []
        return step

    def run(self, commands: CommandArray, checkpoints: Sequence[Checkpoint]) -> int:
        if len(commands):
            self._commands.append(commands)
        return super().run(commands, checkpoints)

    def _add(self, reports: ReportArray) -> None:
        super()._add(reports)
        self._reports.append(reports)


def _joined(arrays: list[CommandArray], dtype: np.dtype[np.void]) -> CommandArray:
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.empty(0, dtype)
