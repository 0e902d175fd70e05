"""Latencies counted in the buckets of HdrHistogram: 1,024 for each power of two, so a figure is off by at most 0.1 %.

The buckets and their order are those of an HdrHistogram from 1 to 2**40 - 1 with 3 significant digits. The percentiles
equal those that the package ``hdrhistogram`` computes from the same counts.
"""

from __future__ import annotations

from collections.abc import Iterable

import cython
import numpy as np
from numpy.typing import ArrayLike, NDArray

if not cython.compiled:  # the compiled form takes them from histogram.pxd
    from pricetime.native.bits import RELAXED, leading_zeros, load_u64
    from pricetime.native.integers import u64
    from pricetime.native.memory import prefault_pages, release, reserve

    HALF_BITS, LARGEST_BITS, BUCKETS = 10, 40, 31744


def _tops() -> NDArray[np.uint64]:
    places = np.arange(BUCKETS, dtype=np.uint64)
    half_bits, one = np.uint64(HALF_BITS), np.uint64(1)
    shifts = np.maximum(places >> half_bits, one) - one
    return ((places - (shifts << half_bits) + one) << shifts) - one


#: The largest value that each bucket counts: u64, of shape (31744,).
TOPS = _tops()
TOPS.flags.writeable = False


@cython.final
@cython.cclass
class Histogram:
    """Counts values from 0 to 2**40 - 1 (in ns: 18 minutes); a larger value counts as 2**40 - 1. Raises MemoryError.

    One thread records. Other threads may read at the same time, through ``array``, ``copy``, ``percentiles`` and as
    the argument of ``merge``.
    """

    def __init__(self) -> None:
        self.count = self.largest = 0
        self.counts = cython.cast(cython.pointer[u64], reserve(BUCKETS * cython.sizeof(u64)))
        if not self.counts:
            raise MemoryError("no room for a histogram")

    if cython.compiled:

        def __dealloc__(self) -> None:
            release(self.counts, BUCKETS * cython.sizeof(u64))

    def record(self, value: u64) -> None:
        """Count one value."""
        self.add(value, 1)

    def add(self, value: u64, times: u64) -> None:
        """Count a value ``times`` times."""
        self.count += times
        if value > self.largest:
            self.largest = value
        if value >> LARGEST_BITS != 0:
            value = (cython.cast(u64, 1) << LARGEST_BITS) - 1
        shift: u64 = 0
        if value >> (HALF_BITS + 1) != 0:
            shift = 63 - HALF_BITS - leading_zeros(value)
        self.counts[(shift << HALF_BITS) + (value >> shift)] += times

    def record_many(self, values: Iterable[int]) -> None:
        """Count every value of a sequence of whole numbers."""
        for value in values:
            self.add(value, 1)

    def prefault(self) -> None:
        """Touch every page of the histogram now, so that recording never causes a page fault."""
        prefault_pages(self.counts, BUCKETS * cython.sizeof(u64))

    # ------------------------------------------------------------------ whole histograms

    def array(self) -> NDArray[np.uint64]:
        """How many values each bucket counts: u64, shape (31744,). O(buckets), about 40 us.

        While a second thread records: has every value recorded before the call, and may have some of those recorded
        during the call. No lock is taken.
        """
        found = np.zeros(BUCKETS, np.uint64)
        cells: cython.ulonglong[::1] = found
        place: cython.Py_ssize_t
        for place in range(BUCKETS):
            cells[place] = load_u64(cython.address(self.counts[place]), RELAXED)
        return found

    @staticmethod
    def from_array(counts: ArrayLike) -> Histogram:
        """A histogram with these counts, one for each bucket. ``largest`` is the top of the last bucket in use.

        Raises ValueError unless there are 31,744 whole numbers from 0 to 2**64 - 1.
        """
        counts = np.asarray(counts)
        if counts.shape != (BUCKETS,) or counts.dtype.kind not in "ui" or (counts < 0).any():
            raise ValueError(f"give {BUCKETS:,} whole numbers, not {counts.dtype} of shape {counts.shape}")
        made = Histogram()
        made._add_counts(counts.astype(np.uint64), 0)
        return made

    def copy(self) -> Histogram:
        """An independent copy. A second thread may record meanwhile: see ``array``."""
        made = Histogram()
        made.merge(self)
        return made

    def merge(self, other: Histogram) -> None:
        """Add the counts of ``other``, in which a second thread may record: see ``array``. O(buckets).

        No other thread may record in this histogram during the call.
        """
        counts = other.array()
        self._add_counts(counts, other.largest)

    def _add_counts(self, counts: NDArray[np.uint64], largest: int) -> None:
        cells: cython.ulonglong[::1] = counts if cython.compiled else counts.tolist()
        last: cython.Py_ssize_t = -1
        place: cython.Py_ssize_t
        for place in range(BUCKETS):
            if cells[place] != 0:
                self.counts[place] += cells[place]
                self.count += cells[place]
                last = place
        if last > 0 and largest <= int(TOPS[last - 1]):
            largest = int(
                TOPS[last]
            )  # the largest is unknown, or the recording thread has counted it and not stored it yet
        self.largest = max(self.largest, largest)

    def clear(self) -> None:
        """Set all counts to 0. No other thread may record during the call."""
        place: cython.Py_ssize_t
        for place in range(BUCKETS):
            self.counts[place] = 0
        self.count = self.largest = 0

    # ------------------------------------------------------------------ figures

    def percentiles(self, wanted: Iterable[float]) -> list[int]:
        """For each percentage, the value that so many percent of the values do not exceed: the top of its bucket.

        For 100, the top of the last bucket in use; for 0, the bottom of the first; 0 if the histogram is empty.
        O(buckets).
        """
        summed = np.cumsum(self.array())
        total = int(summed[BUCKETS - 1])
        if not total:
            return [0 for _ in wanted]
        found = []
        for percentage in wanted:
            rank = max(1, int(percentage * total / 100 + 0.5))
            place = int(np.searchsorted(summed, rank))
            found.append(int(TOPS[place]) if percentage else int(TOPS[place - 1]) + 1 if place else 0)
        return found
