# Signatures and fields of rebuilt.py, in its order.

from pricetime.native.bits cimport prefetch
from pricetime.core.book cimport Books, key_of
from pricetime.core.layout cimport *
from pricetime.core.rebuilt_calls cimport RebuiltCalls, changes_books, is_full


cdef class Rebuilt(RebuiltCalls):
    cdef u32 fault                   # why the last report did not fit, NONE when it did
    cdef bint passive                # orders that cross rest: nothing takes

    # the order whose command goes on: it is not in its book
    cdef Book *taking                # its book; NULL when no command is in progress
    cdef u64 taker_id
    cdef i64 taker_key
    cdef u64 taker_left              # lots, at least 1
    cdef u32 taker_side
    cdef bint taker_rests            # what it leaves rests: then it crosses the other side, else it would rest already
    cdef bint taker_triggered        # it waited before

    # reports
    cdef i64 apply_run(self, const Report *reports, u64 count) noexcept nogil
    cdef inline IdEntry *_likely_entry(self, Book *book, const Report *r) noexcept nogil
    cdef inline u32 _apply(self, const Report *r) noexcept nogil
    cdef u32 _apply_other(self, Book *book, const Report *r) noexcept nogil
    cdef inline bint _goes_on(self, const Report *r) noexcept nogil
    cdef inline u32 _accept_or_take(self, Book *book, const Report *r) noexcept nogil
    cdef inline u32 _accept(self, Book *book, const Report *r, u64 quantity) noexcept nogil
    cdef u32 _trigger(self, Book *book, const Report *r, i64 key, u64 quantity, bint rests, u32 fault) noexcept nogil
    cdef u32 _accept_unpriced(self, Book *book, u32 side, u64 order_id, i64 price, u64 quantity) noexcept nogil
    cdef inline u32 _trade(self, Book *book, const Report *r) noexcept nogil
    cdef inline u32 _take(self, Book *book, const Report *r, u64 quantity) noexcept nogil
    cdef u32 _take_from_taker(self, const Report *r, u64 quantity) noexcept nogil
    cdef inline u32 _refuse_take(self, const Report *r, u64 quantity, u32 side, i64 price, u64 remaining) noexcept nogil
    cdef inline u32 _replaced(self, Book *book, const Report *r) noexcept nogil
    cdef u32 _replace_unpriced(self, Book *book, u32 slot, const Report *r) noexcept nogil
    cdef u32 _replace(self, Book *book, u64 order_id, u64 new_id, u32 side, i64 price, u64 quantity, bint keeps) noexcept nogil
    cdef u32 _refresh(self, Book *book, const Report *r) noexcept nogil
    cdef u32 _set_phase(self, Book *book, const Report *r) noexcept nogil

    # what they do to an order
    cdef inline u32 _refuse(self, Book *book, u32 side, u64 order_id, i64 key, u64 quantity, bint rests) noexcept nogil
    cdef inline u32 _refuse_level(self, Book *book, u32 side, i64 key, u64 quantity) noexcept nogil
    cdef inline void _enter(self, Book *book, u32 side, u64 order_id, i64 key, u64 quantity, bint rests,
                            bint fits) noexcept nogil
    cdef inline void _rest(self, Book *book, u32 side, u64 order_id, i64 key, u64 quantity) noexcept nogil
    cdef void _rest_unpriced(self, Book *book, u32 side, u64 order_id, u64 quantity) noexcept nogil
    cdef inline u32 _named_slot(self, Book *book, u64 order_id, u64 quantity) noexcept nogil
    cdef inline void _take_from(self, Book *book, u32 slot, u64 quantity) noexcept nogil

    # the order that takes
    cdef inline bint _crosses(self, Book *book, u32 side, i64 key) noexcept nogil
    cdef inline void _settle(self) noexcept nogil
    cdef inline bint _taker_crosses(self) noexcept nogil
    cdef bint _taker_fits(self) noexcept nogil
    cdef void _rest_taker(self) noexcept nogil
    cdef void _change_roles(self, Book *book, const Report *r) noexcept nogil
