# Fields and signatures of latency.py, in its order.

from pricetime.core.layout cimport u32, u64
from pricetime.measure.histogram cimport Histogram

cdef enum:
    RESTS = 0                        # an add that rests without having traded
    TRADES = 1                       # an add that trades, wholly or partly
    CANCEL = 2                       # a cancel or a reduce
    REPLACE = 3
    OTHER = 4                        # what was rejected, mass cancels, adds that neither trade nor rest


cdef class Latencies:
    cdef readonly Histogram rests
    cdef readonly Histogram trades
    cdef readonly Histogram cancel
    cdef readonly Histogram replace
    cdef readonly Histogram other

    cdef void record(self, u32 kind, u64 ns) noexcept nogil
