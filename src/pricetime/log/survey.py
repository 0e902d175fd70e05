"""Lists the files of a journal, and the records around a position in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..native.crc import linked
from ..types import COMMAND
from .batch import Checkpoint
from .configuration import Configuration
from .directory import Directory
from .errors import SnapshotDamaged
from .layout import RECORD_BYTES, WORD_BYTES
from .position import Position
from .reader import Reader, start_before, start_of
from .segment import BadHead, SegmentHead
from .snapshot import SnapshotFile, load


@dataclass(frozen=True)
class SegmentSeen:
    """A segment, as its head describes it."""

    number: int
    path: Path
    size: int
    head: SegmentHead | None  #: None if it is invalid
    configuration: Configuration | None
    fault: str  #: why it is invalid


@dataclass(frozen=True)
class SnapshotSeen:
    """A snapshot, or why it is invalid."""

    sequence: int
    path: Path
    snapshot: SnapshotFile | None
    fault: str


def segments(directory: Directory) -> list[SegmentSeen]:
    """Return every segment, in order. Raises OSError."""
    return [_segment(directory, number) for number in directory.segments()]


def _segment(directory: Directory, number: int) -> SegmentSeen:
    path = directory.path_of(number)
    data = memoryview(directory.disk.read(path)).cast("B")
    try:
        head = SegmentHead.decode(data)
        configuration = Configuration.from_json(head.verify(data))
    except BadHead as error:
        return SegmentSeen(number, path, len(data), None, None, str(error))
    return SegmentSeen(number, path, len(data), head, configuration, "")


def snapshots(directory: Directory) -> list[SnapshotSeen]:
    """Return every snapshot, newest first. Raises OSError."""
    seen = []
    for sequence in directory.snapshots():
        path = directory.snapshot_path(sequence)
        try:
            seen.append(SnapshotSeen(sequence, path, load(directory.disk, path), ""))
        except SnapshotDamaged as error:
            seen.append(SnapshotSeen(sequence, path, None, str(error)))
    return seen


class Record(NamedTuple):
    """A good record: a command, or a checkpoint."""

    segment: int
    offset: int | None  #: None for a checkpoint
    command: np.void | None
    checkpoint: Checkpoint | None


class BadRecord(NamedTuple):
    """The bytes where the next good record should be."""

    segment: int
    offset: int
    data: bytes  #: its 72 bytes, or as many as exist
    expected_crc: int  #: of the command that is stored there

    @property
    def command(self) -> np.void:
        """The bytes, read as a command."""
        body = self.data[WORD_BYTES:].ljust(COMMAND.itemsize, b"\0")
        return np.void(np.frombuffer(body, COMMAND)[0])

    @property
    def length(self) -> int:
        return int.from_bytes(self.data[:4], "little")

    @property
    def crc(self) -> int:
        return int.from_bytes(self.data[4:8], "little")


def records(directory: Directory, position: Position) -> Iterator[Record]:
    """Iterate over the good records from a position on. Raises JournalDamaged, OSError."""
    reader = Reader(directory, position)
    while not (batch := reader.read(1)).at_end:
        for checkpoint in batch.checkpoints:
            if checkpoint.index == 0:
                yield Record(reader.position.segment, None, None, checkpoint)
        if len(batch.commands):
            at = reader.position
            behind = sum(checkpoint.index for checkpoint in batch.checkpoints)
            offset = None if behind else at.offset - RECORD_BYTES
            yield Record(at.segment, offset, np.void(batch.commands[0]), None)
        for checkpoint in batch.checkpoints:
            if checkpoint.index:
                yield Record(reader.position.segment, None, None, checkpoint)


def bad_record(directory: Directory, position: Position) -> BadRecord:
    """Return the bytes after the last good record. Raises OSError."""
    data = memoryview(directory.disk.read(directory.path_of(position.segment))).cast("B")
    found = bytes(data[position.offset : position.offset + RECORD_BYTES])
    crc = linked(position.link, found[WORD_BYTES:].ljust(COMMAND.itemsize, b"\0"))
    return BadRecord(position.segment, position.offset, found, crc)


def ahead_of(directory: Directory, sequence: int, margin: int) -> Position:
    """Return a position ``margin`` commands before a given one, or the beginning of its segment. Raises JournalDamaged,
    OSError.
    """
    start = start_before(directory, sequence)
    found = Reader(directory, start).skip_to(sequence).sequence
    return Reader(directory, start).skip_to(min(found, sequence - 1) - margin)


def sequence_at(directory: Directory, segment: int, offset: int) -> int:
    """Return the sequence of the last command before a byte of a segment. Raises JournalDamaged, OSError."""
    reader = Reader(directory, start_of(directory, segment))
    while True:
        before = reader.position
        batch = reader.read(1024)
        if batch.at_end or reader.position.segment > segment or reader.position.offset > offset:
            break
    reader = Reader(directory, before)
    while not reader.read(1).at_end and reader.position.segment == segment and reader.position.offset <= offset:
        pass
    return reader.position.sequence
