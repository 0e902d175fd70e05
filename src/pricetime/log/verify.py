"""Checks all records, snapshots and results of a journal against each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .directory import Directory
from .errors import JournalError
from .reader import Reader
from .replay import begin
from .snapshot import restored
from .tail import Tail, examine


@dataclass
class Findings:
    """What was checked, and what is wrong: nothing if ``faults`` is empty."""

    records: int = 0  #: commands whose CRC and sequence are right
    replayed: int = 0  #: commands executed again
    checkpoints: int = 0  #: checkpoints that agree with the reports
    snapshots: list[int] = field(default_factory=list)  #: snapshots that load and make books with the right digest
    compared: list[int] = field(default_factory=list)  #: snapshots that agree with the commands before them
    digest: int | None = None  #: digest of the books at the end
    tail: Tail | None = None
    faults: list[str] = field(default_factory=list)


def verify(directory: Directory, *, progress: Callable[[int], object] = lambda _: None) -> Findings:
    """Check every record of every segment, every snapshot, and the results of executing all commands. Raises OSError.

    ``progress`` is called with the number of commands done; each is first read and later executed.
    """
    found = Findings()
    for check in (_records, _snapshots, _replayed):
        try:
            check(directory, found, progress)
        except JournalError as error:
            if str(error) not in found.faults:
                found.faults.append(str(error))
    return found


def _records(directory: Directory, found: Findings, progress: Callable[[int], object]) -> None:
    reader = Reader(directory)
    for batch in reader.batches():
        found.records += len(batch.commands)
        progress(len(batch.commands))
    found.tail = examine(directory, reader.position, live=True)
    if found.tail.damage is not None:
        raise found.tail.damage


def _snapshots(directory: Directory, found: Findings, _progress: Callable[[int], object]) -> None:
    good = restored(directory, lambda error: found.faults.append(str(error)))
    found.snapshots = [known.snapshot.sequence for known in good]


def _replayed(directory: Directory, found: Findings, progress: Callable[[int], object]) -> None:
    replay = begin(directory)  # bad snapshots are already on the list
    try:
        replay.run(progress=progress)
    finally:
        found.replayed, found.checkpoints = replay.commands, replay.checkpoints
        found.compared = replay.snapshots
    found.digest = replay.digest()
