# Signatures of arguments.py, in its order.

from pricetime.core.book cimport refuse_terms
from pricetime.core.layout cimport *
from pricetime.native.numbers cimport LEAST, as_i64, as_u64


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
cdef u32 instructions_of(object value) except? 0xFFFFFFFF
cdef int check_terms(Book *book, u32 order_type, u32 time_in_force, u32 instructions) except -1
cdef i64 trigger_price_of(object value) except? 0x7FFFFFFF
cdef u64 part_of(object value, object error, object what) except? 0xFFFFFFFF
cdef u64 expiry_of(object value) except? 0xFFFFFFFF
cdef u32 protection_of(object value) except? 0xFFFFFFFF
cdef u32 self_trade_of(object value) except 0
