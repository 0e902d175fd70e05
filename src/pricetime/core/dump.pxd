# Signatures and fields of dump.py, in its order.

from pricetime.core.book cimport Books, key_of
from pricetime.core.layout cimport *
from pricetime.core.places cimport Places
from pricetime.native.arrays cimport Block
from pricetime.native.bits cimport prefetch


cdef class Dump:
    cdef Books books
    cdef Places places               # the rules of the books, which know where an order is
    cdef Block _memory               # of the marks
    cdef u8 *entered                 # by slot: 1 when its record is written
    cdef RestingOrder *orders        # the output; a queued order has only its slot (in order_id) and instrument yet
    cdef u64 count                   # written and queued
    cdef bint listed                 # orders are in lists of owners or of DAY orders

    cdef void write(self, RestingOrder *orders) noexcept nogil
    cdef bint _has_daily(self) noexcept nogil
    cdef void _line_up_book(self, Book *book) noexcept nogil
    cdef void _line_up_queue(self, u32 level, u32 instrument) noexcept nogil
    cdef inline void _line_up(self, u32 slot, u32 instrument) noexcept nogil
    cdef inline void _write_order(self, RestingOrder *r, u32 slot) noexcept nogil
    cdef inline void _line_up_behind(self, u32 slot, u32 instrument) noexcept nogil
    cdef inline bint _is_due(self, u32 slot) noexcept nogil
    cdef inline u32 _older(self, u32 slot) noexcept nogil
    cdef inline u32 _newer(self, u32 slot) noexcept nogil
    cdef void write_walks(self, UnfinishedCancel *cancels) noexcept nogil
    cdef void _write_walk(self, UnfinishedCancel *r, u32 owner) noexcept nogil
    cdef void write_state(self, Book *book, InstrumentState *r) noexcept nogil


cdef object states_of(Books books, object instruments)
cdef object dump_of(Books books, object instruments)
