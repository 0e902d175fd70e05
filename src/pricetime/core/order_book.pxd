# Signatures and fields of order_book.py, in its order.

from pricetime.core.book cimport Books, key_of, refuse_terms
from pricetime.core.layout cimport *
from pricetime.core.shared_books cimport SharedBooks, owner_with_orders, raise_busy
from pricetime.execution cimport Execution, Trade
from pricetime.native.bits cimport prefetch
from pricetime.native.latch cimport Latch
from pricetime.native.numbers cimport LEAST, as_i64, as_u64


cdef class OrderBook:
    cdef SharedBooks _shared
    cdef Latch _latch                # the shared one
    cdef Books _books                # the shared one
    cdef Book *_book                 # this one of them
    cdef bint _whole_engine          # False for a book got from an engine with Engine.book
    cdef object __weakref__

    cdef int _bind(self, SharedBooks shared, u32 instrument) except -1
    cdef inline int _takes_commands(self) except -1
    cdef inline u64 _order_id(self, object value) except? 0xFFFFFFFF
    cdef inline u64 _lots(self, object value) except 0
    cdef inline i64 _ticks(self, object value) except? 0x7FFFFFFF
    cdef inline int _enter(self) except -1
    cdef Command *_start(self, u32 kind, u64 order_id) except NULL
    cdef int _execute(self) except -1
    cdef int _refused(self, u32 reason) except -1
    cdef str _why(self, u32 reason)
    cdef Execution _execution(self, u64 order_id, u64 quantity)
    cdef int _read_reports(self, Execution execution) except -1
    cdef u32 _slot(self, u64 number, bint owned, u32 owner) except 0
    cdef object _order(self, u32 slot)
    cdef object _levels(self, u32 side, object count)


cdef object _BID, _ASK, _LIMIT, _GTC         # C variables, faster to read than the names of a module

cdef u64 order_id_of(object value) except? 0xFFFFFFFF
cdef u64 timestamp_of(object value) except? 0xFFFFFFFF
cdef u64 large_u64(object value, object check) except? 0xFFFFFFFF
cdef u64 quantity_of(object value) except 0
cdef i64 price_of(object value) except? 0x7FFFFFFF
cdef u32 owner_of(object value) except? 0xFFFFFFFF
cdef u32 side_of(object value) except 0
cdef u32 order_type_of(object value) except? 0xFF
cdef u32 time_in_force_of(object value) except? 0xFF
cdef int check_terms(u32 order_type, u32 time_in_force, u32 instructions) except -1
cdef u32 self_trade_of(object value) except 0
