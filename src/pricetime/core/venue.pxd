# Signatures of venue.py, in its order.

from pricetime.core.book cimport Books, key_of, may_rest, refuse_terms
from pricetime.core.expiry cimport Expiry
from pricetime.core.layout cimport *


cdef class VenueRules(Expiry):
    cdef void _reduce(self, Books books, Book *book, const Command *c) noexcept nogil

    # new orders: checks
    cdef u32 _refuse_fields(self, Books books, Book *book, const Command *c,
                            const OrderExtension *more) noexcept nogil
    cdef u32 _refuse_extension(self, Book *book, const Command *c, const OrderExtension *more) noexcept nogil
    cdef u32 _refuse_in_phase(self, Book *book, const Command *c, const OrderExtension *more) noexcept nogil
    cdef u32 _refuse_in_book(self, Books books, Book *book, const Command *c, const OrderExtension *more, u32 kind,
                             i64 price) noexcept nogil
    cdef bint _waits_for_auction(self, Book *book, u32 instructions) noexcept nogil
    cdef u32 _refuse_refreshes(self, Books books, Book *book, u64 leaving, u64 quantity, u64 display) noexcept nogil

    # new orders: what happens
    cdef void _accept(self, Books books, Book *book, const Command *c, const OrderExtension *more, u32 kind,
                      i64 price) noexcept nogil

    # replaces
    cdef u32 _refuse_changes(self, Books books, Book *book, u32 slot, const Command *c,
                             const OrderExtension *more) noexcept nogil
    cdef u32 _refuse_new_terms(self, Books books, Book *book, u32 slot, const OrderExtension *more, i64 price,
                               u64 quantity) noexcept nogil
    cdef bint _keeps_place(self, Books books, Book *book, u32 slot, i64 key, u64 quantity) noexcept nogil
    cdef void _replace(self, Books books, Book *book, u32 slot, u64 new_id, const OrderExtension *more, i64 price,
                       u64 quantity) noexcept nogil
    cdef void _trim(self, Books books, Book *book, u32 slot, const OrderExtension *more, u64 quantity) noexcept nogil


cdef bint is_stop(u32 kind) noexcept nogil
cdef i64 waiting_key(u32 place, u32 side, i64 price, i64 trigger_price) noexcept nogil
cdef u32 refuse_ratio(Book *book, u64 quantity, u64 display) noexcept nogil
