"""Judges what follows the last good record of a journal that no process writes: nothing, a torn tail, or damage.

A crash leaves the last records incomplete: the system may have written any of the unsynced 512-byte sectors, in any
order. The others are zero, because no byte of a journal is stored twice. Such a tail is cut, because the server never
reported it as durable. Everything else is damage and is only cut by ``repair``. It is damage if

- a later checkpoint says that this position was durable, so a good record was there;
- good records follow, and the bad one has no hole as a lost sector leaves it;
- there is a snapshot of a later command, which is published only after its command is durable;
- a segment is missing and a later one exists, because each is made, and the directory synced, before the next;
- a later segment is from a different journal, or its head is invalid.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..native.crc import linked
from .batch import Position
from .directory import Directory
from .errors import JournalDamaged, JournalForked
from .layout import CHECKPOINT, PAGE, RECORD_BYTES, RECORD_WORDS, WORD_BYTES
from .layout import COMMAND_BYTES as LENGTH
from .reader import Reader
from .segment import BROKEN, BadHead, SegmentHead

SECTOR = 512

#: Bytes searched at a time for the first or last nonzero byte.
PIECE = 1 << 20


class Later(NamedTuple):
    """A segment after the one in which good records end."""

    path: Path
    used: bool  #: it has more content than a prepared segment


@dataclass(frozen=True)
class Tail:
    """What ``cut`` would do, and what speaks against it. Everything before ``position`` is good and stays."""

    position: Position
    path: Path  #: the file in which good records end
    size: int  #: its size in bytes
    cut_bytes: int  #: bytes after the position, up to the last nonzero one
    later: tuple[Later, ...]  #: later segments, which are removed too
    snapshots: tuple[int, ...]  #: of later commands
    records: int  #: good records after the position, as far as counted
    resized: bool  #: the file is shorter than it was made, and no segment continues it
    damage: JournalDamaged | None  #: why this is not what a crash leaves
    missing: tuple[Path, ...]  #: missing segments before an existing one

    @property
    def at(self) -> str:
        """The position of the cut, as the command line takes it."""
        return f"{self.position.segment}:{self.position.offset}"

    @property
    def clean(self) -> bool:
        """Whether nothing follows the last good record."""
        return self.damage is None and not self.cut_bytes and not any(later.used for later in self.later)

    @property
    def lost(self) -> bool:
        """Whether commands may be lost whose reports were seen."""
        return self.records > 0 or self.resized or self.damage is not None

    def steps(self) -> list[str]:
        """What ``cut`` would do, as text."""
        said = []
        if self.cut_bytes:
            said.append(f"cut {self.cut_bytes:,} bytes from byte {self.position.offset:,} of {self.path.name} on")
        said += [f"continue without {path.name}, which is missing" for path in self.missing]
        said += [f"rename {later.path.name} to *{BROKEN}" for later in self.later if later.used]
        said += [f"remove {later.path.name}, which is empty" for later in self.later if not later.used]
        said += [f"rename the snapshot of command {sequence} to *{BROKEN}" for sequence in self.snapshots]
        return said


def judge(reader: Reader, *, live: bool = False) -> Tail:
    """Return what follows the last record that was read, and raise JournalDamaged if it is damage. Raises OSError.

    ``live``: a process may write the journal meanwhile, so later records are no damage.
    """
    tail = examine(reader.directory, reader.position, live=live)
    if tail.damage is not None:
        raise tail.damage
    return tail


def examine(directory: Directory, position: Position, *, live: bool = False) -> Tail:
    """Return the same, with damage described in the result instead of raised. Raises OSError."""
    path = directory.path_of(position.segment)
    data = _bytes_of(directory, path)
    head = SegmentHead.decode(data)
    last = _last_byte(data, position.offset)
    numbers = [number for number in directory.segments() if number > position.segment]
    missing = sorted(set(range(position.segment + 1, max(numbers, default=0))).difference(numbers))
    later = tuple(Later(directory.path_of(number), _is_used(directory, number)) for number in numbers)
    snapshots = tuple(sorted(sequence for sequence in directory.snapshots() if sequence > position.sequence))
    behind = _Behind(directory, position, data, numbers)
    damage = behind.bad_file(head)
    if damage is None and (last > position.offset or any(found.used for found in later)):
        damage = behind.damage(head)
    if damage is None and snapshots:
        why = (
            f"the journal ends there, but a snapshot of command {snapshots[-1]} exists, made when that was on the disk"
        )
        damage = JournalDamaged(path, position.offset, position.sequence, why)
    tail = Tail(
        position=position,
        path=path,
        size=len(data),
        cut_bytes=last - position.offset,
        later=later,
        snapshots=snapshots,
        records=behind.records,
        resized=len(data) != head.segment_bytes,
        damage=damage,
        missing=tuple(map(directory.path_of, missing)),
    )
    if live and not tail.clean and not Reader(directory, position).read(1).at_end:  # it was written meanwhile
        return replace(tail, damage=None, cut_bytes=0, later=(), snapshots=(), records=0, missing=())
    return tail


def cut(directory: Directory, tail: Tail) -> list[Path]:
    """Make a journal end at its last good record. Returns the files that keep what was cut. Raises OSError.

    The journal must be locked. Repeated after a crash in between, it has the same result.
    """
    disk, kept, at = directory.disk, [], tail.position.offset
    if tail.cut_bytes:
        data = bytes(_bytes_of(directory, tail.path)[at : at + tail.cut_bytes])
        kept.append(_keep(directory, f"{tail.position.segment:08}.{at}", data))
    for later in reversed(tail.later):  # the last first, so that there is never a gap
        if later.used:
            kept.append(_free_name(directory, later.path.name))
            disk.rename(later.path, kept[-1])
        else:
            disk.unlink(later.path)
        disk.sync_folder(directory.path)  # after each, so that a power loss does not leave a gap
    for sequence in tail.snapshots:
        kept.append(_free_name(directory, directory.snapshot_path(sequence).name))
        disk.rename(directory.snapshot_path(sequence), kept[-1])
    if kept:
        disk.sync_folder(directory.path)
    if tail.cut_bytes:  # else it keeps its length until the next segment is in use: see ``Syncer.open``
        disk.truncate(tail.path, at)
    elif tail.lost and not tail.resized:  # its length now says that commands are lost
        disk.truncate(tail.path, at if at < tail.size else at + PAGE)
    return kept


def _keep(directory: Directory, stem: str, data: bytes) -> Path:
    """Write the bytes to a new file, which gets its name only when they are on the disk."""
    path = directory.path / f"{stem}{BROKEN}"
    if path.name in directory.disk.names(directory.path) and bytes(memoryview(directory.disk.read(path))) == data:
        return path  # an earlier attempt got this far
    path = _free_name(directory, stem)
    with directory.new_file(path) as fd:
        directory.disk.write(fd, data, 0)
    return path


def _free_name(directory: Directory, stem: str) -> Path:
    """Return an unused name ending in .broken: no kept file is ever overwritten."""
    taken = set(directory.disk.names(directory.path))
    name, n = f"{stem}{BROKEN}", 1
    while name in taken:
        n += 1
        name = f"{stem}.{n}{BROKEN}"
    return directory.path / name


# ---------------------------------------------------------------------- what is behind the last good record


class _Behind:
    """The search for good records after the position."""

    def __init__(self, directory: Directory, position: Position, data: memoryview, later: list[int]) -> None:
        self.directory = directory
        self.position = position
        self.data = data
        self.later = later
        self.records = 0  #: found so far
        self.proven = False  #: whether one of them says that the bad position was durable
        self._end = (0, 0)  # segment and byte that the search has reached

    def bad_file(self, head: SegmentHead) -> JournalDamaged | None:
        """Return a later segment that is missing or does not match its name; None if all are right."""
        directory, sequence = self.directory, self.position.sequence
        for number in self.later:
            path, before = directory.path_of(number), head
            try:
                head = directory.head(number)
            except BadHead as error:
                return JournalDamaged(path, 0, sequence, str(error))
            if head.number != number:
                return JournalDamaged(path, 0, sequence, f"it is segment {head.number}")
            if head.journal != before.journal:
                other = directory.path_of(before.number).name
                return JournalDamaged(path, 0, sequence, f"it belongs to a different journal than {other}")
            if (why := head.fork_of(before, sequence)) is not None:
                return JournalForked(path, sequence, why)
        return directory.missing_after(self.position)

    def damage(self, head: SegmentHead) -> JournalDamaged | None:
        """Return why a crash cannot have left this, or None."""
        sequence = self.position.sequence
        for place in self._places():
            self._walk(place)
            if self.proven:
                break
        path, offset = self._bad_place()
        if self.proven:
            why = f"a later record says that command {sequence + 1} was on the disk, but it is not there"
        elif self.records and not self._has_hole(head):
            why = "good records follow, and a power loss cannot leave it like this"
        else:
            return None
        return JournalDamaged(path, offset, sequence, why)

    def _places(self) -> Iterator[Position]:
        """Yield positions where a good record may follow: after the bad one, later in this file, in each later file."""
        bad = _nonzero_place(self.data, self.position.offset)
        if bad is not None:
            body = self.data[bad + WORD_BYTES : bad + RECORD_BYTES]
            stored = int.from_bytes(self.data[bad + 4 : bad + WORD_BYTES], "little")
            for link in {stored, linked(self.position.link, body)}:
                yield self._place(self.position.segment, self.data, bad + RECORD_BYTES, link)
        yield from self._pairs(self.position.segment, self.data, self.position.offset)
        for number in self.later:
            data = _bytes_of(self.directory, self.directory.path_of(number))
            head = SegmentHead.decode(data)
            yield self._place(number, data, head.first_offset, head.crc)
            yield from self._pairs(number, data, head.first_offset)

    def _pairs(self, number: int, data: memoryview, offset: int) -> Iterator[Position]:
        """Yield positions of two consecutive records of which the second covers the CRC of the first."""
        words = np.frombuffer(data, "<u8", len(data) // WORD_BYTES)
        lengths = words.astype("<u4", casting="unsafe") == LENGTH if offset < len(data) else np.zeros(0, bool)
        first = offset // WORD_BYTES
        if len(lengths) < first + 2 * RECORD_WORDS:
            return
        both = np.flatnonzero(
            lengths[first : -2 * RECORD_WORDS + 1] & lengths[first + RECORD_WORDS : -RECORD_WORDS + 1]
        )
        for at in (both + first).tolist():
            if (number, WORD_BYTES * at) < self._end:
                continue
            crc, second = int(words[at]) >> 32, WORD_BYTES * (at + RECORD_WORDS)
            if linked(crc, data[second + WORD_BYTES : second + RECORD_BYTES]) == int(words[at + RECORD_WORDS]) >> 32:
                yield self._place(number, data, second, crc)

    def _place(self, number: int, data: memoryview, offset: int, link: int) -> Position:
        """Return the position there, with the sequence before that of the record that follows."""
        sequence = self.position.sequence
        at = _nonzero_place(data, offset)
        if at is not None:
            said = int.from_bytes(data[at + 8 : at + 16], "little")
            sequence = said if data[at + 32] == CHECKPOINT else max(said, 1) - 1
        elif number + 1 in self.later:
            sequence = max(self.directory.head(number + 1).first_sequence, 1) - 1
        return Position(number, offset, link, sequence)

    def _walk(self, place: Position) -> None:
        """Count the good records from a position on, until one says what was durable."""
        reader = Reader(self.directory, place)
        with contextlib.suppress(JournalForked):  # the sequence there may come from bytes that are no record
            for batch in reader.batches():
                self.records += len(batch.commands) + len(batch.checkpoints)
                if any(checkpoint.synced > self.position.sequence for checkpoint in batch.checkpoints):
                    self.proven = True
                    return
        self._end = (reader.position.segment, reader.position.offset)

    def _bad_place(self) -> tuple[Path, int]:
        """Return the file and the byte where the next good record should be."""
        bad = _nonzero_place(self.data, self.position.offset)
        if (
            bad is None
            and self.position.offset + RECORD_BYTES > len(self.data)
            and self.position.segment + 1 in self.later
        ):
            return self.directory.path_of(self.position.segment + 1), 0
        return self.directory.path_of(self.position.segment), self.position.offset if bad is None else bad

    def _has_hole(self, head: SegmentHead) -> bool:
        """Return whether the bad record looks as if a sector of it was not written, or not written last.

        Its head was stored last. So either it is missing, or everything is zero from the record's last word in a sector
        to the end of that sector.
        """
        at, size = self.position.offset, len(self.data)
        if at + RECORD_BYTES > size:  # the next record is in the next segment, whose head may not have been written
            following = self.position.segment + 1
            return size == head.segment_bytes and following in self.later and not self.directory.head(following).in_use
        if not any(self.data[at : at + WORD_BYTES]):
            return True
        return any(
            not any(self.data[min(at + RECORD_BYTES, end) - WORD_BYTES : end])
            for end in ((at // SECTOR + 1) * SECTOR, ((at + RECORD_BYTES - 1) // SECTOR + 1) * SECTOR)
        )


def _bytes_of(directory: Directory, path: Path) -> memoryview:
    return memoryview(directory.disk.read(path)).cast("B")


def _is_used(directory: Directory, number: int) -> bool:
    """Return whether a segment has more content than a prepared one."""
    data = _bytes_of(directory, directory.path_of(number))
    try:
        head = SegmentHead.decode(data)
    except BadHead:
        return True
    return head.in_use or _last_byte(data, head.first_offset) > head.first_offset


def _nonzero_place(data: memoryview, offset: int) -> int | None:
    """Return where a reader expects the record after ``offset``: here, at the next page, or (None) in the next file."""
    for at in (offset, -(-offset // PAGE) * PAGE):
        if at + RECORD_BYTES <= len(data) and any(data[at : at + WORD_BYTES]):
            return at
    return None


def _last_byte(data: memoryview, offset: int) -> int:
    """Return the offset after the last nonzero byte from ``offset`` on; ``offset`` without one."""
    end = len(data)
    while end > offset:
        first = max(offset, end - PIECE)
        found = np.flatnonzero(np.frombuffer(data[first:end], np.uint8))
        if len(found):
            return first + int(found[-1]) + 1
        end = first
    return offset
