# Signatures and fields of decoder.py, in its order.

from pricetime.core.layout cimport (
    BEHIND, BUSY, CANCEL_ORDER, EXECUTION_REPORT, EXTENDED, GATEWAY_REJECT, INVALID_ORDER_ID, MALFORMED, MASS_CANCEL, NEW_ORDER, NONE, OPEN_ORDERS,
    ORDER_EXTENSION, REDUCE_ORDER, REJECTED, REPLACE_ORDER, THROTTLED, Command, Report, u8, u32, u64,
)
from pricetime.exchange.io.layout cimport BUFFER_BYTES, FIRST_PART, THROTTLE_MEMORY_NS, Account
from pricetime.exchange.io.throttle cimport Throttle
from pricetime.exchange.state.layout cimport ORDER_ID_SHIFT
from pricetime.exchange.state.sequencer cimport Sequencer, numbered
from pricetime.native.memory cimport release, reserve
from pricetime.wire.layout cimport (
    CLIENT_LOGOUT, HEARTBEAT, LOGOUT, NO_REASON, OUT_OF_STATE, THROTTLE_EXCEEDED, CancelOrder, MassCancel,
    OrderExtension, NewOrder, OpenOrders, ReduceOrder,
)

cdef enum:
    SHARED_BYTES = 32                # NewOrder and ReplaceOrder begin like the order in a command
    REFUSED_BYTES = 2 * BUFFER_BYTES # for the refusals of one read: 48 bytes for each order of 40


cdef class Decoder:
    cdef u8 sizes[256]               # sizes of the allowed messages by type; 0: not allowed
    cdef u8 end_reasons[256]         # SessionReason for a message that is not allowed, by type
    cdef Throttle throttle
    cdef u32 most_throttled          # throttled commands before the session ends
    cdef Sequencer sequencer
    cdef public bint busy            # new orders and replaces are refused; the event loop sets it
    cdef Report *refused             # the refusals of the last call
    cdef u32 refused_count
    cdef readonly u64 rejects        # commands that the gateway rejected or refused since the start
    cdef u32 reason                  # SessionReason that ends the session, or NO_REASON
    cdef u64 mass_cancel             # sequence of the MassCancel that ended the last call; 0: it did not end with one
    cdef Account account             # of calls from Python

    cdef u64 decode(self, Account *account, u32 owner, const u8 *data, u64 n_bytes, u64 now_ns, u64 timestamp) noexcept nogil
    cdef inline void _take(self, Account *account, u32 owner, const u8 *message, u64 size, u64 now_ns, u64 timestamp) noexcept nogil
    cdef void _refuse(self, Account *account, const u8 *message, u64 now_ns) noexcept nogil
    cdef inline u64 _size(self, const u8 *message, u64 n_bytes) noexcept nogil
    cdef inline void _fill(self, Account *account, u32 owner, const u8 *message, Command *c, u64 now_ns) noexcept nogil
    cdef inline u32 _fill_other(self, const u8 *message, Command *c) noexcept nogil
    cdef void _complete(self, Command *c) noexcept nogil
    cdef inline u32 _fill_new(self, const NewOrder *m, Command *c) noexcept nogil
    cdef u32 _fill_cancel(self, const CancelOrder *m, Command *c) noexcept nogil
    cdef u32 _fill_reduce(self, const ReduceOrder *m, Command *c) noexcept nogil
    cdef u32 _fill_mass_cancel(self, const MassCancel *m, Command *c) noexcept nogil
    cdef u32 _fill_open_orders(self, const OpenOrders *m, Command *c) noexcept nogil
    cdef void _note_throttled(self, Account *account, u64 now_ns) noexcept nogil
