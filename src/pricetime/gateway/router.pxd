# Signatures and fields of router.py, in its order.

from pricetime.core.layout cimport (
    ACCEPTED, AS_MAKER, EXPIRED, INVALID_ORDER_ID, NIL, OPEN_ORDER, REJECTED, REPLACED, STATE_CHANGED, THROTTLED, TRADE, UNFINISHED, Report,
    RoutedReport, u8, u32, u64,
)
from pricetime.core.references cimport References
from pricetime.gateway.layout cimport ORDER_ID_SHIFT, ROUTE_LIMIT
from pricetime.gateway.sessions cimport Sessions
from pricetime.gateway.store cimport FeedStore
from pricetime.ring.ring cimport Ring

cdef enum:
    BLOCK = 64                       # reports whose references are fetched ahead together
    KINDS = 16                       # of reports, and their reasons, each less than a power of two
    REASONS = 64


# Commands that came together, in one read: a clock is read once for all of them.
ctypedef struct Arrival:
    u64 timestamp                    # ns
    u32 commands[5]                  # of each kind, see measure/latency.pxd
    u32 zero


cdef class Router:
    cdef Ring reports
    cdef Sessions sessions
    cdef FeedStore store
    cdef References references
    cdef u8 public_reasons[64]       # what stands on the feed for each reason
    cdef Arrival arrived[8192]       # the commands routed by the last step, in their order
    cdef u64 arrivals                # how many of these there are
    cdef u64 commands                # and how many commands in all
    cdef u32 unfinished[8192]        # owners of those among them that left something to a command that goes on
    cdef u64 unfinished_count
    cdef readonly u64 routed         # reports, so far
    cdef u64 counts[1024]            # the same by kind and reason: KINDS x REASONS

    cdef u64 step(self, u64 most) noexcept nogil
    cdef u64 _reports_of(self, u64 commands, u64 total) noexcept nogil
    cdef void _count(self, u64 timestamp, u32 kind) noexcept nogil
    cdef void _to_feed(self, const Report *report) noexcept nogil
    cdef void _to_owner(self, u32 owner, const Report *report) noexcept nogil
    cdef void _to_maker(self, const Report *report) noexcept nogil
