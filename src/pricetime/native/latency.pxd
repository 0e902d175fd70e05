# Signatures and fields of latency.py, in its order.

from pricetime.native.integers cimport u32, u64
from pricetime.native.histogram cimport Histogram

cdef enum:
    # Kinds of command
    RESTS = 0                        # a new order that rests without trading
    TRADES = 1                       # a new order that trades, wholly or in part
    CANCEL = 2                       # a cancel or a reduce
    REPLACE = 3
    OTHER = 4                        # rejected, neither rested nor traded, mass cancels, phases
    KINDS = 5


cdef class Latencies:
    cdef readonly Histogram rests
    cdef readonly Histogram trades
    cdef readonly Histogram cancel
    cdef readonly Histogram replace
    cdef readonly Histogram other

    cdef void record(self, u32 kind, u64 ns) noexcept nogil
    cdef void add(self, u32 kind, u64 ns, u64 times) noexcept nogil
