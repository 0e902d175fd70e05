# Signatures and fields of phases.py, in its order.

from pricetime.core.layout cimport INDICATE, INDICATIVE, PHASE_CHANGED, Report, u8, u32, u64
from pricetime.exchange.io.issuer cimport Issuer
from pricetime.exchange.io.layout cimport INDICATED, Watched
from pricetime.exchange.io.number_queue cimport NumberQueue
from pricetime.native.memory cimport release, reserve

cdef enum:
    KINDS = 32                       # more than there are kinds of reports, and more than there are phases


cdef class Phases:
    cdef Issuer issuer
    cdef u64 interval_ns             # between two indicative prices of an instrument; 0: none are issued
    cdef readonly u64 changes        # of phases since the start
    cdef readonly u32 collecting     # instruments that collect orders
    cdef NumberQueue waiting         # instruments whose orders have changed since their last indicative price
    cdef Watched *watched            # by instrument
    cdef u8 changing[32]             # by kind of report: 1 if it is one of CHANGING
    cdef u8 collects[32]             # by phase

    cdef void read(self, const Report *reports, u64 count) noexcept nogil
    cdef void _begin(self, u32 instrument, u32 phase) noexcept nogil
    cdef inline void _note_change(self, u32 instrument) noexcept nogil
    cdef void indicate(self, u64 now_ns, u64 timestamp) noexcept nogil
