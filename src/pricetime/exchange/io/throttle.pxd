# Signatures and fields of throttle.py, in its order.

from pricetime.core.layout cimport NEW_ORDER, OPEN_ORDERS, REPLACE_ORDER, u32, u64
from pricetime.exchange.io.layout cimport Account


cdef enum:
    OPEN_ORDERS_COST = 16            # orders that one OpenOrders is charged as


cdef class Throttle:
    cdef u64 order_interval_ns       # time for one order; 0: no limit
    cdef u64 cancel_interval_ns      # time for one command of all other types
    cdef u64 burst_ns                # maximum time that an account may be ahead

    cdef bint takes(self, Account *account, u32 kind, u64 now_ns) noexcept nogil
    cdef void charge_cancel(self, Account *account, u64 now_ns) noexcept nogil
    cdef bint is_exhausted(self, Account *account, u64 now_ns) noexcept nogil
