"""Which part of a journal may be in memory only, after a process ended.

After a failed sync the system may mark pages as clean that it could not write. A reader still finds them in memory, and
the next sync skips them and succeeds. So a start does not trust a sync of what it found: it rewrites everything that no
checkpoint and no snapshot proves to be on the disk.
"""

from __future__ import annotations

from .batch import Position
from .directory import Directory
from .errors import JournalDamaged
from .reader import Reader, start_of

NOWHERE = Position(0, 0, 0, -1)


def unsynced(directory: Directory, numbers: list[int], end: Position) -> dict[int, tuple[int, int]]:
    """Return what to rewrite of these segments, the last of the journal: first and last byte for each.

    ``end``: after the last good record. If a record before a snapshot is damaged, which a start ignores, the answer is
    everything. Raises OSError. O(commands in them).
    """
    try:
        sure = _sure_place(directory, start_of(directory, numbers[0]), end)
    except JournalDamaged:
        sure = NOWHERE
    again: dict[int, tuple[int, int]] = {}
    for number in numbers:
        if sure.segment <= number <= end.segment and sure.sequence < end.sequence:
            size = directory.disk.size(directory.path_of(number))
            first = sure.offset if number == sure.segment else 0
            again[number] = first, end.offset if number == end.segment else size
    return again


def _sure_place(directory: Directory, start: Position, end: Position) -> Position:
    """Return the position up to which everything is on the disk. Raises JournalDamaged, OSError."""
    synced = max(directory.snapshots(), default=0)  # a snapshot is published only when all before it is on the disk
    reader = Reader(directory, start)
    for batch in reader.batches():
        synced = max([synced, *(checkpoint.synced for checkpoint in batch.checkpoints)])
    return Reader(directory, start).skip_to(synced) if synced >= end.sequence or reader.position == end else NOWHERE
