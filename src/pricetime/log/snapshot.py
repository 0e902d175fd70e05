"""Snapshots: the state after a command in one file, so that a start need not read the journal from its beginning.

``layout.pxd`` describes the file. It gets its name only when all of it is on the disk. A reader checks its CRC, its
counts and the digest of the books that it makes before it uses anything in it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..core.engine import Engine
from ..errors import PricetimeError
from ..native.crc import crc32c
from ..types import INSTRUMENT_STATE, REPORT, RESTING_ORDER, UNFINISHED_CANCEL, BookRecords
from .batch import Position
from .configuration import Configuration
from .directory import Directory
from .errors import JournalError, SnapshotDamaged
from .layout import VERSION
from .segment import BadHead

MAGIC = b"PTJRNSNP"
HEAD = struct.Struct("<8sII32sQQQQIIQQQQQQQQQQQII8s")
END = struct.Struct("<II")

#: An owner's stream: the newest ``kept`` reports before ``next_sequence`` are in the snapshot.
OWNER = np.dtype([("owner", "<u4"), ("kept", "<u4"), ("next_sequence", "<u8")])

#: Bytes that are written and synced at a time, so that the system's work for them does not delay a processor for long.
PIECE = 1 << 20

#: How many are kept: two, because one may be damaged.
KEPT = 2

Records: TypeAlias = np.ndarray[Any, np.dtype[np.void]]


@dataclass(frozen=True, eq=False)
class SnapshotFile:
    """The content of a snapshot. The arrays of a loaded one refer to the file and are read-only."""

    position: Position  #: after the last command in it
    term: int  #: of the log when it was written
    digest: bytes  #: of the configuration
    timestamp: int  #: ns, of the last command
    report_checksum: int  #: over all reports so far
    seq_num: int  #: of the last report
    books: int  #: their digest, over references
    next_reference: int  #: of the next order to be accepted
    epoch: int  #: of the feed, ns
    feed_sequence: int  #: of the next report of the feed
    feed_checksum: int  #: of all reports of the feed before ``feed_reports``
    records: BookRecords  #: of the engine
    owners: Records  #: OWNER, by owner
    stream_reports: Records  #: REPORT: owner by owner
    feed_reports: Records  #: REPORT: the newest of the feed, oldest first

    @property
    def sequence(self) -> int:
        """Sequence of the last command."""
        return self.position.sequence

    def parts(self) -> list[Records]:
        """The parts after the head, in order."""
        return [*self.records, self.owners, self.stream_reports, self.feed_reports]

    def head(self) -> bytes:
        at = self.position
        return HEAD.pack(
            MAGIC, VERSION, self.term, self.digest, at.sequence, self.timestamp, at.segment, at.offset, at.link,
            self.report_checksum, self.seq_num, self.books, self.next_reference, self.epoch, self.feed_sequence,
            *map(len, self.parts()), self.feed_checksum, 0, b"",
        )  # fmt: skip


class Restored(NamedTuple):
    """A valid snapshot, and what it was checked against."""

    snapshot: SnapshotFile
    configuration: Configuration  #: of its segment
    engine: Engine  #: under that configuration, in the state of the snapshot


def write(directory: Directory, snapshot: SnapshotFile) -> Path:
    """Write a snapshot and return its path. Raises OSError; then the file is complete or does not exist."""
    path = directory.snapshot_path(snapshot.sequence)
    disk, crc, offset = directory.disk, 0, 0
    with directory.new_file(path) as fd:
        bodies = [np.ascontiguousarray(part).view(np.uint8) for part in snapshot.parts()]
        for part in (np.frombuffer(snapshot.head(), np.uint8), *bodies):
            for first in range(0, max(1, len(part)), PIECE):
                piece = part[first : first + PIECE]
                disk.write(fd, piece.data, offset)
                crc = crc32c(piece.data, crc)
                offset += len(piece)
                if len(piece) == PIECE:
                    disk.sync(fd)
        disk.write(fd, END.pack(crc, 0), offset)
    return path


def load(directory: Directory, sequence: int) -> SnapshotFile:
    """Load a snapshot and check its bytes. Raises SnapshotDamaged with the file and the reason."""
    path = directory.snapshot_path(sequence)
    try:
        return decode(directory.disk.read(path), sequence)
    except (OSError, BadSnapshot) as error:
        raise SnapshotDamaged(f"the snapshot {path} cannot be used: {error}") from error


class BadSnapshot(ValueError):
    """The bytes are not a snapshot; the message says why."""


def decode(data: Any, name: int) -> SnapshotFile:
    """Return the snapshot in the bytes of a file; ``name``: the sequence in its name. Raises BadSnapshot."""
    view = memoryview(data)
    if len(view) < HEAD.size + END.size:
        raise BadSnapshot(f"it has {len(view)} bytes, but an empty one has {HEAD.size + END.size}")
    magic, version, term, digest, sequence, timestamp, segment, offset, link, *values = HEAD.unpack_from(view)
    numbers, counts, (feed_checksum, zero2, zeros) = values[:6], values[6:12], values[12:]
    if magic != MAGIC:
        raise BadSnapshot("it is not a snapshot: the magic is wrong")
    if version != VERSION:
        raise BadSnapshot(f"its format is version {version}: this program reads version {VERSION}")
    dtypes = (INSTRUMENT_STATE, RESTING_ORDER, UNFINISHED_CANCEL, OWNER, REPORT, REPORT)
    sizes = [count * dtype.itemsize for count, dtype in zip(counts, dtypes, strict=True)]
    if HEAD.size + sum(sizes) + END.size != len(view):
        raise BadSnapshot(f"it has {len(view)} bytes, but its counts need {HEAD.size + sum(sizes) + END.size}")
    crc, end_zero = END.unpack_from(view, len(view) - END.size)
    if zero2 or end_zero or any(zeros) or crc32c(view[: -END.size]) != crc:
        raise BadSnapshot("its CRC is wrong")
    parts, first = [], HEAD.size
    for count, dtype, size in zip(counts, dtypes, sizes, strict=True):
        parts.append(np.frombuffer(data, dtype, count, first))
        first += size
    rest = [*numbers, feed_checksum, BookRecords(*parts[:3]), *parts[3:]]
    snapshot = SnapshotFile(Position(segment, offset, link, sequence), term, digest, timestamp, *rest)
    owners = snapshot.owners
    if sequence != name:
        raise BadSnapshot(f"it is of command {sequence}")
    if int(owners["kept"].sum(dtype=np.uint64)) != len(snapshot.stream_reports):
        raise BadSnapshot("the reports of its owners do not match their counts")
    if (owners["kept"] >= owners["next_sequence"]).any() or (np.diff(owners["owner"].astype(np.int64)) <= 0).any():
        raise BadSnapshot("its owners are invalid")
    if len(snapshot.feed_reports) >= snapshot.feed_sequence:
        raise BadSnapshot("it has more reports of the feed than were sent")
    return snapshot


def restore(snapshot: SnapshotFile, configuration: Configuration) -> Engine:
    """Return books in the state of a snapshot, under its configuration or a later one. Raises SnapshotDamaged."""
    try:
        engine = configuration.restore(snapshot.records, snapshot.seq_num, snapshot.next_reference)
    except PricetimeError as error:
        raise SnapshotDamaged(f"the snapshot of command {snapshot.sequence} cannot be restored: {error}") from error
    if engine.digest(references=True) != snapshot.books:
        raise SnapshotDamaged(f"the snapshot of command {snapshot.sequence} makes books with a wrong digest")
    return engine


def good_snapshots(
    directory: Directory, told: Callable[[SnapshotDamaged], object] = lambda _: None
) -> Iterator[SnapshotFile]:
    """Yield the snapshots that load, newest first. ``told`` is called with each that does not. Raises OSError."""
    for sequence in directory.snapshots():
        try:
            snapshot = load(directory, sequence)
        except SnapshotDamaged as error:
            told(error)
        else:
            yield snapshot


def restored(
    directory: Directory,
    told: Callable[[SnapshotDamaged], object],
    *,
    newest: bool = True,
    among: Callable[[int], bool] = lambda _: True,
    wanted: Callable[[SnapshotFile], bool] = lambda _: True,
) -> Iterator[Restored]:
    """Yield the wanted snapshots that load and make books with the right digest: the newest, or the oldest, first.

    ``told`` is called with each that does not. ``among``: with the sequence of a snapshot, says whether to load it.
    Raises OSError if the directory cannot be read.
    """
    for sequence in filter(among, directory.snapshots()[:: 1 if newest else -1]):
        try:
            snapshot = load(directory, sequence)
            if wanted(snapshot):
                configuration = _configuration_of(directory, snapshot)
                yield Restored(snapshot, configuration, restore(snapshot, configuration))
        except SnapshotDamaged as error:
            told(error)


def _configuration_of(directory: Directory, snapshot: SnapshotFile) -> Configuration:
    """Return the configuration of the segment that has the snapshot's last command. Raises SnapshotDamaged."""
    what = f"the snapshot of command {snapshot.sequence} needs {directory.path_of(snapshot.position.segment)}"
    try:
        head = directory.head(snapshot.position.segment)
        configuration = Configuration.from_json(head.configuration)
    except (OSError, BadHead, JournalError) as error:
        raise SnapshotDamaged(f"{what}, which cannot be read: {error}") from error
    if head.digest != snapshot.digest:
        raise SnapshotDamaged(f"{what}, which has a different configuration")
    if head.term > snapshot.term:
        raise SnapshotDamaged(f"{what}, which has term {head.term}: the snapshot has term {snapshot.term}")
    return configuration


def keep_two(directory: Directory, *, keep_segments: bool = False) -> list[Path]:
    """Remove the snapshots before the two newest valid ones, and segments that only those needed. Returns the files.

    A segment stays if the older of the two, or what follows it, may need it. Raises OSError.
    """
    good = list(islice(good_snapshots(directory), KEPT))  # the next start reports one that does not load
    removed = []
    if len(good) == KEPT:
        removed = [directory.snapshot_path(old) for old in directory.snapshots() if old < good[-1].sequence]
    for path in removed:
        directory.disk.unlink(path)
    if removed:
        directory.disk.sync_folder(directory.path)
    if len(good) == KEPT and not keep_segments:
        removed += map(directory.path_of, directory.remove_behind(good[-1].position.segment))
    return removed
