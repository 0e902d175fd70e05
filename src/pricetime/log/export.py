"""Reads the commands of a journal for other programs."""

from __future__ import annotations

from collections.abc import Iterator

from .batch import Commands
from .directory import Directory
from .reader import Reader
from .tail import missing_after


class Export:
    """The commands in ``directory`` from ``first`` to ``last``, both included; by default all.

    The count is fixed when this is made, also if the journal is still written. Raises JournalDamaged, OSError.
    """

    def __init__(self, directory: Directory, first: int | None = None, last: int | None = None) -> None:
        self._directory = directory
        reader = Reader(directory)
        self._oldest = reader.position.sequence + 1
        while last is None or reader.position.sequence < last:
            if reader.read().at_end:
                if (missing := missing_after(directory, reader.position)) is not None:
                    raise missing
                break
        self.first = max(self._oldest, first or 0)  #: sequence of the first command
        self.last = reader.position.sequence if last is None else min(last, reader.position.sequence)

    def __len__(self) -> int:
        """Number of commands."""
        return max(self.last + 1 - self.first, 0)

    def chunks(self) -> Iterator[Commands]:
        """Iterate over the commands, in arrays of dtype COMMAND. Raises OSError."""
        reader = Reader(self._directory)
        before = self._oldest
        while before <= self.last and not (batch := reader.read()).at_end:
            chunk = batch.commands[max(self.first - before, 0) : self.last + 1 - before]
            before += len(batch.commands)
            if len(chunk):
                yield chunk
