# Signatures of call.py, in its order.

from pricetime.core.auction cimport Auction
from pricetime.core.book cimport Books
from pricetime.core.layout cimport *
from pricetime.native.bits cimport prefetch
from pricetime.native.integers cimport u128


cdef class Calls(Auction):
    # phases
    cdef void _enter_phase(self, Books books, Book *book, u32 phase) noexcept nogil
    cdef void _note_row(self, Book *book, const Command *c) noexcept nogil

    # the price
    cdef void _report_auction(self, Books books, Book *book, u32 kind) noexcept nogil
    cdef void _keep_indication(self, Book *book, u32 kind, u32 side, u64 surplus, i64 price, u64 quantity) noexcept nogil

    # the uncross
    cdef void _enter_stops(self, Books books, Book *book) noexcept nogil
    cdef void _trade_at(self, Books books, Book *book) noexcept nogil
    cdef u32 _first(self, Books books, Book *book, u32 side) noexcept nogil
    cdef u32 _fill_in_auction(self, Books books, Book *book, u32 side, u32 slot, u64 size) noexcept nogil
    cdef void _remove_first(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void _refresh_first(self, Books books, Book *book, u32 side) noexcept nogil

    # after the trades
    cdef void _clear_queue(self, Books books, Book *book, u32 side) noexcept nogil
    cdef void _clear_levels(self, Books books, Book *book, u32 side) noexcept nogil


cdef u64 narrowed(u128 lots) noexcept nogil
