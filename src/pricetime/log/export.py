"""Reads the commands of a journal for other programs."""

from __future__ import annotations

from collections.abc import Iterator

from .batch import Commands
from .directory import Directory
from .reader import Reader

NO_LIMIT = (1 << 64) - 1


class Export:
    """The commands in ``directory`` from ``first`` to ``last``, both included; by default all.

    The count is fixed when this is made, also if the journal is still written. Raises JournalDamaged, OSError.
    """

    def __init__(self, directory: Directory, first: int | None = None, last: int | None = None) -> None:
        self._directory = directory
        reader = Reader(directory)
        self._oldest = reader.position.sequence + 1
        reader.skip_to(NO_LIMIT if last is None else last)
        at_end = last is None or reader.position.sequence < last
        if at_end and (missing := directory.missing_after(reader.position)) is not None:
            raise missing
        self.first = max(self._oldest, first or 0)  #: sequence of the first command
        self.last = reader.position.sequence if last is None else min(last, reader.position.sequence)

    def __len__(self) -> int:
        """Number of commands."""
        return max(self.last + 1 - self.first, 0)

    def chunks(self) -> Iterator[Commands]:
        """Iterate over the commands, in arrays of dtype COMMAND. Raises OSError."""
        before = self._oldest
        for batch in Reader(self._directory).batches():
            if before > self.last:
                return
            chunk = batch.commands[max(self.first - before, 0) : self.last + 1 - before]
            before += len(batch.commands)
            if len(chunk):
                yield chunk
