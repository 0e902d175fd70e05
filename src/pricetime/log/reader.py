"""Reads a journal from a position on, and checks the CRC of each command in place.

The same scan reads a journal that is being written and one that a crash has left. It stops at the first record that is
not good, or not yet: a follower calls again, and ``tail.judge`` says what follows the end of a journal that no
process writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cython
import numpy as np

from pricetime.log.batch import Batch, Checkpoint, Position
from pricetime.log.configuration import Configuration
from pricetime.log.directory import Directory
from pricetime.log.errors import JournalDamaged, JournalForked
from pricetime.log.segment import CRC_OFFSET, BadHead, SegmentHead
from pricetime.types import COMMAND

if not cython.compiled:  # the compiled form has them from reader.pxd
    from pricetime.log.layout import CHECKPOINT, COMMAND_BYTES, COMMAND_WORDS, PAGE_WORDS, RECORD_WORDS, WORD_BYTES
    from pricetime.native.crc import linked

#: Commands of a batch by default: 4 MiB.
LIMIT = 1 << 16

NOTHING = np.empty(0, COMMAND)


@cython.final
@cython.cclass
class Reader:
    """Reads the journal in ``directory`` from ``position`` on, by default from its oldest segment.

    Commands come without a gap in their sequences. Raises JournalDamaged if the segment of the position is missing,
    invalid, or ends before the position; OSError.
    """

    if not cython.compiled:
        directory: Directory
        configuration: Configuration
        head: SegmentHead
        next: memoryview | None

    def __init__(self, directory: Directory, position: Position | None = None) -> None:
        self.directory = directory
        if position is None:
            position = start_of(directory)
        self.head = None  # type: ignore[assignment]  # until the first segment
        self.met_checkpoint = False
        self.sequence = position.sequence
        data, head = _opened(directory, position.segment, position.sequence)
        self._use(data, head)
        self.link = position.link
        self.offset = position.offset
        self.room = NOTHING
        if self.offset > self.n_bytes:
            raise JournalDamaged(
                directory.path_of(self.number),
                self.n_bytes,
                position.sequence,
                f"the file ends before byte {self.offset}",
            )

    @property
    def position(self) -> Position:
        """Position after the last command or checkpoint that was read."""
        return Position(self.number, self.offset, self.link, self.sequence)

    def read(self, limit: int = LIMIT) -> Batch:
        """Return the next commands, as a ``Batch`` of at most ``limit``; an empty one at the end, for now.

        The commands of a batch have one configuration and one epoch. The array belongs to the caller. Raises OSError.
        """
        self._map_again()
        if len(self.room) != limit:
            self.room = np.empty(limit, COMMAND)
        out: u64[::1] = self.room.view(np.uint64).data
        checkpoints: list[Checkpoint] = []
        count: u64 = 0
        most: u64 = limit
        while count < most:
            with cython.nogil:
                count = self._scan(out, count, most)
            if self.met_checkpoint:
                self.met_checkpoint = False
                checkpoints.append(Checkpoint(count, self.sequence, self.synced, self.seq_num, self.report_checksum))
            elif count < most and not self._enter_next(count == 0 and not checkpoints):
                break
        return Batch(self._taken(count), checkpoints, self.configuration, self.head.epoch)

    def batches(self, limit: int = LIMIT) -> Iterator[Batch]:
        """Iterate over the batches from here to the end, for now. Raises OSError."""
        while not (batch := self.read(limit)).at_end:
            yield batch

    def skip_to(self, sequence: int) -> Position:
        """Read up to a command, or to the end, and return the position. O(commands). Raises OSError."""
        while (left := sequence - self.sequence) > 0 and not self.read(min(left, LIMIT)).at_end:
            pass
        return self.position

    def _taken(self, count: u64) -> Any:
        """Return the first commands of the buffer, as an array of its own."""
        if count == 0:
            return NOTHING
        if 4 * count <= self.room.size:
            return self.room[:count].copy()
        taken, self.room = self.room, NOTHING
        return taken[:count]

    def _scan(self, out: Any, count: u64, most: u64) -> u64:
        """Copy good commands into ``out``, up to ``most`` or to a checkpoint. Returns how many there are."""
        at: u64 = self.offset // WORD_BYTES
        end: u64 = self.n_bytes // WORD_BYTES
        n_words: u64 = COMMAND_WORDS
        while count < most:
            head: u64 = 0
            if at + RECORD_WORDS <= end:
                head = head_at(self.words, at)
            if head == 0:  # the writer may have gone to the next page
                page: u64 = (at + PAGE_WORDS - 1) // PAGE_WORDS * PAGE_WORDS
                if page == at or page + RECORD_WORDS > end:
                    break
                at = page
                head = head_at(self.words, at)
            length: u64 = COMMAND_BYTES
            crc: u64 = link_at(self.words, at + 1, self.link)
            if head != crc << 32 | length:
                break
            sequence: u64 = self.words[at + 1]
            kind: u8 = self.words[at + 4] & 0xFF
            if kind == CHECKPOINT:
                if sequence != self.sequence or self.words[at + 5] > sequence:
                    break
                self.synced = self.words[at + 5]
                self.seq_num = self.words[at + 7]
                self.report_checksum = self.words[at + 8] >> 32
                self.met_checkpoint = True
            else:
                if sequence != self.sequence + 1:
                    break
                i: u64
                for i in range(n_words):
                    out[n_words * count + i] = self.words[at + 1 + i]
                self.sequence = sequence
                count += 1
            self.link = crc
            at += RECORD_WORDS
            self.offset = WORD_BYTES * at
            if self.met_checkpoint:
                break
        return count

    # ------------------------------------------------------------------ from segment to segment

    def _use(self, data: Any, head: Any) -> cython.int:
        """Read this segment from now on."""
        if self.head is None or self.head.configuration != head.configuration:
            self.configuration = Configuration.from_json(head.configuration)
        self.head = head
        self.number = head.number
        self.next = None
        self._map(data)

    def _map(self, data: Any) -> cython.int:
        view = memoryview(data).cast("B")
        self.n_bytes = len(view) // WORD_BYTES * WORD_BYTES
        self.size = len(view)
        self.words = view[: self.n_bytes].cast("Q")

    def _map_again(self) -> cython.int:
        """Map the file again if its size has changed: a mapping must not be read beyond the end of the file."""
        path = self.directory.path_of(self.number)
        if self.directory.disk.size(path) != self.size:
            self._map(self.directory.disk.read(path))

    def _enter_next(self, may_differ: cython.bint) -> cython.bint:
        """Continue in the next segment. Returns False without one that continues this one.

        ``may_differ``: it may have a different configuration or epoch.
        """
        data = self._next_data()
        if data is None:
            return False
        try:
            head = SegmentHead.decode(data)
            if not head.in_use:
                return False
        except BadHead:
            return False  # begins to be used just now, or is damaged: judge finds out
        if head.number != self.number + 1 or head.journal != self.head.journal:
            return False
        if (why := head.fork_of(self.head, self.sequence)) is not None:
            raise JournalForked(self.directory.path_of(head.number), self.sequence, why)
        if head.carried != self.link or head.first_sequence != self.sequence + 1:
            return False
        if not may_differ and (head.configuration, head.epoch) != (self.head.configuration, self.head.epoch):
            return False
        self._use(data, head)
        self.link = head.crc
        self.offset = head.first_offset
        return True

    def _next_data(self) -> Any:
        """Return the bytes of the next segment if it may be in use, else None."""
        path = self.directory.path_of(self.number + 1)
        try:
            if self.next is None or self.directory.disk.size(path) != len(self.next):
                self.next = memoryview(self.directory.disk.read(path))
        except FileNotFoundError:
            self.next = None
            return None
        return self.next if any(self.next[CRC_OFFSET : CRC_OFFSET + 4]) else None


def start_of(directory: Directory, number: int | None = None) -> Position:
    """Return the position before the first record of a segment, by default of the oldest. May raise as ``Reader``."""
    if number is None:
        numbers = directory.segments()
        if not numbers:
            raise JournalDamaged(directory.path_of(1), 0, 0, "the directory has no segment")
        number = numbers[0]
    _, head = _opened(directory, number, 0)
    return Position(number, head.first_offset, head.crc, max(head.first_sequence, 1) - 1)


def start_before(directory: Directory, sequence: int) -> Position:
    """Return the start of the segment that has a command, or of the one nearest to it. May raise as ``Reader``."""
    start = None
    for number in directory.segments():
        try:
            head = directory.head(number)
        except BadHead:
            continue
        if head.in_use and (start is None or head.first_sequence <= sequence):
            start = number
    if start is None:
        raise JournalDamaged(directory.path_of(1), 0, 0, "no segment is in use")
    return start_of(directory, start)


def position_after(directory: Directory, sequence: int) -> Position:
    """Return the position after a command, which must be in the journal. May raise as ``Reader``. O(its segment)."""
    position = Reader(directory, start_before(directory, sequence + 1)).skip_to(sequence)
    if position.sequence != sequence:
        path = directory.path_of(position.segment)
        raise JournalDamaged(path, position.offset, position.sequence, f"command {sequence} is not in the journal")
    return position


def _opened(directory: Directory, number: int, sequence: int) -> tuple[Any, SegmentHead]:
    """Return the bytes of a segment, and its head. Raises JournalDamaged, after the command ``sequence``; OSError."""
    path = directory.path_of(number)
    try:
        data = directory.disk.read(path)
        head = SegmentHead.decode(data)
    except FileNotFoundError:
        raise JournalDamaged(path, 0, sequence, "this segment is missing") from None
    except BadHead as error:
        raise JournalDamaged(path, 0, sequence, str(error)) from error
    if head.number != number:
        raise JournalDamaged(path, 0, sequence, f"it is segment {head.number}")
    return data, head


def head_at(words: Any, at: u64) -> u64:
    """Load the head of a record. The writer stored everything after it before."""
    return load_u64(cython.address(words[at]), ACQUIRE) if cython.compiled else words[at]


def link_at(words: Any, at: u64, previous: u32) -> u32:
    """Return the CRC of the command at a position, after a record with the CRC ``previous``."""
    if not cython.compiled:
        return linked(previous, words[at : at + COMMAND_WORDS])
    return link(previous, cython.address(words[at]), COMMAND_WORDS)
