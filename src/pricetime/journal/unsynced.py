"""What of a journal may lie in memory alone, as a process that ended has left it.

When a sync fails the system calls the pages clean that it could not write. Whoever reads the file finds them in memory,
and another sync passes them over and succeeds. So a server that starts does not sync what it found, and go on behind
it: it writes once more whatever no checkpoint and no snapshot says to be on the disk.
"""

from __future__ import annotations

from .directory import Directory
from .errors import JournalDamaged
from .position import Position
from .reader import Reader, start_of

#: Commands between two places that are remembered: 288 KiB of a segment.
STEP = 1 << 12


def unsynced(directory: Directory, numbers: list[int], end: Position) -> dict[int, tuple[int, int]]:
    """What of these segments, the last of the journal, is to be written once more: from which byte to which, of each.

    ``end``: behind the last good record. What lies before a snapshot may be damaged, and is no concern of a start: then
    it is all of them. Raises OSError. O(commands in them).
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
    """Up to where everything is on the disk; None for all. Raises JournalDamaged, OSError."""
    reader = Reader(directory, start_of(directory, numbers[0]))
    synced = max(directory.snapshots(), default=0)  # none is published before all of it is on the disk
    places = [reader.position]
    while not (batch := reader.read(STEP)).at_end:
        places.append(reader.position)
        synced = max([synced, *(checkpoint.synced for checkpoint in batch.checkpoints)])
    if synced >= end.sequence:
        return None
    if reader.position != end:
        return Position(0, 0, 0, 0)
    return max((place for place in places if place.sequence <= synced), default=places[0])
