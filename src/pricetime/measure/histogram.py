# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Latencies, counted in the buckets of HdrHistogram: 1,024 for each power of two, so no figure is off by over 0.1 %."""

from __future__ import annotations

import cython
import numpy as np

if not cython.compiled:  # the compiled form has them from histogram.pxd
    from pricetime.core.layout import u64
    from pricetime.native.bits import leading_zeros
    from pricetime.native.memory import release, reserve

    HALF_BITS, LARGEST_BITS = 10, 40


@cython.final
@cython.cclass
class Histogram:
    """Values from 0 to 2**40 (of ns: 18 minutes). One thread records; others may read meanwhile. Raises MemoryError."""

    def __init__(self):
        buckets = (LARGEST_BITS - HALF_BITS + 1) << HALF_BITS
        self.n_bytes = buckets * 8
        self.count = self.largest = 0
        self.counts = cython.cast(cython.pointer[u64], reserve(self.n_bytes))
        if not self.counts:
            raise MemoryError("no room for a histogram")

    if cython.compiled:

        def __dealloc__(self):
            release(self.counts, self.n_bytes)

    def record(self, value):
        """Count one value."""
        self.add(value, 1)

    def add(self, value, times):
        """Count a value so many times."""
        self.count += times
        if value > self.largest:
            self.largest = value
        if value >> LARGEST_BITS != 0:
            value = (cython.cast(u64, 1) << LARGEST_BITS) - 1
        shift: u64 = 0
        if value >> (HALF_BITS + 1) != 0:
            shift = 63 - HALF_BITS - leading_zeros(value)
        self.counts[(shift << HALF_BITS) + (value >> shift)] += times

    def record_many(self, values):
        """Count every value of a sequence of whole numbers."""
        for value in values:
            self.add(value, 1)

    def percentiles(self, wanted):
        """For each percentage wanted, the value that so many percent are at or below: the top of its bucket."""
        counts = self.array()
        total = int(counts.sum())
        if not total:
            return [0 for _ in wanted]
        summed = np.cumsum(counts)
        found = []
        for percentage in wanted:
            rank = max(1, int(np.ceil(round(total * percentage / 100, 6))))  # 99.9 % of 1,000 are 999, not a hair more
            found.append(min(self._top(int(np.searchsorted(summed, rank))), self.largest))
        return found

    def clear(self):
        """Forget all. Not while another thread records."""
        index: u64
        for index in range(self.n_bytes // 8):
            self.counts[index] = 0
        self.count = self.largest = 0

    def merge(self, other):
        """Count every value of another histogram too."""
        largest = max(self.largest, other.largest)
        self._take(other.array())
        self.largest = largest

    @staticmethod
    def from_array(counts):
        """The histogram with these counts; its largest value is the top of the last bucket that has any."""
        made: Histogram = Histogram()
        made._take(counts)
        return made

    def _take(self, counts):
        """Add counts, bucket by bucket; the largest value may be the top of the last bucket that has any."""
        used = np.flatnonzero(counts)
        index: u64
        times: u64
        for index, times in zip(used.tolist(), counts[used].tolist(), strict=True):
            self.counts[index] += times
            self.count += times
        if used.size:
            self.largest = max(self.largest, self._top(int(used.max())))

    def array(self):
        """The counts, bucket by bucket: NumPy u64."""
        found = np.zeros(self.n_bytes // 8, np.uint64)
        index: u64
        for index in range(self.n_bytes // 8):
            found[index] = self.counts[index]
        return found

    def _top(self, index):
        half = 1 << HALF_BITS
        if index < 2 * half:
            return index
        shift = (index >> HALF_BITS) - 1
        return ((index - (shift << HALF_BITS)) << shift) + (1 << shift) - 1
