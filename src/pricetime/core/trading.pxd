# Signatures of trading.py, in its order.

from pricetime.core.book cimport Books, key_of, may_rest
from pricetime.core.layout cimport *
from pricetime.core.places cimport Places


cdef class Trading(Places):
    # terms
    cdef bint is_unpriced(self, Books books, u32 slot) noexcept nogil
    cdef bint stays(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef u32 entry_reason(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef i64 limit_of(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef u32 mode_of(self, Books books, Book *book, u32 slot, u32 maker) noexcept nogil

    # price ranges
    cdef i64 range_low(self, Book *book) noexcept nogil
    cdef i64 range_high(self, Book *book) noexcept nogil
    cdef bint can_trade(self, Books books, Book *book, u32 slot, u64 need) noexcept nogil
    cdef u64 _lots_at(self, Books books, Book *book, u32 slot, u32 level, u64 passed, u64 need) noexcept nogil

    # trading
    cdef void execute_order(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void drop(self, Books books, Book *book, u32 slot, u32 reason) noexcept nogil
    cdef bint match(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void _trade(self, Books books, Book *book, u32 slot, u32 maker, i64 price) noexcept nogil
    cdef void fill(self, Books books, Book *book, u32 slot, u64 quantity) noexcept nogil
    cdef void note_trade(self, Book *book, i64 price) noexcept nogil
    cdef void _prevent(self, Books books, Book *book, u32 slot, u32 maker, u32 mode) noexcept nogil

    # slices of icebergs
    cdef u64 shown(self, Books books, u32 slot) noexcept nogil
    cdef bint is_due(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void begin(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void begin_slice(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void refresh(self, Books books, Book *book, u32 slot) noexcept nogil

    # resting
    cdef void rest(self, Books books, Book *book, u32 slot) noexcept nogil

    # phases
    cdef void change_phase(self, Books books, Book *book, u32 phase, u32 reason) noexcept nogil


cdef i64 minus(i64 price, u64 distance) noexcept nogil
cdef i64 plus(i64 price, u64 distance) noexcept nogil
