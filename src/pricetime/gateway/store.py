# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The newest reports of the feed: written once, sent from here, and read again by whoever missed some.

A ring indexed by the report's number. One thread writes; any thread reads. A reader copies first and then asks whether
the writer came round meanwhile: ``claimed`` is raised before a report is overwritten and looked at after the copy, so
a torn copy is always found. The replica is the one reader that is waited for: what it has not applied stays.

Beside each report stands the checksum of all reports before it: the link of CRC-32C from one report to the next, over
the 48 bytes of each. Heartbeats, snapshots and retransmissions carry it, so a subscriber finds out whether what it has
applied is what was sent.
"""

from __future__ import annotations

import cython
import numpy as np

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
    """Room for ``capacity`` reports, a power of two; ``epoch`` tells this feed from others. Raises MemoryError."""

    def __init__(self, capacity, epoch):
        capacity = whole(capacity, 2, 1 << 32, InvalidSetting, "reports kept by the feed")
        if capacity & (capacity - 1):
            raise InvalidSetting(f"{capacity} reports kept by the feed: give a power of two")
        self.capacity = capacity
        self.mask = capacity - 1
        self.epoch = epoch
        self.next = self.published = self.claimed = self.kept_from = 1
        self.reports = cython.cast(cython.pointer[Report], reserve(self.capacity * cython.sizeof(Report)))
        self.checksums = cython.cast(cython.pointer[u32], reserve(2 * self.capacity * cython.sizeof(u32)))
        if not self.reports or not self.checksums:
            raise MemoryError(f"no room for {capacity} reports")

    def __dealloc__(self):
        release(self.reports, self.capacity * cython.sizeof(Report))
        release(self.checksums, 2 * self.capacity * cython.sizeof(u32))

    def prefault(self):
        """Take up all its memory. Before anybody else uses it."""
        prefault_pages(self.reports, self.capacity * cython.sizeof(Report))
        prefault_pages(self.checksums, 2 * self.capacity * cython.sizeof(u32))

    # ------------------------------------------------------------------ the writer

    def room(self):
        """How many reports may be written before the replica has applied more."""
        return self.capacity - (self.next - load_u64(cython.address(self.kept_from), ACQUIRE))

    def begin(self, count):
        """Say that the next ``count`` reports are about to be written, over the oldest."""
        if self.next + count > self.capacity + self.claimed:
            store_u64(cython.address(self.claimed), self.next + count - self.capacity, RELEASE)
            fence(RELEASE)

    def append(self):
        """The place of the next report, which carries its number from now on; the writer fills in the rest."""
        report: cython.pointer[Report] = cython.address(self.reports[(self.next - 1) & self.mask])
        report.seq_num = self.next
        self.next += 1
        return report

    def publish(self):
        """Let readers see what was appended."""
        self._link(self.published, self.next)
        store_u64(cython.address(self.published), self.next, RELEASE)

    def _link(self, first, end):
        """The checksums before the reports behind ``first``, up to ``end``."""
        checksum: u32 = self.checksum
        number: u64
        for number in range(first, end):
            words: cython.p_void = self.at(number)
            checksum = link(checksum, cython.cast(cython.pointer[cython.const[u64]], words), REPORT_WORDS)
            self.checksums[(number + 1) & (2 * self.capacity - 1)] = checksum
        self.checksum = checksum

    def extend(self, reports):
        """Append an array of ``REPORT`` and publish it, numbered anew: what the gateway does, for Python."""
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

    def load(self, next_sequence, reports, checksum):
        """Go on with a feed whose next report has this number, of which these are the newest; older ones are gone.

        ``reports``: array of ``REPORT``, those before that number; ``checksum``: of all reports before them. Only in a
        store that has none yet; what is loaded is as if the replica had applied it. Raises SnapshotMismatch with
        nothing changed.
        """
        number = whole(next_sequence, 1, (1 << 64) - 1, SnapshotMismatch, "the next sequence of a feed")
        if self.next != 1:
            raise SnapshotMismatch(f"this store has {self.next - 1} reports already: load into a new one")
        first = number - len(reports)
        if first < 1 or (reports["seq_num"] != np.arange(len(reports), dtype=np.uint64) + np.uint64(first)).any():
            raise SnapshotMismatch("these reports do not have the numbers before that of the next one")
        left_out = max(0, len(reports) - int(self.capacity))
        self.checksum = linked_records(checksum, reports[:left_out], REPORT.itemsize)
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
        self.keep_from(number)
        self.publish()

    # ------------------------------------------------------------------ readers

    def newest(self):
        """The number that the next report will have: those below it can be read."""
        return load_u64(cython.address(self.published), ACQUIRE)

    def run_from(self, number):
        """How many reports lie in one piece of memory from this number on."""
        return min(self.newest() - number, self.capacity - ((number - 1) & self.mask))

    def at(self, number):
        return cython.address(self.reports[(number - 1) & self.mask])

    def keep_from(self, number):
        """The replica has applied all reports below this number."""
        store_u64(cython.address(self.kept_from), number, RELEASE)

    @property
    def next_sequence(self):
        """The number of the next report of the feed."""
        return self.newest()

    @property
    def oldest(self):
        """The number of the oldest report that is kept; ``next_sequence`` when there is none."""
        return load_u64(cython.address(self.claimed), ACQUIRE)

    def checksum_before(self, number):
        """The checksum of all reports before this one, which may be the next; None if that is not known."""
        wanted: u64 = number
        if wanted < self.oldest or wanted > self.newest():
            return None
        checksum: u32 = self.checksums[wanted & (2 * self.capacity - 1)]
        fence(ACQUIRE)
        return checksum if wanted >= self.oldest else None

    def copy(self, first, count):
        """The bytes of ``count`` reports from number ``first`` on, None when they are not, or no longer, all there."""
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

    def array(self, first, count):
        """The same as an array of ``REPORT``."""
        copied = self.copy(first, count)
        return None if copied is None else np.frombuffer(copied, REPORT)
