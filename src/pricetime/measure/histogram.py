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

    def array(self):
        """How many values each bucket has: a NumPy array of u64. Of a moment, while another thread records."""
        found = np.zeros(self.n_bytes // 8, np.uint64)
        view: u64[::1] = found
        index: u64
        for index in range(self.n_bytes // 8):
            view[index] = self.counts[index]
        return found

    @staticmethod
    def from_array(counts, largest=None):
        """A histogram of such counts. ``largest``: the largest value, where it is known; else the top of its bucket."""
        made: Histogram = Histogram()
        view: cython.const[u64][::1] = np.ascontiguousarray(counts, np.uint64)
        index: u64
        last: u64 = 0
        for index in range(made.n_bytes // 8):
            times: u64 = view[index] if cython.compiled else int(view[index])
            made.counts[index] = times
            made.count += times
            if times != 0:
                last = index
        if made.count != 0:
            made.largest = made._top(last) if largest is None else largest
        return made

    def merge(self, other):
        """Count all that another has counted, too."""
        source: Histogram = other
        index: u64
        for index in range(self.n_bytes // 8):
            self.counts[index] += source.counts[index]
        self.count += source.count
        self.largest = max(self.largest, source.largest)

    def copy(self):
        """What it has now, while another thread goes on recording."""
        return Histogram.from_array(self.array(), self.largest)

    def _top(self, index):
        half = 1 << HALF_BITS
        if index < 2 * half:
            return index
        shift = (index >> HALF_BITS) - 1
        return ((index - (shift << HALF_BITS)) << shift) + (1 << shift) - 1
