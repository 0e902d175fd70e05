"""What a reader returns: commands, the checkpoints between them, and positions."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..types import COMMAND, CommandType, Instruction
from .configuration import Configuration

Commands: TypeAlias = NDArray[np.void]


class Position(NamedTuple):
    """The position in a journal after the record with the CRC ``link``. The next record begins here, at the next page,
    or in the next segment.
    """

    segment: int  #: its number
    offset: int  #: bytes from the beginning of the file
    link: int  #: CRC of the last record, which the next one covers
    sequence: int  #: of the last command


class Checkpoint(NamedTuple):
    """What the writer knew before a command."""

    index: int  # type: ignore[assignment]  #: commands of the batch that come before it
    sequence: int  #: of the last command before it
    synced: int  #: sequence up to which everything was on the disk when this was written
    seq_num: int  #: of the last report at that point
    report_checksum: int  #: over the reports up to that point


class Batch(NamedTuple):
    """Commands in order, with the checkpoints between them."""

    commands: Commands  #: of dtype COMMAND
    checkpoints: list[Checkpoint]
    configuration: Configuration  #: under which the commands were written
    epoch: int  #: of the feed, ns

    @property
    def at_end(self) -> bool:
        """Whether the reader has reached the end, for now."""
        return not len(self.commands) and not self.checkpoints


class Whole:
    """Makes batches that end with whole orders, so that books never stand between an order and its extension.

    It holds back the extended orders at the end of a batch until a different command is there. No snapshot can be taken
    of books that wait for an extension, and no setting can change. What is held back changes no order.
    """

    def __init__(self) -> None:
        self.held: Commands = np.empty(0, COMMAND)
        self._points: list[Checkpoint] = []  #: between them; ``index``: from the first one on

    def add(self, batch: Batch) -> Batch:
        """Return a batch with what was held back before it, and without what now is. O(1) if nothing is or was."""
        before = len(self.held)
        if not before and not (len(batch.commands) and waits(batch.commands[-1])):
            return batch
        commands = np.concatenate([self.held, batch.commands])
        points = self._points + [point._replace(index=before + point.index) for point in batch.checkpoints]
        end = len(commands)
        while end and waits(commands[end - 1]):
            end -= 1
        self.held = commands[end:]
        self._points = [point._replace(index=point.index - end) for point in points if point.index > end + 1]
        # the first of them makes no report: a checkpoint after it agrees before it
        due = [point._replace(index=min(point.index, end)) for point in points if point.index <= end + 1]
        return batch._replace(commands=commands[:end], checkpoints=due)


def waits(command: np.void) -> bool:
    """Is this an order or a replace that waits for its extension?"""
    extended = command["instructions"] & Instruction.EXTENDED
    return bool(extended and command["type"] in (CommandType.NEW_ORDER, CommandType.REPLACE_ORDER))


class LogReader(Protocol):
    """What reads a command log, with files or without: see ``CommitLog.read``."""

    @property
    def configuration(self) -> Configuration:
        """Configuration of the next commands."""

    @property
    def position(self) -> Position:
        """Position after the last command that was read."""

    def read(self, limit: int) -> Batch:
        """Return the next commands, at most ``limit``; an empty batch if there are none yet."""
