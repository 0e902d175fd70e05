# Signatures and fields of dump.py, in its order.

from pricetime.core.book cimport Books, key_of
from pricetime.core.layout cimport *
from pricetime.core.places cimport Places
from pricetime.native.arrays cimport Block, records_of
from pricetime.native.bits cimport prefetch


cdef class Resting:
    cdef Books books
    cdef Places places               # the rules of the books, which place orders that have more than plain terms
    cdef Block _memory               # of the marks
    cdef u8 *entered                 # by slot: 1 when its record is written
    cdef RestingOrder *orders        # the output; a queued order has only its slot (in order_id) and instrument yet
    cdef u64 count                   # written and queued
    cdef bint listed                 # orders are in lists of owners or of DAY orders
    cdef u32 fault                   # why the last record did not fit, NONE when it did

    # from books to records
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
    cdef i64 _high_price(self, Book *book) noexcept nogil

    # and back
    cdef u32 _place_state(self, const InstrumentState *r) noexcept nogil
    cdef i64 place_orders(self, const RestingOrder *orders, i64 count) noexcept nogil
    cdef inline u32 _refuse(self, const RestingOrder *r) noexcept nogil
    cdef u32 _refuse_display(self, const RestingOrder *r) noexcept nogil
    cdef inline u32 _refuse_entry(self, Book *book, const RestingOrder *r) noexcept nogil
    cdef bint _is_late(self, Book *book, const RestingOrder *r) noexcept nogil
    cdef inline u32 _place_order(self, Book *book, const RestingOrder *r) noexcept nogil
    cdef void _place_special(self, Book *book, u32 slot, const RestingOrder *r) noexcept nogil
    cdef inline u32 _fill_slot(self, Book *book, const RestingOrder *r) noexcept nogil
    cdef u32 _place_walk(self, const UnfinishedCancel *r) noexcept nogil
    cdef void _count_cancel(self, u32 slot) noexcept nogil
    cdef u32 _behind(self, u32 slot, u64 orders) noexcept nogil
    cdef bint is_crossed(self) noexcept nogil


cdef bint is_in_place(u32 place, u32 order_type, u32 time_in_force, u32 instructions) noexcept nogil
cdef bint is_special(const RestingOrder *r) noexcept nogil
cdef object states_of(Books books, object instruments)
cdef object dump_of(Books books, object instruments)
cdef int place_all(Books books, object instruments, object records) except -1
cdef object _place(Resting resting, object records)
cdef int _check_entries(object orders) except -1
cdef int _make_room(Books books, object instruments, object orders) except -1
cdef int _reset(Resting resting, object instruments) except -1
cdef void remove_all(Books books, Places places) noexcept nogil
cdef void _remove_from(Books books, Places places, Book *book) noexcept nogil
