# Signatures of commands.py, in its order.

from pricetime.core.arguments cimport (
    expiry_of, instructions_of, order_type_of, part_of, price_of, protection_of, quantity_of, self_trade_of, side_of,
    time_in_force_of, trigger_price_of,
)
from pricetime.core.layout cimport (
    ALL_INSTRUMENTS, CANCEL_ORDER, EXTENDED, LIMIT, MASS_CANCEL, NEW_ORDER, ORDER_EXTENSION, REDUCE_ORDER, REPLACE_ORDER,
    STOP_LIMIT, i64, u32, u64,
)
from pricetime.native.numbers cimport as_u64


cdef u64 order_id_of(object value) except? 0
cdef u32 instrument_of(object value) except? 0
cdef u64 number_of(object value, u64 most, object error, str what) except? 0
