# Signatures and fields of order_book.py, in its order.

from pricetime.core.book cimport Books, key_of
from pricetime.core.engine cimport Engine
from pricetime.core.layout cimport (
    ASK, BID, CANCEL_ORDER, CANCELLED, DUPLICATE_ORDER_ID, GTC, INSTRUMENT_HALTED, IOC, LEVELS_FULL, MARKET, MASS_CANCEL, MASS_CANCEL_UNFINISHED, NEW_ORDER,
    NIL, NONE, ORDERS_FULL, OWNER_ORDERS_FULL, PRICE_OUTSIDE_BAND, PRICE_TOO_FAR, QUANTITY_ABOVE_LIMIT, REDUCE_ORDER, REJECTED, REPLACE_ORDER, REPLACE_ORDER_AS, SET_STATE, TRADE,
    UNKNOWN_ORDER, WOULD_CROSS, Book, Command, Ladder, Level, Order, OrderCold, Report, i64, u32, u64,
)
from pricetime.core.dump cimport commands_of
from pricetime.native.memory cimport release, reserve
from pricetime.native.numbers cimport as_i64, as_u64


cdef class OrderBook:
    cdef Engine _engine
    cdef Books _books                # the engine's
    cdef Book *_book                 # this one of them
    cdef Command *_command           # the one being executed
    cdef bint _whole_engine          # False for a book got from an engine with Engine.book
    cdef object __weakref__

    cdef int _bind(self, Engine engine, u32 instrument) except -1
    cdef int _takes_commands(self) except -1
    cdef u64 _order_id(self, object value) except? 0
    cdef u64 _lots(self, object value) except? 0
    cdef i64 _ticks(self, object value) except? 0
    cdef Command *_start(self, u32 kind, u64 order_id) except NULL
    cdef int _execute(self) except -1
    cdef int _refused(self, u32 reason) except -1
    cdef str _why(self, u32 reason)
    cdef tuple _trades(self)
    cdef u64 _cancelled(self, u64 order_id) noexcept
    cdef u32 _slot(self, u64 number, bint owned, u32 owner) except 0
    cdef object _order(self, u32 slot)
    cdef object _levels(self, u32 side, object count)


cdef u64 order_id_of(object value) except? 0
cdef u64 quantity_of(object value) except? 0
cdef i64 price_of(object value) except? -1
cdef u32 owner_of(object value) except? 0
cdef u64 timestamp_of(object value) except? 0
cdef u32 side_of(object value) except? 0
cdef u32 time_in_force_of(object value) except? 0
cdef u32 self_trade_of(object value) except? 0
