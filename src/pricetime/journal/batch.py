"""What a reader gives: commands, and what the writer knew between them."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .configuration import Configuration

Commands: TypeAlias = NDArray[np.void]


class Checkpoint(NamedTuple):
    """What stood in the journal ahead of a command."""

    index: int  # type: ignore[assignment]  #: commands of the batch that come before it
    sequence: int  #: of the last command before it
    synced: int  #: sequence up to which everything was on the disk when this was written
    seq_num: int  #: of the last report made by then
    report_checksum: int  #: over the reports made by then


class Batch(NamedTuple):
    """Commands in their order, with the checkpoints among them."""

    commands: Commands  #: of dtype COMMAND
    checkpoints: list[Checkpoint]
    configuration: Configuration  #: under which they were written

    @property
    def at_end(self) -> bool:
        """Nothing more was there."""
        return not len(self.commands) and not self.checkpoints
