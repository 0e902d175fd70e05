# Signatures and fields of router.py, in its order.

from pricetime.core.layout cimport (
    ACCEPTED, AS_MAKER, EXPIRED, INVALID_ORDER_ID, NIL, OPEN_ORDER, REJECTED, REPLACED, STATE_CHANGED, THROTTLED, TRADE, UNFINISHED, Report,
    RoutedReport, u8, u32, u64,
)
from pricetime.exchange.state.layout cimport ORDER_ID_SHIFT, ROUTE_LIMIT
from pricetime.exchange.state.sessions cimport Sessions
from pricetime.exchange.state.feed_store cimport FeedStore
from pricetime.ring.ring cimport Ring

cdef enum:
    KINDS = 16                       # a power of two, more than there are kinds of reports
    REASONS = 64                     # a power of two, more than there are reasons


# Commands that arrived in one read and share a timestamp.
ctypedef struct Arrival:
    u64 timestamp                    # ns
    u32 commands[5]                  # number of each kind, see native/latency.pxd
    u32 zero


cdef class Router:
    cdef Ring reports
    cdef Sessions sessions
    cdef FeedStore store
    cdef u64 taker                   # reference of the last accepted or replaced order: the taker of a trade
    cdef u8 public_reasons[64]       # reason on the feed for each reason
    # of the last step:
    cdef Arrival arrived[8192]       # arrivals of the routed commands, in their order
    cdef u64 arrivals                # entries in arrived
    cdef u64 commands                # routed commands
    cdef u32 unfinished[8192]        # owners whose mass cancel needs one more command
    cdef u64 unfinished_count
    # since the start:
    cdef readonly u64 routed         # reports
    cdef u64 counts[1024]            # reports by kind and reason: KINDS x REASONS

    cdef u64 step(self, u64 most) noexcept nogil
    cdef u64 _reports_of(self, u64 commands, u64 total) noexcept nogil
    cdef void _count(self, u64 timestamp, u32 kind) noexcept nogil
    cdef void _to_feed(self, const Report *report, u64 order, u64 maker) noexcept nogil
    cdef void _to_owner(self, u32 owner, const Report *report) noexcept nogil
    cdef void _to_maker(self, const Report *report) noexcept nogil
