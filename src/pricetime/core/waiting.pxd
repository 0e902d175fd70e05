# Signatures of waiting.py, in its order.

from pricetime.core.book cimport Books, key_of
from pricetime.core.layout cimport *
from pricetime.core.trading cimport Trading, minus, plus


cdef class Waiting(Trading):
    # the cascade
    cdef void cascade(self, Books books, Book *book) noexcept nogil
    cdef void _trigger_stops(self, Books books, Book *book) noexcept nogil
    cdef u32 _next_triggered(self, Books books, Book *book) noexcept nogil
    cdef bint _is_triggered(self, Book *book, u32 side, i64 trigger_price) noexcept nogil
    cdef bint is_reached(self, Book *book, u32 side, i64 trigger_price) noexcept nogil
    cdef void enter_waiting(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void _convert_stop(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef i64 protected(self, Books books, Book *book, u32 side, i64 price, u32 points) noexcept nogil

    # all-or-none orders
    cdef u32 _next_whole(self, Books books, Book *book) noexcept nogil
    cdef bint _makers_for(self, Books books, Book *book, u32 slot, bint show) noexcept nogil
    cdef u64 _whole_at(self, Books books, Book *book, u32 slot, u32 maker, u64 left, bint show) noexcept nogil
    cdef void _show(self, Books books, Book *book, u32 slot) noexcept nogil
