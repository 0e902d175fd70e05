# Signatures and fields of router.py, in its order.

from pricetime.core.layout cimport (
    ACCEPTED, AS_MAKER, INVALID_ORDER_ID, MASS_CANCELLED, NIL, NONE, REJECTED, REPLACED, THROTTLED, TRADE, UNFINISHED, Report, RoutedReport,
    u8, u32, u64,
)
from pricetime.gateway.layout cimport ORDER_ID_SHIFT, ROUTE_LIMIT
from pricetime.gateway.public_ids cimport PublicIds
from pricetime.gateway.sessions cimport Sessions
from pricetime.gateway.store cimport FeedStore
from pricetime.ring.ring cimport Ring

cdef enum:
    BLOCK = 64                       # reports whose ids are made public together
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
    cdef PublicIds public_ids
    cdef u64 ids[129]                # the different ids of a block of reports, then their public ones
    cdef u32 order_at[64]            # which of them is a report's order
    cdef u32 maker_at[64]            # and its maker, of one that has none any
    cdef u64 order_ids[64]           # public ids of the block's orders
    cdef u64 maker_ids[64]           # and of the makers, of no meaning where there is none
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
    cdef void _hide(self, u64 first, u64 count) noexcept nogil
    cdef void _to_feed(self, const Report *report, u64 order_id, u64 maker_id) noexcept nogil
    cdef void _to_owner(self, u32 owner, const Report *report, u64 order_id, u64 maker_id) noexcept nogil
    cdef void _to_maker(self, const Report *report, u64 taker_id) noexcept nogil
