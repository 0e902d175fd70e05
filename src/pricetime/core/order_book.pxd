# Signatures and fields of order_book.py, in its order.

from pricetime.core.arguments cimport (
    check_terms, expiry_of, instructions_of, order_id_of, order_type_of, owner_of, part_of, protection_of, quantity_of,
    self_trade_of, side_of, time_in_force_of, timestamp_of, trigger_price_of,
)
from pricetime.core.book_calls cimport BookCalls, raise_read_only
from pricetime.core.executions cimport execution_of
from pricetime.core.layout cimport *
from pricetime.core.shared_books cimport SharedBooks
from pricetime.native.bits cimport prefetch


cdef class OrderBook(BookCalls):
    cdef bint _whole_engine          # False for a book got from an engine with Engine.book

    cdef inline u64 _order_id(self, object value) except? 0xFFFFFFFF
    cdef inline u64 _lots(self, object value) except 0
    cdef bint _is_unpriced(self, u64 number) except -1
    cdef OrderExtension *_extend(self, i64 trigger_price, u64 display_quantity, u64 expiry_ns,
                                 u32 protection) except NULL
    cdef int _complete(self, u32 slot, tuple given) except -1
    cdef int _execute_extended(self) except -1


cdef object _LIMIT, _GTC, _ZERO      # C variables, faster to read than the names of a module
