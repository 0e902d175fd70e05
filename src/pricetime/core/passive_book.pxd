# Signatures and fields of passive_book.py, in its order.

from pricetime.core.book cimport Books, key_of
from pricetime.core.check cimport check_books
from pricetime.core.shared_books cimport SharedBooks
from pricetime.core.layout cimport *
from pricetime.core.order_book cimport order_id_of, price_of, quantity_of, side_of
from pricetime.core.rebuilt cimport Rebuilt
from pricetime.native.arrays cimport Block, records_of
from pricetime.native.memory cimport release, reserve


cdef class PassiveBook:
    cdef SharedBooks _engine              # holds the orders; no command ever comes to it
    cdef Rebuilt _rebuilt            # enters orders and takes lots from them
    cdef Books _books                # the engine's
    cdef Book *_book                 # the only one of them
    cdef Command *_action            # the one that a call does
    cdef Report *_change             # of the replace that is being done
    cdef bint _first                 # the last action found its order first at the best price
    cdef u64 _taken                  # lots that it took off the order
    cdef u64 _left                   # lots still open then
    cdef object _view                # the OrderBook that answers questions
    cdef object _settings
    cdef object __weakref__

    cdef Command *_start(self, u32 kind, u64 order_id) except NULL
    cdef int _do(self) except -1
    cdef u32 _apply(self, const Command *c) noexcept nogil
    cdef u32 _add(self, const Command *c) noexcept nogil
    cdef u32 _take(self, const Command *c) noexcept nogil
    cdef u32 _replace(self, const Command *c) noexcept nogil
