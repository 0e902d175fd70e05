# Signatures and fields of rebuilt_calls.py, in its order.

from pricetime.core.book cimport Books, key_of
from pricetime.core.layout cimport *
from pricetime.core.places cimport Places


cdef class RebuiltCalls:
    cdef Books books                 # books.seq_num is that of the last report
    cdef Places places               # the rules of the books, which keep the market orders of a call phase

    cdef void begin_phase(self, Book *book, u32 phase) noexcept nogil
    cdef bint is_collected(self, Book *book) noexcept nogil
    cdef u32 trade_in_auction(self, Book *book, const Report *r) noexcept nogil
    cdef u32 _refuse_party(self, u32 slot, u32 side, i64 price) noexcept nogil
    cdef void take_displayed(self, Book *book, u32 slot, u64 quantity) noexcept nogil
    cdef u32 indicate(self, Book *book, const Report *r) noexcept nogil


cdef bint changes_books(u32 kind) noexcept nogil
cdef bint is_full(u32 fault) noexcept nogil
