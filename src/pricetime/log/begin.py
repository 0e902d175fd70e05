"""Begins a journal with a snapshot from a different machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..native.crc import crc32c
from ..wire.types import AcknowledgementLevel
from .batch import Position
from .configuration import Configuration
from .directory import Directory
from .errors import JournalError
from .file_log import FileLog
from .snapshot import SnapshotFile, restore, write


def begin_with(directory: Directory, snapshot: SnapshotFile, configuration: Configuration) -> Path:
    """Make the first segment of a journal, after the last command of a snapshot, and write the snapshot.

    The directory must be locked and have no segment. ``configuration``: of the snapshot's books. Returns the path of
    the snapshot. O(orders). Raises JournalError if the books do not have the digest of the snapshot, and OSError.
    """
    if directory.segments():
        raise JournalError(f"{directory.path} has a journal already: give a different directory")
    restore(snapshot, configuration)
    position = Position(0, 0, crc32c(configuration.to_json()), snapshot.sequence)
    log = FileLog(
        directory,
        configuration,
        position=position,
        level=AcknowledgementLevel.MEMORY,
        term=snapshot.term,
        epoch=snapshot.epoch,
    )
    log.open()
    try:
        first = log.reader(snapshot.sequence).position
    finally:
        log.close()
    return write(directory, replace(snapshot, position=first))
