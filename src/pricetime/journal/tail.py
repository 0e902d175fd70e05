"""What lies behind the last good record of a journal that nobody writes: nothing, what a crash tore, or damage.

A crash leaves the last records in pieces: the system may have written any of the 512-byte sectors that were not synced,
in any order, and the others are zero, since no byte of a journal is stored into twice. Such a tail is cut, for nobody
was told that it is durable. Damage is all else: it is never cut but by ``repair``. What tells them apart:

- a checkpoint further on says that this place was durable: then it was good once;
- good records follow, and the bad one has no hole as a lost sector leaves it;
- a snapshot of a later command is there, and none is published before its command is durable;
- a segment is missing and a later one is there: each is made, and the folder synced, before the next;
- a later segment is of another journal, or its head is not what was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..native.crc import linked
from .directory import Directory
from .errors import JournalDamaged, SegmentMissing
from .position import Position
from .segment import PAGE, BadHead, SegmentHead, read_head

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECORD, WORD, SECTOR = 72, 8, 512
LENGTH, RECORD_WORDS, CHECKPOINT = 64, 9, 15

#: Bytes that are looked through for the first or last one that is not zero, at a time.
PIECE = 1 << 20


class Later(NamedTuple):
    """A segment behind the one where good records end."""

    path: Path
    used: bool  #: something is in it, beside what it was prepared with


@dataclass(frozen=True)
class Tail:
    """What ``cut`` would do, and what speaks against it. Everything before ``position`` is good and stays."""

    position: Position
    path: Path  #: the file in which good records end
    size: int  #: of it, bytes
    cut_bytes: int  #: of it, behind the position, up to the last that is not zero
    later: tuple[Later, ...]  #: segments, which go as well
    snapshots: tuple[int, ...]  #: of later commands
    records: int  #: good ones behind the position, as far as they were counted
    resized: bool  #: the file is not as long as it was made, and nothing carries on from it
    damage: JournalDamaged | None  #: why this is not what a crash leaves
    missing: tuple[Path, ...]  #: segments that are not there although a later one is

    @property
    def clean(self) -> bool:
        """Nothing is behind the last good record."""
        return self.damage is None and not self.cut_bytes and not any(later.used for later in self.later)

    @property
    def lost(self) -> bool:
        """Commands may be gone whose reports were seen."""
        return self.records > 0 or self.resized or self.damage is not None


def judge(directory: Directory, position: Position) -> Tail:
    """What lies behind ``position``, where a reader found no more. Raises JournalDamaged, OSError."""
    tail = examine(directory, position)
    if tail.damage is not None:
        raise tail.damage
    return tail


def examine(directory: Directory, position: Position) -> Tail:
    """The same, and damage is told of in what it returns. Raises OSError."""
    path = directory.path_of(position.segment)
    data = _bytes_of(directory, path)
    head = SegmentHead.decode(data)
    last = _last_byte(data, position.offset)
    numbers = [number for number in directory.segments() if number > position.segment]
    later = tuple(Later(directory.path_of(number), _is_used(directory, number)) for number in numbers)
    snapshots = tuple(sorted(sequence for sequence in directory.snapshots() if sequence > position.sequence))
    behind = _Behind(directory, position, data, numbers)
    damage = behind.bad_file(head)
    if damage is None and (last > position.offset or any(found.used for found in later)):
        damage = behind.damage(head)
    if damage is None and snapshots:
        why = f"it ends there, and all up to command {snapshots[-1]} was on the disk when its snapshot was made"
        damage = JournalDamaged(path, position.offset, position.sequence, why)
    return Tail(
        position=position,
        path=path,
        size=len(data),
        cut_bytes=last - position.offset,
        later=later,
        snapshots=snapshots,
        records=behind.records,
        resized=len(data) != head.segment_bytes,
        damage=damage,
        missing=tuple(map(directory.path_of, _missing(position.segment, numbers))),
    )


def examine_live(directory: Directory, position: Position) -> Tail:
    """The same of a journal that may be written meanwhile: what came after the reader is no damage. Raises OSError."""
    from .reader import Reader

    tail = examine(directory, position)
    if tail.clean or Reader(directory, position).read(1).at_end:
        return tail
    return replace(tail, damage=None, cut_bytes=0, later=(), snapshots=(), records=0, missing=())


def missing_after(directory: Directory, position: Position) -> SegmentMissing | None:
    """The segment that is lost after ``position``, where a reader found no more; None if none is. Raises OSError."""
    if (missing := directory.missing_after(position.segment)) is None:
        return None
    number, later = missing
    return SegmentMissing(directory.path_of(number), position.sequence, directory.path_of(later))


def cut(directory: Directory, tail: Tail) -> list[Path]:
    """Make a journal end at its last good record: the files that keep what was behind it. Raises OSError.

    The journal must be locked. Done again after a crash in the middle, it comes to the same end.
    """
    disk, kept, at = directory.disk, [], tail.position.offset
    if tail.cut_bytes:
        data = bytes(_bytes_of(directory, tail.path)[at : at + tail.cut_bytes])
        kept.append(_keep(directory, f"{tail.position.segment:08}.{at}", data))
    for later in reversed(tail.later):  # from the end, so that there is never a gap
        if later.used:
            kept.append(_free_name(directory, later.path.name))
            disk.rename(later.path, kept[-1])
        else:
            disk.unlink(later.path)
        disk.sync_folder(directory.path)  # after each: a loss of power must not leave a gap
    for sequence in tail.snapshots:
        kept.append(_free_name(directory, directory.snapshot_path(sequence).name))
        disk.rename(directory.snapshot_path(sequence), kept[-1])
    if kept:
        disk.sync_folder(directory.path)
    if tail.cut_bytes:  # else it is left as long as it is until the next segment is in use: see ``Syncer.open``
        disk.truncate(tail.path, at)
    elif tail.lost and not tail.resized:  # from now on its length tells that commands are lost
        disk.truncate(tail.path, at if at < tail.size else at + PAGE)
    return kept


def _keep(directory: Directory, stem: str, data: bytes) -> Path:
    """The bytes in a file of their own, which has its name only when they are on the disk."""
    disk = directory.disk
    path = directory.path / f"{stem}.broken"
    if path.name in disk.names(directory.path) and bytes(memoryview(disk.read(path))) == data:
        return path  # an earlier try came so far
    path = _free_name(directory, stem)
    temporary = path.with_name(f"{path.name}.temporary")
    if temporary.name in disk.names(directory.path):
        disk.unlink(temporary)
    fd = disk.create(temporary)
    try:
        disk.write(fd, data, 0)
        disk.sync(fd)
    finally:
        disk.close(fd)
    disk.rename(temporary, path)
    return path


def _free_name(directory: Directory, stem: str) -> Path:
    """A name that ends in .broken and that no file has: nothing that was kept is ever overwritten."""
    taken = set(directory.disk.names(directory.path))
    name, n = f"{stem}.broken", 1
    while name in taken:
        n += 1
        name = f"{stem}.{n}.broken"
    return directory.path / name


# ---------------------------------------------------------------------- what is behind the last good record


class _Behind:
    """The search for good records behind the position."""

    def __init__(self, directory: Directory, position: Position, data: memoryview, later: list[int]) -> None:
        self.directory = directory
        self.position = position
        self.data = data
        self.later = later
        self.records = 0  #: found so far
        self.proven = False  #: one of them says that the place of the bad one was durable
        self._end = (0, 0)  # segment and byte: so far walks have gone

    def bad_file(self, head: SegmentHead) -> JournalDamaged | None:
        """A later segment that is missing, or is not the one that its name says; None if all are right."""
        directory, sequence = self.directory, self.position.sequence
        for number in self.later:
            if (why := _bad_head(directory, number, head)) is not None:
                return JournalDamaged(directory.path_of(number), 0, sequence, why)
        return missing_after(directory, self.position)

    def damage(self, head: SegmentHead) -> JournalDamaged | None:
        """Why what is there was not left by a crash, or None."""
        sequence = self.position.sequence
        for place in self._places():
            self._walk(place)
            if self.proven:
                break
        path, offset = self._bad_place()
        if self.proven:
            why = f"command {sequence + 1} was on the disk, says a later record, and is not there"
        elif self.records and not self._has_hole(head):
            why = "good records follow, and it is not as a power failure leaves it"
        else:
            return None
        return JournalDamaged(path, offset, sequence, why)

    def _places(self) -> Iterator[Position]:
        """Where a good record may follow: behind the bad one, then anywhere in this file, then in each later one."""
        bad = _nonzero_place(self.data, self.position.offset)
        if bad is not None:
            body = self.data[bad + WORD : bad + RECORD]
            stored = int.from_bytes(self.data[bad + 4 : bad + WORD], "little")
            for link in {stored, linked(self.position.link, body)}:
                yield self._place(self.position.segment, self.data, bad + RECORD, link)
        yield from self._pairs(self.position.segment, self.data, self.position.offset)
        for number in self.later:
            data = _bytes_of(self.directory, self.directory.path_of(number))
            head = SegmentHead.decode(data)
            yield self._place(number, data, head.first_offset, head.crc)
            yield from self._pairs(number, data, head.first_offset)

    def _pairs(self, number: int, data: memoryview, offset: int) -> Iterator[Position]:
        """Wherever something looks like two records of which the second covers the CRC of the first."""
        words = _words(data)
        lengths = words.astype("<u4", casting="unsafe") == LENGTH if offset < len(data) else np.zeros(0, bool)
        first = offset // WORD
        if len(lengths) < first + 2 * RECORD_WORDS:
            return
        both = np.flatnonzero(
            lengths[first : -2 * RECORD_WORDS + 1] & lengths[first + RECORD_WORDS : -RECORD_WORDS + 1]
        )
        for at in (both + first).tolist():
            if (number, WORD * at) < self._end:
                continue
            crc, second = int(words[at]) >> 32, WORD * (at + RECORD_WORDS)
            if linked(crc, data[second + WORD : second + RECORD]) == int(words[at + RECORD_WORDS]) >> 32:
                yield self._place(number, data, second, crc)

    def _place(self, number: int, data: memoryview, offset: int, link: int) -> Position:
        """The position there, with the sequence that the record which follows must come behind."""
        sequence = self.position.sequence
        at = _nonzero_place(data, offset)
        if at is not None:
            said = int.from_bytes(data[at + 8 : at + 16], "little")
            sequence = said if data[at + 32] == CHECKPOINT else max(said, 1) - 1
        elif number + 1 in self.later:
            head = SegmentHead.decode(_bytes_of(self.directory, self.directory.path_of(number + 1)))
            sequence = max(head.first_sequence, 1) - 1
        return Position(number, offset, link, sequence)

    def _walk(self, place: Position) -> None:
        """Count the good records from a place on, as long as they do not say what was durable."""
        from .reader import Reader

        reader = Reader(self.directory, place)
        while not (batch := reader.read()).at_end:
            self.records += len(batch.commands) + len(batch.checkpoints)
            if any(checkpoint.synced > self.position.sequence for checkpoint in batch.checkpoints):
                self.proven = True
                return
        self._end = (reader.position.segment, reader.position.offset)

    def _bad_place(self) -> tuple[Path, int]:
        """The file and the byte where the next good record should be."""
        bad = _nonzero_place(self.data, self.position.offset)
        if bad is None and self.position.offset + RECORD > len(self.data) and self.position.segment + 1 in self.later:
            return self.directory.path_of(self.position.segment + 1), 0
        return self.directory.path_of(self.position.segment), self.position.offset if bad is None else bad

    def _has_hole(self, head: SegmentHead) -> bool:
        """Does the bad record look as it does when a sector of it was not written, or not for the last time?

        Its head was stored last. So that is missing, or all is zero from its last word in a sector on to the end of it.
        """
        at, size = self.position.offset, len(self.data)
        if at + RECORD > size:  # the next one is in the next segment, whose head may not have been written
            following = self.position.segment + 1
            return (
                size == head.segment_bytes
                and following in self.later
                and not _head_of(self.directory, following).in_use
            )
        if not any(self.data[at : at + WORD]):
            return True
        return any(
            not any(self.data[min(at + RECORD, end) - WORD : end])
            for end in ((at // SECTOR + 1) * SECTOR, ((at + RECORD - 1) // SECTOR + 1) * SECTOR)
        )


def _bytes_of(directory: Directory, path: Path) -> memoryview:
    return memoryview(directory.disk.read(path)).cast("B")


def _words(data: memoryview) -> NDArray[np.uint64]:
    return np.frombuffer(data, "<u8", len(data) // WORD)


def _head_of(directory: Directory, number: int) -> SegmentHead:
    return SegmentHead.decode(_bytes_of(directory, directory.path_of(number)))


def _bad_head(directory: Directory, number: int, before: SegmentHead) -> str | None:
    """Why a file is not segment ``number`` of the journal that ``before`` is of, or None."""
    try:
        head = read_head(directory.disk, directory.path_of(number))
    except BadHead as error:
        return str(error)
    if head.number != number:
        return f"it is segment {head.number}"
    return (
        None
        if head.journal == before.journal
        else f"it is of another journal than {directory.path_of(before.number).name}"
    )


def _missing(number: int, later: list[int]) -> list[int]:
    """The numbers after ``number`` that are not among the later ones, up to the last of those."""
    return sorted(set(range(number + 1, max(later, default=number))).difference(later))


def _is_used(directory: Directory, number: int) -> bool:
    """Is there more in a segment than what it was prepared with?"""
    data = _bytes_of(directory, directory.path_of(number))
    try:
        head = SegmentHead.decode(data)
        head.verify(data)
    except BadHead:
        return True
    return head.in_use or _last_byte(data, head.first_offset) > head.first_offset


def _nonzero_place(data: memoryview, offset: int) -> int | None:
    """Where a reader looks for the record behind ``offset``: there, or at the next page; None: in the next segment."""
    for at in (offset, -(-offset // PAGE) * PAGE):
        if at + RECORD <= len(data) and any(data[at : at + WORD]):
            return at
    return None


def _last_byte(data: memoryview, offset: int) -> int:
    """Behind the last byte from ``offset`` on that is not zero; ``offset`` when there is none."""
    end = len(data)
    while end > offset:
        first = max(offset, end - PIECE)
        found = np.flatnonzero(np.frombuffer(data[first:end], np.uint8))
        if len(found):
            return first + int(found[-1]) + 1
        end = first
    return offset
