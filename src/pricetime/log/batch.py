"""What a reader returns: commands, and the checkpoints between them."""

from __future__ import annotations

from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .configuration import Configuration
from .position import Position

Commands: TypeAlias = NDArray[np.void]


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
