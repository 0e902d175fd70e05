# Signatures of places.py, in its order.

from pricetime.core.book cimport Books, Rules, key_of
from pricetime.core.layout cimport *


cdef class Places(Rules):
    # where an order is
    cdef u32 place_of(self, Books books, u32 slot) noexcept nogil
    cdef u32 side_of(self, Books books, u32 slot) noexcept nogil
    cdef bint waits(self, Books books, u32 slot) noexcept nogil
    cdef bint is_for_auction(self, Books books, u32 slot) noexcept nogil
    cdef i64 price_of(self, Books books, u32 slot) noexcept nogil
    cdef Ladder *ladder_of(self, Book *book, u32 place, u32 side) noexcept nogil
    cdef u32 queue_of(self, Book *book, u32 place, u32 side) noexcept nogil

    # orders come and go
    cdef void take_off(self, Books books, Book *book, u32 slot, u32 side, i64 price) noexcept nogil
    cdef void join(self, Books books, Book *book, u32 slot, u32 place, i64 key) noexcept nogil
    cdef u32 _level_for(self, Books books, Ladder *ladder, u32 place, u32 side, i64 key) noexcept nogil
    cdef void _enter(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void leave(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void forget(self, Books books, Book *book, u32 slot, u32 place) noexcept nogil
    cdef void _unlink(self, Books books, Book *book, u32 place, u32 side, u32 slot) noexcept nogil
    cdef void remove(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void remove_all(self, Books books) noexcept nogil
    cdef void _remove_from(self, Books books, Book *book) noexcept nogil
    cdef void discard(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void clear(self, Books books, u32 slot) noexcept nogil
    cdef void to_the_back(self, Books books, Book *book, u32 slot) noexcept nogil

    # lots of an order
    cdef void hide(self, Books books, Book *book, u32 slot, u64 hidden) noexcept nogil
    cdef void take(self, Books books, Book *book, u32 slot, u64 quantity, u64 hidden) noexcept nogil
    cdef void cut(self, Books books, Book *book, u32 slot, u64 quantity, u32 kind, u32 reason) noexcept nogil

    # slices of icebergs
    cdef u64 refreshes(self, Book *book, u64 quantity, u64 display) noexcept nogil
    cdef u64 refreshes_left(self, Books books, Book *book, u32 slot) noexcept nogil

    # orders that end
    cdef void date(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void undate(self, Books books, Book *book, u32 slot) noexcept nogil

    # reports
    cdef void report_order(self, Books books, Book *book, u32 kind, u32 slot, u64 quantity, u32 reason,
                           u64 maker_id) noexcept nogil
