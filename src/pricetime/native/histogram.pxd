# Signatures and fields of histogram.py, in its order.

from pricetime.native.integers cimport u64
from pricetime.native.bits cimport RELAXED, leading_zeros, load_u64
from pricetime.native.memory cimport release, reserve, prefault_pages

cdef enum:
    HALF_BITS = 10                   # each power of two is cut into 2 to this power
    LARGEST_BITS = 40                # larger values count as 2 to this power, less 1
    BUCKETS = 31744                  # (LARGEST_BITS - HALF_BITS + 1) << HALF_BITS


cdef class Histogram:
    cdef u64 *counts                 # by bucket; written by one thread, read by any: see array
    cdef readonly u64 count          # values recorded: the sum of counts
    cdef readonly u64 largest        # of them, exactly

    cdef void record(self, u64 value) noexcept nogil
    cdef void add(self, u64 value, u64 times) noexcept nogil
