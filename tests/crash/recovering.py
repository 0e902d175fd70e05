"""From the files of a journal to its books, as a server does it, and nothing beside the books."""

from typing import NamedTuple

import numpy as np

from pricetime import COMMAND, Engine
from pricetime.log.configuration import Configuration
from pricetime.log.directory import Directory
from pricetime.log.errors import JournalError
from pricetime.log.position import Position
from pricetime.log.reader import Reader
from pricetime.log.snapshot import newest_good
from pricetime.log.tail import cut, judge
from tests.crash.world import Commands


class Recovered(NamedTuple):
    engine: Engine
    position: Position | None  #: None for a new journal
    snapshot: int  #: the sequence that it began with
    commands: Commands  #: those after the snapshot
    told: list[str]  #: snapshots that could not be used
    reader: Reader | None

    @property
    def sequence(self) -> int:
        return 0 if self.position is None else self.position.sequence


def recover(directory: Directory, configuration: Configuration) -> Recovered:
    """Newest good snapshot, then what comes after; the torn end is cut. As ``gateway.restart.recover``."""
    directory.remove_temporary()
    told: list[str] = []
    numbers = directory.segments()
    if not numbers:
        assert not directory.snapshots()
        return Recovered(configuration.make_engine(), None, 0, np.zeros(0, COMMAND), told, None)
    restored = newest_good(directory, lambda error: told.append(str(error)))
    if restored is None:
        if numbers[0] != 1:
            raise JournalError(f"the journal begins with segment {numbers[0]}, and no snapshot is good")
        reader = Reader(directory)
        engine = reader.configuration.make_engine()
    else:
        reader = Reader(directory, restored.snapshot.position)
        engine = restored.engine
    first = reader.position.sequence
    parts = []
    while not (batch := reader.read(256)).at_end:
        parts.append(batch.commands)
        engine.apply(batch.commands)
    cut(directory, judge(reader))
    commands = np.concatenate(parts) if parts else np.zeros(0, COMMAND)
    return Recovered(engine, reader.position, first, commands, told, reader)
