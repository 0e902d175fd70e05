# Fields and signatures of acknowledgements.py, in its order.

from pricetime.core.layout cimport (
    ACCEPTED, AS_MAKER, CANCEL_ORDER, CANCELLED, FOK_UNFILLABLE, HIDDEN, IOC_REMAINDER, LEVEL_QUANTITY_FULL, LEVELS_FULL,
    MARKET_REMAINDER, MASS_CANCEL, MASS_CANCELLED, MINIMUM_UNFILLABLE, NEVER_RESTS, NEW_ORDER, NONE, OPEN_ORDERS_END,
    OUTSIDE_RANGE, PHASE_CHANGED, PRICED, REDUCE_ORDER, REDUCED, REFRESHED, REJECTED, REPLACE_ORDER, REPLACED, SELF_TRADE,
    TRADE, TRADED_MORE, TRIGGERED, WAITS, Report, u8, u32, u64,
)
from pricetime.client.future cimport ANSWERED, FAILED, CommandFuture, FinalFuture, OrderFuture
from pricetime.wire.layout cimport NewOrder


cdef enum:
    REPORT_BYTES = 48


cdef class Acknowledgements:
    cdef object _lock                # of the futures; None if they must not wait
    cdef dict _open                  # (instrument, order id) -> list of the futures of open commands about it
    cdef dict _followed              # (instrument, order id) -> weak reference to the FinalFuture of a resting order
    cdef bint _resends               # commands are kept until they are answered
    cdef u32 _connection             # the one over which the last command was sent
    cdef u64 _number                 # of commands that were sent over it
    cdef u32 _oldest                 # no open command was sent over an earlier connection
    cdef list _answering             # the futures of the new order or replace whose reports are coming, else None
    cdef FinalFuture _order          # what became of that order so far
    cdef tuple _key                  # its instrument and order id
    cdef u32 _instrument             # the two once more
    cdef u64 _order_id
    cdef bytes _accepted             # the first report of that command
    cdef Py_ssize_t _before          # fills of the order before that command
    cdef bint _ends                  # the order never rests

    cpdef int pass_over(self, u64 count, u32 connection) except -1
    cdef list _pop(self, tuple key, list waiting, Py_ssize_t count)
    cdef int _read(self, Report *report, bytes reports, Py_ssize_t at) except -1
    cdef bint _takes(self, Report *report)
    cdef bint _is_beside(self, Report *report)
    cdef int _answer(self, tuple key, list waiting, Report *report, bytes data) except -1
    cdef int _refuse(self, Report *report, bytes data) except -1
    cdef int _begin(self, tuple key, Report *report, bytes data, list answered) except -1
    cdef int _follow(self, tuple key, Report *report, bytes data) except -1
    cdef FinalFuture _followed_order(self, tuple key)
    cdef int _settle(self) except -1


cdef NewOrder *command_of(bytes data) except NULL
cdef Report *reports_of(bytes data) except NULL
cdef u8 answer_of(u8 command) noexcept
cdef bint answers(Report *report, CommandFuture command) noexcept
cdef int fail(CommandFuture future, object error) except -1
