"""The streams: each owner's newest reports, numbered 1, 2, 3 ..., in a ring.

A stream begins with its first report, even if its owner has never logged in, as in a replay. It may have one reader,
the owner's connection, which says up to which report it has read. A report that the reader still needs is not
overwritten: ``has_room`` tells the writer to wait for the reader.
"""

from __future__ import annotations

from typing import Any, SupportsIndex

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.checks import whole
from pricetime.errors import InvalidSetting, SnapshotMismatch
from pricetime.log.snapshot import OWNER
from pricetime.native.arrays import Block
from pricetime.types import REPORT


@cython.final
@cython.cclass
class Streams:
    """The streams of all owners. ``capacity``: reports that each keeps, a power of two. Raises MemoryError."""

    if not cython.compiled:
        spares = spare_count = cython.NULL

    def __init__(self, capacity: SupportsIndex) -> None:
        self.capacity = whole(capacity, 2, 1 << 32, InvalidSetting, "capacity of a stream")
        if self.capacity & (self.capacity - 1):
            raise InvalidSetting(f"capacity of a stream {capacity}: give a power of two")
        self.mask = self.capacity - 1
        self.fresh_count = 0
        owners: cython.size_t = OWNERS
        self.streams = cython.cast(cython.pointer[Stream], reserve(owners * cython.sizeof(Stream)))
        self.fresh = cython.cast(cython.pointer[u32], reserve(owners * cython.sizeof(u32)))
        if not self.streams or not self.fresh:
            raise MemoryError("no room for streams")

    def __dealloc__(self) -> None:
        owners: cython.size_t = OWNERS
        owner: u32
        while self.spare_count != 0:
            release(self._take_spare(), self.capacity * REPORT_BYTES)
        if self.streams:
            for owner in range(cython.cast(u32, OWNERS)):
                if self.streams[owner].reports:
                    release(self.streams[owner].reports, self.capacity * REPORT_BYTES)
        release(self.streams, owners * cython.sizeof(Stream))
        release(self.fresh, owners * cython.sizeof(u32))

    def prefault(self, count: int) -> None:
        """Take the memory of ``count`` streams (at most 64) from the system, for the first owners.

        Without it, the first reports of an owner would sometimes wait for a page fault, because a stream is filled from
        its beginning. Raises MemoryError.
        """
        while self.spare_count < min(cython.cast(u32, count), cython.cast(u32, MOST_SPARES)):
            reports: cython.pointer[Report] = cython.cast(cython.pointer[Report], reserve(self.capacity * REPORT_BYTES))
            if not reports:
                raise MemoryError("no room for streams")
            prefault_pages(reports, self.capacity * REPORT_BYTES)
            self.spares[self.spare_count] = reports
            self.spare_count += 1

    def _take_spare(self) -> cython.pointer[Report]:
        """Take a preallocated stream from the pool."""
        self.spare_count -= 1
        return self.spares[self.spare_count]

    # ------------------------------------------------------------------ the writer

    def open(self, s: cython.pointer[Stream]) -> cython.bint:
        """Get memory for a stream: preallocated if there is some, otherwise new. False if there is no memory."""
        if self.spare_count != 0:
            s.reports = self._take_spare()
        else:
            s.reports = cython.cast(cython.pointer[Report], reserve(self.capacity * REPORT_BYTES))
        self._update(s)
        return s.reports != cython.NULL

    def has_room(self, owner: u32, count: u64) -> cython.bint:
        """Can so many reports be appended without overwriting one that the reader still needs?"""
        s: cython.pointer[Stream] = cython.address(self.streams[owner])
        return s.limit == 0 or s.count + count <= s.limit

    def make_ready(self, owner: u32) -> cython.bint:
        """Prepare the stream of an owner for a report: take memory for it, and put the owner on the list of ``mark``.

        False if the report has no owner (0), or if there is no memory: then the numbers of the stream continue and the
        report is lost. There must be room for it. Afterwards the caller writes reports until ``open_until``: each into
        the slot at ``count``, which it then raises by 1; that is the number of the report.
        """
        s: cython.pointer[Stream] = cython.address(self.streams[owner])
        if owner == 0:
            return False
        if s.reports == cython.NULL and not self.open(s):
            s.count += 1
            s.lost = s.count
            return False
        if s.limit != 0:
            self.mark(owner)
        return True

    # ------------------------------------------------------------------ the reader

    def mark(self, owner: u32) -> None:
        """Put this owner on the list of owners whose reader has something to read."""
        s: cython.pointer[Stream] = cython.address(self.streams[owner])
        if not s.fresh:
            s.fresh = 1
            self.fresh[self.fresh_count] = owner
            self.fresh_count += 1
            self._update(s)

    def take(self, owner: u32) -> None:
        """Note that this owner was taken off the list, because its reader now reads."""
        self.streams[owner].fresh = 0
        self._update(cython.address(self.streams[owner]))

    def read_up_to(self, owner: u32, number: u64) -> None:
        """Note that the reader of this stream has all reports up to ``number``, and needs those after it."""
        self.streams[owner].limit = number + self.capacity
        self._update(cython.address(self.streams[owner]))

    def leave(self, owner: u32) -> None:
        """Note that this stream has no reader any more."""
        self.streams[owner].limit = 0
        self._update(cython.address(self.streams[owner]))

    def _update(self, s: cython.pointer[Stream]) -> None:
        """Set ``open_until`` after a change of the other fields."""
        if s.reports == cython.NULL or (s.limit != 0 and not s.fresh):
            s.open_until = 0
        else:
            s.open_until = s.limit if s.limit != 0 else NO_LIMIT

    def oldest(self, s: cython.pointer[Stream]) -> u64:
        """Number of the oldest report in a stream; that of the next one if it is empty."""
        return max(s.count - min(s.count, self.capacity), s.lost) + 1

    # ------------------------------------------------------------------ snapshots

    def dump(self, most: int) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """The streams for a snapshot: an array of ``log.snapshot.OWNER``, and an array of their newest reports.

        ``most``: maximum number of reports of each stream. Owners without a report are left out. O(owners + reports).
        Raises MemoryError.
        """
        limit: u64 = most
        owners: u64 = 0
        reports: u64 = 0
        owner: u32
        for owner in range(1, cython.cast(u32, OWNERS)):
            if self.streams[owner].count != 0:
                owners += 1
                reports += self._kept(cython.address(self.streams[owner]), limit)
        headers: Block = Block((owners + 1) * cython.sizeof(SnapshotOwner))
        block: Block = Block((reports + 1) * REPORT_BYTES)
        with cython.nogil:
            self._write(
                cython.cast(cython.pointer[SnapshotOwner], headers.memory),
                cython.cast(cython.pointer[Report], block.memory),
                limit,
            )
        return headers.array(OWNER, owners), block.array(REPORT, reports)

    def _kept(self, s: cython.pointer[Stream], most: u64) -> u64:
        """Number of reports in a stream, at most ``most``."""
        return min(most, s.count + 1 - self.oldest(s))

    def _write(self, headers: cython.pointer[SnapshotOwner], reports: cython.pointer[Report], most: u64) -> None:
        done: u64 = 0
        count: u64 = 0
        owner: u32
        for owner in range(1, cython.cast(u32, OWNERS)):
            s: cython.pointer[Stream] = cython.address(self.streams[owner])
            if s.count != 0:
                kept: u64 = self._kept(s, most)
                headers[count].owner = owner
                headers[count].kept = kept
                headers[count].next_sequence = s.count + 1
                count += 1
                i: u64
                for i in range(s.count - kept, s.count):
                    reports[done] = s.reports[i & self.mask]
                    done += 1

    def load(self, owners: NDArray[np.void], reports: NDArray[np.void]) -> None:
        """Load the result of ``dump`` before the first report. Older reports are lost.

        Raises SnapshotMismatch, and then changes nothing. Raises MemoryError, after which these streams cannot be used.
        """
        self._check(owners, reports)
        headers: cython.pointer[SnapshotOwner] = cython.cast(cython.pointer[SnapshotOwner], records_of(owners))
        source: cython.pointer[Report] = cython.cast(cython.pointer[Report], records_of(reports))
        i: u64
        j: u64
        for i in range(cython.cast(u64, len(owners))):
            s: cython.pointer[Stream] = cython.address(self.streams[headers[i].owner])
            s.count = headers[i].next_sequence - 1
            s.lost = s.count - headers[i].kept
            if not self.open(s):
                raise MemoryError(f"no room for the stream of owner {headers[i].owner}")
            for j in range(self.oldest(s) - 1, s.count):
                s.reports[j & self.mask] = source[j - s.lost]
            source = source + headers[i].kept

    def _check(self, owners: Any, reports: Any) -> cython.int:
        """Check arrays of streams, and that there are no streams yet. Raises SnapshotMismatch."""
        owner: u32
        for owner in range(cython.cast(u32, OWNERS)):
            if self.streams[owner].reports or self.streams[owner].count != 0:
                raise SnapshotMismatch(f"owner {owner} already has a stream: load into new streams")
        number, kept = owners["owner"].astype(np.int64), owners["kept"].astype(np.int64)
        if ((number < 1) | (number >= OWNERS)).any() or (np.diff(number) <= 0).any():
            raise SnapshotMismatch(
                "the owners of the streams are not distinct numbers from 1 to 65535 in ascending order"
            )
        first = owners["next_sequence"].astype(np.int64) - kept
        if (first < 1).any() or kept.sum() != len(reports):
            raise SnapshotMismatch("the number of reports does not match the streams")
        numbers = np.repeat(first - (np.cumsum(kept) - kept), kept) + np.arange(len(reports))
        if (numbers != reports["seq_num"].astype(np.int64)).any():
            raise SnapshotMismatch("the sequence numbers of the reports do not match the streams")
        return 0
