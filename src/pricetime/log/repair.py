"""Repairs a damaged journal: first says what it would cut, then cuts exactly that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .batch import Position
from .directory import Directory
from .errors import JournalDamaged, JournalError, SnapshotDamaged
from .reader import Reader, start_of
from .snapshot import good_snapshots
from .tail import Tail, cut, examine


class NotThatCut(JournalError, ValueError):
    """The requested cut is not the one that this journal needs."""


def plan(
    directory: Directory,
    *,
    told: Callable[[SnapshotDamaged], object] = lambda _: None,
    progress: Callable[[int], object] = lambda _: None,
) -> Tail:
    """Return where good records end, read from where a server would begin, and what follows: what ``apply`` cuts.

    ``told`` is called with each bad snapshot, ``progress`` with the number of commands read. Raises JournalDamaged if
    there is nothing to begin with, OSError.
    """
    for position in [snapshot.position for snapshot in good_snapshots(directory, told)]:
        try:
            return _plan_from(directory, position, progress)
        except JournalDamaged:  # it does not reach that far, or its segment is gone
            continue
    return _plan_from(directory, start_of(directory), progress)


def _plan_from(directory: Directory, position: Position, progress: Callable[[int], object]) -> Tail:
    reader = Reader(directory, position)
    for batch in reader.batches():
        progress(len(batch.commands))
    return examine(directory, reader.position, live=True)


def apply(directory: Directory, at: str, *, progress: Callable[[int], object] = lambda _: None) -> list[Path]:
    """Cut where ``Tail.at`` said. Returns the files that keep what was cut. The journal is locked meanwhile.

    Raises NotThatCut, before any change, if the cut is at a different position; JournalLocked, JournalDamaged, OSError.
    """
    directory.lock()
    try:
        found = plan(directory, progress=progress)
        if found.clean:
            raise NotThatCut(f"{directory.path} has nothing to cut: all records are good")
        if found.at != at:
            raise NotThatCut(f"the cut would be at {found.at}, not at {at}: run pricetime journal repair again")
        return cut(directory, found)
    finally:
        directory.unlock()
