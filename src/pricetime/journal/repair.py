"""Making a damaged journal one that can be gone on with: what would be cut, in words, and then exactly that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .directory import Directory
from .errors import JournalDamaged, JournalError, SnapshotDamaged
from .position import Position
from .reader import Reader, start_of
from .replay import good_snapshots
from .tail import Tail, cut, examine_live


class NotThatCut(JournalError, ValueError):
    """The cut that was asked for is not the one that this journal needs."""


@dataclass(frozen=True)
class Plan:
    """What ``apply`` would do."""

    tail: Tail
    started: Position  #: where reading began: at a snapshot, or at the oldest segment

    @property
    def at(self) -> str:
        """The place of the cut, as it is asked for."""
        return f"{self.tail.position.segment}:{self.tail.position.offset}"

    @property
    def needed(self) -> bool:
        """Is there anything to cut?"""
        return not self.tail.clean

    def steps(self) -> list[str]:
        """What would be done, in words."""
        tail = self.tail
        said = []
        if tail.cut_bytes:
            said.append(f"cut {tail.cut_bytes:,} bytes from byte {tail.position.offset:,} of {tail.path.name} on")
        said += [f"go on without {path.name}, which is missing" for path in tail.missing]
        said += [f"put {later.path.name} aside" for later in tail.later if later.used]
        said += [f"remove {later.path.name}, which is empty" for later in tail.later if not later.used]
        said += [f"put the snapshot of command {sequence} aside" for sequence in tail.snapshots]
        return said


def plan(
    directory: Directory,
    *,
    told: Callable[[SnapshotDamaged], object] = lambda _: None,
    progress: Callable[[int], object] = lambda _: None,
) -> Plan:
    """Where good records end, read from where a server would begin, and what lies behind.

    ``told`` hears of each snapshot that is no good; ``progress`` of commands read. Raises JournalDamaged when there is
    nothing to begin with, OSError.
    """
    starts = [snapshot.position for snapshot in good_snapshots(directory, told=told)]
    for position in starts:
        try:
            return _plan_from(directory, position, progress)
        except JournalDamaged:  # it does not reach so far, or its segment is gone
            continue
    return _plan_from(directory, start_of(directory), progress)


def _plan_from(directory: Directory, position: Position, progress: Callable[[int], object]) -> Plan:
    reader = Reader(directory, position)
    while not (batch := reader.read()).at_end:
        progress(len(batch.commands))
    return Plan(examine_live(directory, reader.position), position)


def apply(
    directory: Directory,
    at: str,
    *,
    progress: Callable[[int], object] = lambda _: None,
) -> list[Path]:
    """Cut where ``Plan.at`` said: the files that keep what was there. The journal is locked meanwhile.

    Raises NotThatCut, with nothing done, when that is not the place; JournalLocked, JournalDamaged, OSError.
    """
    directory.lock()
    try:
        found = plan(directory, progress=progress)
        if not found.needed:
            raise NotThatCut(f"{directory.path} has nothing to cut: every record is good")
        if found.at != at:
            raise NotThatCut(f"the cut would be at {found.at}, not at {at}: look again with pricetime journal repair")
        return cut(directory, found.tail)
    finally:
        directory.unlock()
