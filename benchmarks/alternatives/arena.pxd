# Fields and signatures of arena.py, in its order. The records are the core's, so that the steps differ only in how a
# price level is found.

from pricetime.core.book cimport may_rest, refuse_terms
from pricetime.core.layout cimport (
    ACCEPTED, ASK, BID, CANCEL_ORDER, CANCELLED, DUPLICATE_ORDER_ID, EXECUTION_REPORT, FOK, FOK_UNFILLABLE,
    INVALID_QUANTITY, INVALID_SELF_TRADE, INVALID_SIDE, IOC_REMAINDER, KEPT_PLACE,
    LEVEL_QUANTITY_FULL, LEVELS_FULL, MARKET, MARKET_REMAINDER, NEVER_RESTS, NEW_ORDER, NIL, NONE, OFF, ORDERS_FULL, POST_ONLY,
    REDUCE_ORDER, REDUCED, REJECTED, REPLACE_ORDER, REPLACE_ORDER_AS, REPLACED, REPORTS_PER_COMMAND,
    REPORTS_PER_MAKER, TRADE, UNKNOWN_COMMAND, UNKNOWN_ORDER, WOULD_CROSS,
    Command, IdEntry, Level, Order, OrderCold, Report, i64, u8, u32, u64,
)
from pricetime.native.arrays cimport Block, records_of


cdef class Arena:
    cdef Order *orders               # index 0 of each pool means none
    cdef OrderCold *cold             # same index as orders
    cdef Level *levels               # a free level has a count of 0
    cdef u32 capacity                # orders
    cdef u32 level_capacity
    cdef u32 free_order              # head of the list of freed slots, NIL when empty
    cdef u32 free_level
    cdef u32 fresh_order             # first slot that was never used
    cdef u32 fresh_level
    cdef u32 order_count             # resting
    cdef u32 level_counts[2]         # bids, asks
    cdef u32 best[2]                 # level with the largest key of each side, NIL when the side is empty

    cdef IdEntry *ids                # open addressing, at most half full
    cdef u32 id_mask                 # entries - 1
    cdef u32 id_shift                # 32 - log2(entries / 8)

    cdef Block block                 # where reports go
    cdef Report *reports
    cdef u64 report_count
    cdef u64 seq_num                 # of the last report

    # what a design adds: how a level is found. Side: 0 bids, 1 asks
    cdef u32 level_at(self, u32 side, i64 key) noexcept nogil
    cdef u32 level_behind(self, u32 side, i64 key) noexcept nogil      # with the largest key below this one, or NIL
    cdef void enter(self, u32 side, i64 key, u32 level) noexcept nogil
    cdef void leave(self, u32 side, i64 key) noexcept nogil
    cdef u64 index_bytes(self) noexcept nogil                          # in use by all this

    cdef int make_room(self, u64 commands) except -1
    cdef void run(self, const Command *commands, u64 count) noexcept nogil
    cdef void execute(self, const Command *c) noexcept nogil
    cdef void _new_order(self, const Command *c) noexcept nogil
    cdef void _rest(self, const Command *c, u64 quantity, u32 level) noexcept nogil
    cdef void _cancel_order(self, const Command *c) noexcept nogil
    cdef void _reduce_order(self, const Command *c) noexcept nogil
    cdef void _replace_order(self, const Command *c, u32 owner, u64 new_id) noexcept nogil
    cdef void _move_order(self, u32 slot, u32 side, i64 key, u64 quantity) noexcept nogil

    cdef u32 _refuse_order(self, const Command *c) noexcept nogil
    cdef u32 _refuse_move(self, u32 slot, u32 side, i64 key, u64 quantity) noexcept nogil
    cdef void _reject(self, const Command *c, u32 reason) noexcept nogil

    cdef bint _crosses(self, u32 side, i64 limit) noexcept nogil
    cdef bint _can_fill(self, u32 side, i64 limit, u64 quantity) noexcept nogil
    cdef u64 _match(self, u32 side, u64 taker_id, i64 limit, u64 quantity) noexcept nogil

    cdef void _append(self, u32 side, i64 key, u32 level, u32 slot) noexcept nogil
    cdef u32 _make_level(self, u32 side, i64 key) noexcept nogil
    cdef void _unlink(self, u32 slot) noexcept nogil
    cdef void _remove(self, u32 slot) noexcept nogil

    cdef u32 _find(self, u64 order_id) noexcept nogil
    cdef u32 _find_owned(self, const Command *c, u32 owner) noexcept nogil
    cdef u32 _tag(self, u64 order_id) noexcept nogil
    cdef u32 _home(self, u32 tag) noexcept nogil
    cdef u32 _position(self, u64 order_id) noexcept nogil
    cdef void _name(self, u64 order_id, u32 slot) noexcept nogil
    cdef void _forget(self, u64 order_id) noexcept nogil

    cdef void _report(self, u32 kind, u32 side, u32 reason, u64 order_id, u64 maker_id, i64 price, u64 quantity) noexcept nogil
    cdef void _report_new(self, const Command *c) noexcept nogil


cdef i64 key_of(u32 side, i64 price) noexcept nogil
