# Signatures of expiry.py, in its order.

from pricetime.core.book cimport Books
from pricetime.core.call cimport Calls
from pricetime.core.layout cimport *
from pricetime.native.bits cimport prefetch


cdef class Expiry(Calls):
    cdef u32 _take_out(self, Books books, Book *book, u64 now_ns, u64 most) noexcept nogil
    cdef void _end_together(self, Books books, Book *book, u32 count) noexcept nogil

    # orders that can end
    cdef void _append_day(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void _leave_day(self, Books books, Book *book, u32 slot) noexcept nogil

    # the heap
    cdef inline bint _ends_before(self, Expiring *one, Expiring *two) noexcept nogil
    cdef inline void _move(self, Books books, Expiring *heap, u64 position, u64 new) noexcept nogil
    cdef void _put(self, Books books, Expiring *heap, u32 slot, u64 position) noexcept nogil
    cdef void _sift_up(self, Books books, Expiring *heap, u64 position) noexcept nogil
    cdef void _sift_down(self, Books books, Expiring *heap, u64 position, u64 count) noexcept nogil
    cdef void _leave_heap(self, Books books, Book *book, u32 slot) noexcept nogil

    # prices
    cdef u32 _refuse_price_of(self, Book *book, const Command *c) noexcept nogil


cdef bint has_due(Book *book, u64 now_ns) noexcept nogil
