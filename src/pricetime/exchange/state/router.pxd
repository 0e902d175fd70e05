# Signatures and fields of router.py, in its order.

from pricetime.core.layout cimport (
    ASK, AS_MAKER, AUCTION_TRADE, BID, EXPIRED, INDICATIVE, INVALID_ORDER_ID, MALFORMED, MASS_CANCELLED, OPEN_ORDER,
    PHASE_CHANGED, PRICE_SET, REFRESHED, REJECTED, REPLACED, THROTTLED, TRADE, TRIGGERED, UNCROSSED, UNFINISHED,
    WAITS,
    Command, Report, u8, u32, u64,
)
from pricetime.exchange.state.feed_store cimport FeedStore
from pricetime.exchange.state.layout cimport ORDER_ID_SHIFT, Stream
from pricetime.exchange.state.matcher cimport Matcher
from pricetime.exchange.state.streams cimport Streams
from pricetime.native.arrays cimport records_of

cdef enum:
    MOST_ROUTED = 8192               # maximum number of reports routed in one step
    KINDS = 32                       # a power of two, more than there are kinds of reports
    REASONS = 128                    # a power of two, more than there are reasons
    CLIENTS_ID = 0xFFFFFFFFFFFF      # the part of an order id in the book that its client knows
    ALL_BITS = 0xFFFFFFFFFFFFFFFF


cdef class Router:
    cdef Matcher matcher
    cdef Streams streams
    cdef FeedStore store
    cdef u64 taker                   # reference of the aggressing order that trades
    cdef u8 public_reasons[128]      # reason on the feed for each reason
    # by kind: all bits if it is so, else 0
    cdef u64 referring[32]           # the report to an owner has a reference
    cdef u64 replacing[32]           # a report of the feed has the reference twice
    cdef u64 hiding[32]              # the maker id is the hidden part of the quantity
    cdef u64 owning[32]              # the order id says whose report it is
    cdef u64 stating[32]             # the maker id on the feed is a number of lots
    # of the last step:
    cdef u32 full                    # owner whose stream has no room for the next report; 0: none
    cdef u64 copies                  # how many reports it needs room for: two if it trades with itself
    cdef u32 unfinished[256]         # owners whose mass cancel needs one more command
    cdef u64 unfinished_count
    # since the start:
    cdef readonly u64 routed         # reports
    cdef u64 counts[4096]            # reports by kind and reason: KINDS x REASONS

    cdef u64 step(self, const Command *commands, const u64 *bounds, u64 count) noexcept nogil
    cdef bint _route(self, u32 owner, const Report *report, u64 reference, u64 buyer) noexcept nogil
    cdef void _publish(self, const Report *report, u64 reference, u64 buyer) noexcept nogil
    cdef inline bint _has_room(self, u32 owner, const Report *report) noexcept nogil
    cdef inline bint _can_take(self, u32 owner, u64 copies) noexcept nogil
    cdef inline void _to_feed(self, const Report *report, u64 quantity, u64 order, u64 maker) noexcept nogil
    cdef inline Report *_copy_to(self, Stream *s, const Report *report) noexcept nogil
    cdef inline void _to_owner(self, Stream *s, const Report *report, u64 reference) noexcept nogil
    cdef inline void _to_maker(self, const Report *report, u64 taker) noexcept nogil
    cdef inline bint _open(self, u32 owner, Stream *s) noexcept nogil


cdef bint is_plain(const Report *report, u32 owner) noexcept nogil
cdef bint is_public(const Report *report) noexcept nogil
