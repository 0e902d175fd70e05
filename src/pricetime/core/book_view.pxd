# Signatures and fields of book_view.py, in its order.

from pricetime.core.arguments cimport order_id_of, price_of, side_of
from pricetime.core.book cimport Books, key_of
from pricetime.core.layout cimport *
from pricetime.core.shared_books cimport SharedBooks, raise_busy
from pricetime.native.latch cimport Latch


cdef class BookView:
    cdef SharedBooks _shared
    cdef Latch _latch                # the shared one
    cdef Books _books                # the shared one
    cdef Book *_book                 # this one of them
    cdef object __weakref__

    cdef int _bind(self, SharedBooks shared, u32 instrument) except -1
    cdef object _instrument(self)
    cdef int _enter(self) except -1
    cdef u32 _slot(self, u64 number, bint owned, u32 owner) except 0
    cdef object _best(self, u32 side)
    cdef object _levels(self, u32 side, object count)
    cdef list _queue(self, u32 level)
    cdef u64 _shown(self, u32 slot) noexcept
    cdef u32 _first_of_other_side(self, u32 slot) noexcept
    cdef object _order(self, u32 slot, u64 quantity)


cdef object _BID, _ASK               # C variables, faster to read than the names of a module
