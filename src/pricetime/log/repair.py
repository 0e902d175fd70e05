"""Repairs a damaged journal: first says what it would cut, then cuts exactly that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .directory import Directory
from .errors import JournalDamaged, JournalError, SnapshotDamaged
from .position import Position
from .reader import Reader, start_of
from .snapshot import good_snapshots
from .tail import Tail, cut, examine_live


class NotThatCut(JournalError, ValueError):
    """The requested cut is not the one that this journal needs."""


@dataclass(frozen=True)
class Plan:
    """What ``apply`` would do."""

    tail: Tail
    started: Position  #: where reading began: a snapshot, or the oldest segment

    @property
    def at(self) -> str:
        """The position of the cut, as the command line takes it."""
        return f"{self.tail.position.segment}:{self.tail.position.offset}"

    @property
    def needed(self) -> bool:
        """Whether there is anything to cut."""
        return not self.tail.clean

    def steps(self) -> list[str]:
        """What ``apply`` would do, as text."""
        tail = self.tail
        said = []
        if tail.cut_bytes:
            said.append(f"cut {tail.cut_bytes:,} bytes from byte {tail.position.offset:,} of {tail.path.name} on")
        said += [f"continue without {path.name}, which is missing" for path in tail.missing]
        said += [f"rename {later.path.name} to *.broken" for later in tail.later if later.used]
        said += [f"remove {later.path.name}, which is empty" for later in tail.later if not later.used]
        said += [f"rename the snapshot of command {sequence} to *.broken" for sequence in tail.snapshots]
        return said


def plan(
    directory: Directory,
    *,
    told: Callable[[SnapshotDamaged], object] = lambda _: None,
    progress: Callable[[int], object] = lambda _: None,
) -> Plan:
    """Return where good records end, read from where a server would begin, and what follows.

    ``told`` is called with each bad snapshot, ``progress`` with the number of commands read. Raises JournalDamaged if
    there is nothing to begin with, OSError.
    """
    starts = [snapshot.position for snapshot in good_snapshots(directory, told)]
    for position in starts:
        try:
            return _plan_from(directory, position, progress)
        except JournalDamaged:  # it does not reach that far, or its segment is gone
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
    """Cut where ``Plan.at`` said. Returns the files that keep what was cut. The journal is locked meanwhile.

    Raises NotThatCut, before any change, if the cut is at a different position; JournalLocked, JournalDamaged, OSError.
    """
    directory.lock()
    try:
        found = plan(directory, progress=progress)
        if not found.needed:
            raise NotThatCut(f"{directory.path} has nothing to cut: all records are good")
        if found.at != at:
            raise NotThatCut(f"the cut would be at {found.at}, not at {at}: run pricetime journal repair again")
        return cut(directory, found.tail)
    finally:
        directory.unlock()
