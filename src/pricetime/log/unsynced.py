"""Which part of a journal may be in memory only, after a process ended.

After a failed sync the system may mark pages as clean that it could not write. A reader still finds them in memory, and
the next sync skips them and succeeds. So a start does not trust a sync of what it found: it rewrites everything that no
checkpoint and no snapshot proves to be on the disk.
"""

from __future__ import annotations

from .directory import Directory
from .errors import JournalDamaged
from .position import Position
from .reader import Reader, start_of

#: Commands between two remembered positions: 288 KiB of a segment.
STEP = 1 << 12


def unsynced(directory: Directory, numbers: list[int], end: Position) -> dict[int, tuple[int, int]]:
    """Return what to rewrite of these segments, the last of the journal: first and last byte for each.

    ``end``: after the last good record. If a record before a snapshot is damaged, which a start ignores, the answer is
    everything. Raises OSError. O(commands in them).
    """
    try:
        sure = _sure_place(directory, numbers, end)
    except JournalDamaged:
        sure = Position(0, 0, 0, 0)
    again: dict[int, tuple[int, int]] = {}
    if sure is None:
        return again
    for number in numbers:
        if sure.segment <= number <= end.segment:
            size = directory.disk.size(directory.path_of(number))
            first = sure.offset if number == sure.segment else 0
            again[number] = first, end.offset if number == end.segment else size
    return again


def _sure_place(directory: Directory, numbers: list[int], end: Position) -> Position | None:
    """Return the position up to which everything is on the disk; None for all. Raises JournalDamaged, OSError."""
    reader = Reader(directory, start_of(directory, numbers[0]))
    synced = max(directory.snapshots(), default=0)  # a snapshot is published only when all before it is on the disk
    places = [reader.position]
    while not (batch := reader.read(STEP)).at_end:
        places.append(reader.position)
        synced = max([synced, *(checkpoint.synced for checkpoint in batch.checkpoints)])
    if synced >= end.sequence:
        return None
    if reader.position != end:
        return Position(0, 0, 0, 0)
    return max((place for place in places if place.sequence <= synced), default=places[0])
