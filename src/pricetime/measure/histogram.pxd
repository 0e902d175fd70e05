# Signatures and fields of histogram.py, in its order.

from pricetime.core.layout cimport u64
from pricetime.native.bits cimport leading_zeros
from pricetime.native.memory cimport release, reserve

cdef enum:
    HALF_BITS = 10                   # each power of two is cut into 2 to this power
    LARGEST_BITS = 40                # values from 2 to this power on count as the largest there is room for


cdef class Histogram:
    cdef u64 *counts
    cdef u64 n_bytes
    cdef readonly u64 count
    cdef readonly u64 largest

    cdef void record(self, u64 value) noexcept nogil
    cdef void add(self, u64 value, u64 times) noexcept nogil
