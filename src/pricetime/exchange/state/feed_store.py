"""The feed store: the newest reports of the feed, from which they are sent and retransmitted.

It is a ring indexed by sequence number with one writer thread and any number of readers. A reader copies reports and
then checks ``claimed``, which the writer raises before it overwrites a report: so a reader detects a copy that was
overwritten meanwhile. The writer never waits.

The store also keeps, for each report, the checksum of all reports before it: a running CRC-32C over their 48 bytes.
Heartbeats, snapshots and retransmissions carry this checksum, so a subscriber can verify that it has applied what was
sent.
"""

from __future__ import annotations

from typing import SupportsIndex

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.checks import whole
from pricetime.errors import InvalidSetting, SnapshotMismatch
from pricetime.native.crc import linked_records
from pricetime.types import REPORT

if cython.compiled:
    from cython.cimports.cpython.bytes import PyBytes_AS_STRING, PyBytes_FromStringAndSize
    from cython.cimports.libc.string import memcpy


@cython.final
@cython.cclass
class FeedStore:
    """Holds ``capacity`` reports, a power of two. ``epoch``: identifies this feed. Raises MemoryError."""

    if not cython.compiled:
        checksum = cython.NULL

    def __init__(self, capacity: SupportsIndex, epoch: int) -> None:
        capacity = whole(capacity, 2, 1 << 32, InvalidSetting, "capacity of the feed store")
        if capacity & (capacity - 1):
            raise InvalidSetting(f"capacity of the feed store {capacity}: give a power of two")
        self.capacity = capacity
        self.mask = capacity - 1
        self.epoch = epoch
        self.next = self.published = self.claimed = 1
        self.reports = cython.cast(cython.pointer[Report], reserve(self.capacity * cython.sizeof(Report)))
        self.checksums = cython.cast(cython.pointer[u32], reserve(2 * self.capacity * cython.sizeof(u32)))
        if not self.reports or not self.checksums:
            raise MemoryError(f"no room for {capacity} reports")

    def __dealloc__(self) -> None:
        release(self.reports, self.capacity * cython.sizeof(Report))
        release(self.checksums, 2 * self.capacity * cython.sizeof(u32))

    def prefault(self) -> None:
        """Take all memory of the store from the system. Before the first report."""
        prefault_pages(self.reports, self.capacity * cython.sizeof(Report))
        prefault_pages(self.checksums, 2 * self.capacity * cython.sizeof(u32))

    # ------------------------------------------------------------------ the writer

    def begin(self, count: u64) -> None:
        """Announce that the next ``count`` reports will be written over the oldest."""
        if self.next + count > self.capacity + self.claimed:
            store_u64(cython.address(self.claimed), self.next + count - self.capacity, RELEASE)
            fence(RELEASE)

    def append(self) -> cython.pointer[Report]:
        """The slot of the next report, with its sequence number set; the caller fills in the rest."""
        report: cython.pointer[Report] = cython.address(self.reports[(self.next - 1) & self.mask])
        report.seq_num = self.next
        self.next += 1
        return report

    def publish(self) -> None:
        """Make the appended reports visible to readers."""
        self._link(self.published, self.next)
        store_u64(cython.address(self.published), self.next, RELEASE)

    def _link(self, first: u64, end: u64) -> None:
        """Compute the checksums before reports ``first + 1`` to ``end``."""
        checksum: u32 = self.checksum
        number: u64
        for number in range(first, end):
            words: cython.p_void = self.at(number)
            checksum = link(checksum, cython.cast(cython.pointer[cython.const[u64]], words), REPORT_WORDS)
            self.checksums[(number + 1) & (2 * self.capacity - 1)] = checksum
        self.checksum = checksum

    def extend(self, reports: NDArray[np.void]) -> None:
        """Append and publish an array of ``REPORT`` with new sequence numbers. For tests."""
        source: cython.pointer[Report] = cython.cast(cython.pointer[Report], records_of(reports))
        count: u64 = len(reports)
        self.begin(count)
        i: u64
        for i in range(count):
            number: u64 = self.next
            report: cython.pointer[Report] = self.append()
            report[0] = source[i]
            report.seq_num = number
        self.publish()

    def load(self, next_sequence: SupportsIndex, reports: NDArray[np.void], checksum: int) -> None:
        """Continue a feed whose next report is ``next_sequence``.

        ``reports``: array of ``REPORT``, the newest reports before it. ``checksum``: of all reports before ``reports``.
        Only in an empty store. Raises SnapshotMismatch and then changes nothing.
        """
        number = whole(next_sequence, 1, (1 << 64) - 1, SnapshotMismatch, "the next sequence of a feed")
        if self.next != 1:
            raise SnapshotMismatch(f"this store already has {self.next - 1} reports: load into a new one")
        first = number - len(reports)
        if first < 1 or (reports["seq_num"] != np.arange(len(reports), dtype=np.uint64) + np.uint64(first)).any():
            raise SnapshotMismatch(f"the reports do not have consecutive sequence numbers up to {number - 1}")
        left_out = max(0, len(reports) - int(self.capacity))
        self.checksum = linked_records(checksum, reports[:left_out].data, REPORT.itemsize)
        reports = reports[left_out:]
        source: cython.pointer[Report] = cython.cast(cython.pointer[Report], records_of(reports))
        self.next = number
        oldest: u64 = number - len(reports)
        i: u64
        for i in range(oldest, self.next):
            self.reports[(i - 1) & self.mask] = source[i - oldest]
        self.checksums[oldest & (2 * self.capacity - 1)] = self.checksum
        self._link(oldest, self.next)
        self.published = self.next
        store_u64(cython.address(self.claimed), oldest, RELEASE)
        self.publish()

    # ------------------------------------------------------------------ readers

    def newest(self) -> u64:
        """Sequence number of the next report: reports below it can be read."""
        return load_u64(cython.address(self.published), ACQUIRE)

    def run_from(self, number: u64) -> u64:
        """How many reports from ``number`` on are contiguous in memory."""
        return min(self.newest() - number, self.capacity - ((number - 1) & self.mask))

    def at(self, number: u64) -> cython.pointer[Report]:
        return cython.address(self.reports[(number - 1) & self.mask])

    @property
    def next_sequence(self) -> int:
        """Sequence number of the next report of the feed."""
        return self.newest()

    @property
    def oldest(self) -> int:
        """Sequence number of the oldest stored report; ``next_sequence`` if the store is empty."""
        return load_u64(cython.address(self.claimed), ACQUIRE)

    def checksum_before(self, number: int) -> int | None:
        """Checksum of all reports before ``number``, which may be the next one; None if it is not known."""
        wanted: u64 = number
        if wanted < self.oldest or wanted > self.newest():
            return None
        checksum: u32 = self.checksums[wanted & (2 * self.capacity - 1)]
        fence(ACQUIRE)
        return checksum if wanted >= self.oldest else None

    def copy(self, first: int, count: int) -> bytes | None:
        """The bytes of ``count`` reports from ``first`` on; None if the store does not hold all of them."""
        start: u64 = first
        wanted: u64 = count
        newest: u64 = self.newest()
        if start < self.oldest or start > newest or wanted > newest - start:
            return None
        copied = PyBytes_FromStringAndSize(cython.NULL, wanted * cython.sizeof(Report))
        target: cython.p_char = PyBytes_AS_STRING(copied)
        one: u64 = min(wanted, self.capacity - ((start - 1) & self.mask))
        memcpy(target, self.at(start), one * cython.sizeof(Report))
        memcpy(target + one * cython.sizeof(Report), self.reports, (wanted - one) * cython.sizeof(Report))
        fence(ACQUIRE)
        return copied if start >= self.oldest else None

    def array(self, first: int, count: int) -> NDArray[np.void]:
        """Like ``copy``, as an array of ``REPORT``. The store holds all of them."""
        copied = self.copy(first, count)
        assert copied is not None, f"the store does not hold {count} reports from {first} on"
        return np.frombuffer(copied, REPORT)
