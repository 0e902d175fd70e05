"""Checks all records, snapshots and results of a journal against each other: of all of it, or between two snapshots."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import NamedTuple

from .batch import Batch, Position
from .directory import Directory
from .errors import JournalError, SnapshotDamaged
from .reader import LIMIT, Reader
from .replay import Replay, Until, begin
from .snapshot import Restored, restored
from .tail import Tail, examine


class Part(NamedTuple):
    """A part of a journal between two of its snapshots. None: from the beginning, or to the end."""

    after: int | None = None  #: sequence of the snapshot with which it begins
    upto: int | None = None  #: sequence of the snapshot with which it ends

    def is_inside(self, sequence: int) -> bool:
        """Return whether a snapshot is after the beginning and before the end."""
        return (self.after or 0) < sequence and (self.upto is None or sequence < self.upto)


WHOLE = Part()


@dataclass
class Findings:
    """What was checked, and what is wrong: nothing if ``faults`` is empty."""

    records: int = 0  #: commands whose CRC and sequence are right
    replayed: int = 0  #: commands executed again
    reports: int = 0  #: of all commands up to the last one
    report_checksum: int = 0  #: over these reports
    checkpoints: int = 0  #: checkpoints that agree with the reports
    snapshots: list[int] = field(default_factory=list)  #: snapshots that load and make books with the right digest
    compared: list[int] = field(default_factory=list)  #: snapshots that agree with the commands before them
    digest: int | None = None  #: digest of the books at the end
    position: Position | None = None  #: after the last good record
    tail: Tail | None = None
    faults: list[str] = field(default_factory=list)


def verify(
    directory: Directory,
    part: Part = WHOLE,
    *,
    progress: Callable[[int], object] = lambda _: None,
    executed: Callable[[int, int], object] = lambda _commands, _ns: None,
) -> Findings:
    """Check every record of every segment, every snapshot, and the results of executing all commands. Raises OSError.

    With ``part``, only the commands between two snapshots, the first of these snapshots and those between them.

    ``progress`` is called with the number of commands done; each is first read and later executed. ``executed`` is
    called with the number of commands of each batch that was executed, and the time that this took in ns.
    """
    found = Findings()
    start: Restored | None = None
    try:
        start = _start(directory, part)
    except SnapshotDamaged as error:
        found.faults.append(str(error))
        return found

    checks = (
        partial(_records, progress=progress), _snapshots, partial(_replayed, progress=progress, executed=executed),
    )  # fmt: skip
    for check in checks:
        try:
            check(directory, found, part, start)
        except JournalError as error:
            if str(error) not in found.faults:
                found.faults.append(str(error))
    return found


def parts(directory: Directory, least: int) -> list[Part]:
    """Return the parts of a journal, in order, each but the last with at least ``least`` commands. Raises OSError."""
    known = directory.snapshots()[::-1]
    before = 0 if 1 in directory.segments() or not known else known.pop(0)  # where a replay begins
    cuts: list[int] = []
    for sequence in known:
        if sequence - before >= least:
            cuts.append(sequence)
            before = sequence
    return [Part(*ends) for ends in pairwise([None, *cuts, None])]


def _start(directory: Directory, part: Part) -> Restored | None:
    """Return the snapshot with which a part begins. Raises SnapshotDamaged, OSError."""
    if part.after is None:
        return None

    def refuse(error: SnapshotDamaged) -> None:
        raise error

    (start,) = restored(directory, refuse, among=part.after.__eq__)
    return start


def _records(
    directory: Directory, found: Findings, part: Part, start: Restored | None, progress: Callable[[int], object]
) -> None:
    reader = Reader(directory, start.snapshot.position if start else None)
    for batch in _batches(reader, part.upto):
        found.records += len(batch.commands)
        progress(len(batch.commands))
    found.position = reader.position
    if part.upto is None or reader.position.sequence < part.upto:
        found.tail = examine(directory, reader.position, live=True)
        if found.tail.damage is not None:
            raise found.tail.damage


def _batches(reader: Reader, upto: int | None) -> Iterator[Batch]:
    """Iterate over the batches up to a command, or to the end."""
    limit = LIMIT
    while True:
        if upto is not None:
            limit = min(LIMIT, upto - reader.position.sequence)
        if limit <= 0 or (batch := reader.read(limit)).at_end:
            return
        yield batch


def _snapshots(directory: Directory, found: Findings, part: Part, start: Restored | None) -> None:
    good = restored(directory, lambda error: found.faults.append(str(error)), among=part.is_inside)
    found.snapshots = [known.snapshot.sequence for known in good]
    if start is not None:
        found.snapshots.append(start.snapshot.sequence)


def _replayed(
    directory: Directory,
    found: Findings,
    part: Part,
    start: Restored | None,
    progress: Callable[[int], object],
    executed: Callable[[int, int], object],
) -> None:
    replay = Replay(directory, start) if start else begin(directory)  # bad snapshots are already on the list
    try:
        replay.run(Until(part.upto), progress=_timed(progress, executed))
    finally:
        found.replayed, found.checkpoints = replay.commands, replay.checkpoints
        found.compared = replay.snapshots
        found.reports, found.report_checksum = replay.engine.seq_num, replay.machine.report_checksum
    found.digest = replay.digest()


def _timed(progress: Callable[[int], object], executed: Callable[[int, int], object]) -> Callable[[int], object]:
    """Return what a replay calls with the number of commands of each batch."""
    began_ns = time.perf_counter_ns()

    def done(commands: int) -> None:
        nonlocal began_ns
        ended_ns = time.perf_counter_ns()
        executed(commands, ended_ns - began_ns)
        progress(commands)
        began_ns = time.perf_counter_ns()

    return done
