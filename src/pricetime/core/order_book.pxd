# Signatures and fields of order_book.py, in its order.

from pricetime.core.arguments cimport (
    check_terms, order_id_of, order_type_of, owner_of, price_of, quantity_of, self_trade_of, side_of, time_in_force_of,
    timestamp_of,
)
from pricetime.core.book_view cimport BookView
from pricetime.core.layout cimport *
from pricetime.core.shared_books cimport SharedBooks, owner_with_orders
from pricetime.execution cimport Execution, Trade
from pricetime.native.bits cimport prefetch


cdef class OrderBook(BookView):
    cdef bint _whole_engine          # False for a book got from an engine with Engine.book

    cdef inline int _takes_commands(self) except -1
    cdef inline u64 _order_id(self, object value) except? 0xFFFFFFFF
    cdef inline u64 _lots(self, object value) except 0
    cdef inline i64 _ticks(self, object value) except? 0x7FFFFFFF
    cdef Command *_start(self, u32 kind, u64 order_id) except NULL
    cdef int _execute(self) except -1
    cdef int _refused(self, u32 reason) except -1
    cdef str _why(self, u32 reason)
    cdef Execution _execution(self, u64 order_id, u64 quantity)
    cdef int _read_reports(self, Execution execution) except -1


cdef object _LIMIT, _GTC             # C variables, faster to read than the names of a module
