# Signatures and fields of issuer.py, in its order.

from pricetime.core.layout cimport (
    EXPIRE, EXPIRY_DONE, INDICATIVE, PHASE_CHANGED, PRICE_SET, REJECTED, SET_PHASE, SET_PRICE, UNCROSS, UNCROSSED, Report,
    i64, u32, u64,
)
from pricetime.exchange.io.layout cimport Awaited
from pricetime.exchange.state.matcher cimport Matcher
from pricetime.exchange.state.sequencer cimport Sequencer

cdef enum:
    MOST_AWAITED = 4096              # commands that may wait for their reports, a power of two


cdef class Issuer:
    cdef Sequencer sequencer
    cdef Matcher matcher
    cdef Awaited awaited[4096]       # ring of MOST_AWAITED
    cdef u32 first                   # slot of the oldest
    cdef u32 count

    cdef u64 room(self) noexcept nogil
    cdef bint issue(self, u32 kind, u32 instrument, u32 flags, u32 tag, i64 price, u64 quantity, u64 timestamp,
                    u64 number) noexcept nogil
    cdef Awaited *answered(self) noexcept nogil
    cdef void release(self) noexcept nogil
    cdef const Report *report_of(self, Awaited *awaited) noexcept nogil
    cdef u32 _stating(self, u32 kind) noexcept nogil
