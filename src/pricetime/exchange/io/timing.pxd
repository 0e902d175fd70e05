# Signatures and fields of timing.py, in its order.

from pricetime.core.layout cimport (
    CANCELLED, CANCEL_ORDER, NEW_ORDER, REDUCE_ORDER, REJECTED, REPLACE_ORDER, REPLACE_ORDER_AS, TRADE, Command, u32, u64,
)
from pricetime.exchange.io.layout cimport NEVER
from pricetime.exchange.state.matcher cimport Matcher
from pricetime.exchange.state.sequencer cimport Sequencer
from pricetime.native.clock cimport monotonic_ns
from pricetime.native.latency cimport CANCEL, KINDS, OTHER, REPLACE, RESTS, TRADES, Latencies

cdef enum:
    TYPES = 16                       # a power of two, more than there are types of commands


cdef class Timing:
    cdef Matcher matcher
    cdef Sequencer sequencer
    cdef readonly Latencies match    # of sampled commands
    cdef readonly Latencies tick_to_trade
    cdef u64 every                   # one command in this many is sampled
    cdef u64 unsampled               # commands before the next sampled one
    cdef u64 began_ns                # monotonic: start of the command that is being measured; 0: none
    cdef u32 kinds[16]               # kind by type of command, if not rejected and without a trade
    cdef u64 counts[5]               # commands by kind that arrived in the same read

    cdef u64 begin(self, u64 count) noexcept nogil
    cdef void end(self, u64 count) noexcept nogil
    cdef void answered(self, u64 first, u64 count, u64 sent_ns) noexcept nogil
    cdef void _add(self, u64 taken_ns) noexcept nogil
    cdef inline u32 _kind(self, const Command *command, u64 first, u64 end) noexcept nogil
