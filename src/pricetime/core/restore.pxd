# Signatures and fields of restore.py, in its order.

from pricetime.core.book cimport Books, key_of
from pricetime.core.layout cimport *
from pricetime.core.places cimport Places
from pricetime.native.arrays cimport records_of
from pricetime.native.bits cimport prefetch


cdef class Restore:
    cdef Books books
    cdef Places places               # the rules of the books, which place orders that have more than plain terms
    cdef u32 fault                   # why the last record did not fit, NONE when it did

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
cdef int place_all(Books books, object instruments, object records) except -1
cdef object _place(Restore restore, object records)
cdef int _check_entries(object orders) except -1
cdef int _make_room(Books books, object instruments, object orders) except -1
cdef int _reset(Restore restore, object instruments) except -1
