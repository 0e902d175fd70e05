# Signatures and fields of references.py, in its order.

from pricetime.core.layout cimport (
    ACCEPTED, AHEAD, CANCELLED, EXPIRED, OPEN_ORDER, REDUCED, REPLACED, TRADE, RestingOrder, OpenOrder, Report, u32, u64,
)
from pricetime.native.arrays cimport Block, records_of
from pricetime.native.bits cimport prefetch
from pricetime.native.memory cimport release, reserve, prefault_pages


cdef class References:
    cdef OpenOrder *entries          # the table; empty where the reference is 0
    cdef u64 mask                    # entries - 1
    cdef u32 shift                   # 64 - log2(entries / 8)
    cdef u64 id_multiplier           # odd; spreads ids, never reaches a result
    cdef readonly u64 next           # what the next order to be accepted will get
    # of the report followed last, 0 where it names none
    cdef u64 order                   # its order's reference
    cdef u64 maker                   # its maker's; of a replaced order its own

    # reports
    cdef void _follow_run(self, const Report *reports, u64 count) noexcept nogil
    cdef void fetch(self, const Report *report) noexcept nogil
    cdef void follow(self, const Report *report) noexcept nogil

    # one order
    cdef u64 reference_of(self, u32 instrument, u64 order_id) noexcept nogil
    cdef void _enter(self, u32 instrument, u64 order_id, u64 reference, u64 quantity) noexcept nogil
    cdef u64 _take(self, u32 instrument, u64 order_id, u64 quantity) noexcept nogil
    cdef u64 _replace(self, const Report *report) noexcept nogil

    # the table
    cdef inline u64 _home_of(self, u32 instrument, u64 order_id) noexcept nogil
    cdef inline u64 _position(self, u32 instrument, u64 order_id) noexcept nogil
    cdef void _erase(self, u64 position) noexcept nogil

    # all orders
    cdef void _look_up(self, const RestingOrder *orders, u64 count, u64 *found) noexcept nogil
    cdef void _load(self, const RestingOrder *orders, u64 count) noexcept nogil
