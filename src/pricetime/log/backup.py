"""Copies a journal as of one moment, while a server writes it. ``verify`` accepts the copy, and a server can start from
it.

The copy has the newest snapshot and the records after it, or all records if there is no snapshot.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..native.disk import Disk
from .directory import Directory
from .errors import JournalError

#: Offset of the field of a snapshot that says in which segment the journal continues (``log/layout.pxd``).
SEGMENT_OF_SNAPSHOT, SEGMENT_AT = struct.Struct("<Q"), 64

#: Bytes copied at a time, and the most attempts, because the server may remove a file meanwhile.
PIECE_BYTES, ATTEMPTS = 1 << 20, 5

#: End of the part to copy: the sequence of its last command, and the segment and byte after it.
Extent = tuple[int, int, int]


class Backup(NamedTuple):
    """What was copied."""

    sequence: int  #: of the last command
    n_bytes: int


def back_up(source: Directory, extent: Callable[[], Extent], target: Path) -> Backup:
    """Copy the journal up to ``extent()`` into ``target``, a directory that must not exist or be empty.

    The copy has a temporary name until it is complete and on the disk. Raises JournalError and OSError. O(bytes).
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise JournalError(f"{target} exists: give a directory that does not exist yet")
    disk, part = source.disk, target.with_name(f"{target.name}.part")
    for attempt in range(ATTEMPTS):
        _empty(part)
        disk.make_folder(part)
        try:
            made = _copy(source, extent(), Directory(part, disk))
            break
        except FileNotFoundError:  # there is a newer snapshot, and the server removed what only an older one needed
            if attempt == ATTEMPTS - 1:
                raise
    disk.sync_folder(part)
    part.rename(target)
    disk.sync_folder(target.parent)
    return made


def first_segment(path: Path) -> int:
    """Return the segment in which the journal continues after a snapshot. Raises OSError."""
    with path.open("rb") as file:
        return int(SEGMENT_OF_SNAPSHOT.unpack(os.pread(file.fileno(), SEGMENT_OF_SNAPSHOT.size, SEGMENT_AT))[0])


def _copy(source: Directory, extent: Extent, target: Directory) -> Backup:
    sequence, last, end = extent
    n_bytes, first = 0, min(source.segments(), default=1)
    for snapshot in source.snapshots():
        if snapshot <= sequence:  # else it contains commands after the extent
            path = source.snapshot_path(snapshot)
            first = first_segment(path)
            n_bytes += _copy_file(target.disk, path, target.snapshot_path(snapshot), path.stat().st_size)
            break
    for number in range(first, last + 1):
        path = source.path_of(number)
        n_bytes += _copy_file(target.disk, path, target.path_of(number), end if number == last else path.stat().st_size)
    return Backup(sequence, n_bytes)


def _copy_file(disk: Disk, source: Path, target: Path, end: int) -> int:
    """Copy the first bytes of a file into a new file of the same size; the rest is zeros."""
    with source.open("rb") as file:
        fd = disk.create(target, os.fstat(file.fileno()).st_size)
        try:
            for at in range(0, end, PIECE_BYTES):
                disk.write(fd, os.pread(file.fileno(), min(PIECE_BYTES, end - at), at), at)
            disk.sync(fd)
        finally:
            disk.close(fd)
    return end


def _empty(part: Path) -> None:
    """Remove the files of a copy that failed."""
    if part.exists():
        for left in part.iterdir():
            left.unlink()
        part.rmdir()
