# Signatures and fields of passive_book.py, in its order.

from pricetime.core.arguments cimport order_id_of, price_of, quantity_of, side_of
from pricetime.core.book cimport key_of
from pricetime.core.book_view cimport BookView
from pricetime.core.layout cimport *
from pricetime.core.rebuilt cimport Rebuilt
from pricetime.core.shared_books cimport SharedBooks
from pricetime.core.snapshot_orders cimport clear_books
from pricetime.native.arrays cimport Block, records_of


cdef class PassiveBook(BookView):
    cdef Rebuilt _rebuilt            # enters orders and takes lots from them
    cdef u64 _answer                 # of the last action
    cdef object _settings

    cdef u64 _act(self, u32 kind, u64 order_id, u32 side, i64 price, u64 quantity, u64 new_id) except? 0xFFFFFFFF
    cdef str _why(self, u32 reason, const Command *c)
    cdef u32 _apply(self, const Command *c) noexcept nogil
    cdef u32 _add(self, const Command *c) noexcept nogil
    cdef u32 _take(self, const Command *c) noexcept nogil
    cdef u32 _replace(self, const Command *c) noexcept nogil


cdef object _records(dict columns, object new_ids)
cdef object _column(str name, object values, object dtype, tuple shape)
