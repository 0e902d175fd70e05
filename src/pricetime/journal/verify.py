"""Everything in a journal held against everything else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from .directory import Directory
from .errors import JournalError, SnapshotDamaged
from .reader import Reader
from .replay import begin
from .snapshot import restore
from .survey import snapshots
from .tail import Tail, examine_live


@dataclass
class Findings:
    """What was looked at, and what is wrong: nothing when ``faults`` is empty."""

    records: int = 0  #: commands whose CRC and sequence are right
    replayed: int = 0  #: commands executed once more
    checkpoints: int = 0  #: that agree with the reports made
    snapshots: list[int] = field(default_factory=list)  #: that load and make the books that they say
    compared: list[int] = field(default_factory=list)  #: that agree with the commands up to them
    digest: int | None = None  #: of the books at the end
    tail: Tail | None = None
    faults: list[str] = field(default_factory=list)


def verify(directory: Directory, *, progress: Callable[[int], object] = lambda _: None) -> Findings:
    """Every record of every segment, every snapshot by itself, and every command through the books. Raises OSError.

    ``progress`` is told of commands done, each of which is read and then executed.
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
    while not (batch := reader.read()).at_end:
        found.records += len(batch.commands)
        progress(len(batch.commands))
    found.tail = examine_live(directory, reader.position)
    if found.tail.damage is not None:
        raise found.tail.damage


def _snapshots(directory: Directory, found: Findings, _progress: Callable[[int], object]) -> None:
    for seen in snapshots(directory):
        if seen.snapshot is None:
            found.faults.append(seen.fault)
            continue
        try:
            restore(seen.snapshot, Reader(directory, seen.snapshot.position).configuration)
        except JournalError as error:
            found.faults.append(str(error))
        else:
            found.snapshots.append(seen.sequence)


def _replayed(directory: Directory, found: Findings, progress: Callable[[int], object]) -> None:
    def told(_: SnapshotDamaged) -> None:
        """Said already."""

    replay = begin(directory, told=told)
    try:
        replay.run(progress=progress)
    finally:
        found.replayed, found.checkpoints = replay.commands, replay.checkpoints
        found.compared = replay.snapshots
    found.digest = replay.digest()
