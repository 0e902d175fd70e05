# Signatures and fields of book.py, in its order.

from pricetime.native.arrays cimport Block
from pricetime.native.bits cimport leading_zeros, prefetch
from pricetime.native.memory cimport prefault_pages
from pricetime.core.layout cimport *


cdef class Books


cdef class Rules:
    cdef void execute(self, Books books, Book *book, const Command *c) noexcept nogil
    cdef void new_order(self, Books books, Book *book, const Command *c, const OrderExtension *more) noexcept nogil
    cdef void replace_order(self, Books books, Book *book, const Command *c,
                            const OrderExtension *more) noexcept nogil
    cdef void end(self, Books books, Book *book, u32 slot, u32 kind, u32 reason) noexcept nogil
    cdef void tell(self, Books books, Book *book, u32 slot) noexcept nogil
    cdef void begin_phase(self, Books books, Book *book, const Command *c) noexcept nogil
    cdef void uncross(self, Books books, Book *book, const Command *c) noexcept nogil
    cdef void indicate(self, Books books, Book *book, const Command *c) noexcept nogil
    cdef void expire(self, Books books, Book *book, const Command *c) noexcept nogil
    cdef void set_price(self, Books books, Book *book, const Command *c) noexcept nogil


cdef class Books:
    cdef Rules rules                 # of venues: for books that are ruled
    cdef list _pools                 # the memory of all that follows
    cdef dict _id_tables             # and of the id table of each instrument
    cdef dict _heaps                 # and of the heap of its GTD orders

    # pools, shared by all books; index 0 of each means none
    cdef Order *orders
    cdef OrderCold *cold             # same index as orders
    cdef OwnerLink *owner_links      # same index as orders
    cdef OrderExtra *extras          # same index as orders
    cdef Level *levels
    cdef u64 *hidden                 # same index as levels: lots that its orders do not display
    cdef Node *nodes
    cdef u32 capacity                # orders
    cdef u32 level_capacity
    cdef u32 free_order              # head of the list of freed slots, NIL if empty
    cdef u32 free_level
    cdef u32 free_node
    cdef u32 fresh_order             # first slot that was never used
    cdef u32 fresh_level
    cdef u32 fresh_node
    cdef u32 first_queue             # index behind the pool of levels: from here on each book has QUEUES of them
    cdef u32 order_count             # resting and waiting, over all books
    cdef u32 level_count             # with resting orders; the next are not among them
    cdef u32 waiting_levels          # levels of trigger prices and of all-or-none orders
    cdef u32 node_count

    # the books
    cdef Book *books
    cdef VenueBook *venues           # same index as books
    cdef u32 book_count
    cdef u32 *directory              # instrument -> 1 + index of its book, 0 if it has none
    cdef u32 directory_size
    cdef u64 id_multiplier           # odd; spreads order ids, never reaches a result

    # the owners
    cdef OwnerList *owner_lists      # by owner below owner_limit; then those that are found by hash
    cdef u32 *owner_buckets          # the first list of each bucket
    cdef u32 bucket_shift            # 64 - log2(buckets)
    cdef u32 free_owner_list         # head of the list of freed lists, NIL if empty
    cdef u32 fresh_owner_list        # first one that was never used
    cdef u32 owner_list_count        # lists in use that are found by hash
    cdef OwnerLimit *limits          # by owner
    cdef bint limited                # some owner has a limit
    cdef Walk *walks                 # by owner, of mass cancels that are unfinished
    cdef u32 walk_count              # how many are
    cdef u32 owner_limit             # owners from 1 to below this are numbered: see is_numbered

    # the phases, and an order that waits for its extension
    cdef PhaseRule *phases           # by phase
    cdef u32 phase_count
    cdef Command *kept               # its command
    cdef bint keeps                  # there is one
    cdef OrderExtension *more        # its extension, once that has come
    cdef Lookup *lookups             # of the commands that ``run`` prefetches for, by number modulo LOOKUPS
    cdef u64 refreshes               # how often all icebergs together can still be refreshed
    cdef u64 refresh_limit           # the most that this may be
    cdef u32 unlevelled              # orders that are not at a level, over all books
    cdef u64 cancels                 # mass cancels that have begun

    # where reports go; the caller provides the room
    cdef Report *reports
    cdef u64 report_count
    cdef u64 spare                   # besides room for what ``report_bound`` says
    cdef u64 wanted                  # reports that the command where ``run`` stopped may add; 0: it has not stopped
    cdef u64 skipped                 # commands from there on
    cdef bint kept_again             # that command is kept
    cdef u64 *references             # beside them, NULL if not wanted: the reference of the order that a report is about, of a trade that of the maker
    cdef u64 *buyers                 # beside them, NULL if not wanted: of an auction trade the reference of the buyer
    cdef u64 buyers_end              # 1 + the index of the last auction trade, 0 without one
    cdef u64 seq_num                 # of the last report
    cdef u64 last_reference          # of the order accepted last, over all books

    # making the books
    cdef int set_limits(self, object limits) except -1
    cdef int _read_phases(self) except -1
    cdef int _reserve_pools(self) except -1
    cdef void *_reserve(self, size_t n_bytes) except NULL
    cdef int _open(self, u32 index, object instrument) except -1
    cdef int begin(self, Book *book, object instrument) except -1
    cdef u64 _bucket_count(self) noexcept nogil
    cdef int _open_venue(self, u32 index, Book *book, object venue) except -1
    cdef int make_heap(self, Book *book, u64 limit) except -1
    cdef int make_ids(self, Book *book, u64 limit) except -1
    cdef void prefault(self, u64 orders, u64 levels) noexcept nogil

    # commands
    cdef inline Book *book_of(self, u32 instrument) noexcept nogil
    cdef u64 report_bound(self, u64 commands, u64 listings, u64 resting) noexcept nogil
    cdef void run(self, const Command *commands, u64 count, u64 *ends) noexcept nogil
    cdef bint has_spare(self, u64 refreshes, bint extended) noexcept nogil
    cdef void resume(self) noexcept nogil
    cdef inline IdEntry *_likely_entry(self, Book *book, const Command *c) noexcept nogil
    cdef inline u32 _likely_level(self, const Command *c) noexcept nogil
    cdef void execute(self, const Command *command) noexcept nogil
    cdef inline void _new_order(self, Book *book, const Command *c) noexcept nogil
    cdef inline void _rest_passive(self, Book *book, const Command *c, u64 position, i64 key) noexcept nogil
    cdef void _take(self, Book *book, const Command *c, i64 limit) noexcept nogil
    cdef inline void _cancel_order(self, Book *book, const Command *c) noexcept nogil
    cdef void _reduce_order(self, Book *book, const Command *c) noexcept nogil
    cdef void _replace_order(self, Book *book, const Command *c, u32 owner, u64 new_id) noexcept nogil
    cdef void _move_order(self, Book *book, u32 slot, u32 side, i64 key, u64 quantity) noexcept nogil

    # commands that are not about one order
    cdef void _execute_other(self, Book *book, const Command *c) noexcept nogil
    cdef void _mass_cancel(self, const Command *c) noexcept nogil
    cdef inline Walk *_walk_of(self, u32 owned) noexcept nogil
    cdef inline bint will_cancel(self, Walk *walk, u32 instrument, u32 side, u32 slot) noexcept nogil
    cdef void _walk(self, u32 owned, u32 limit) noexcept nogil
    cdef void _tell_open_orders(self, const Command *c) noexcept nogil
    cdef void set_phase(self, Book *book, u32 phase) noexcept nogil
    cdef void weigh(self, Book *book) noexcept nogil
    cdef void _keep(self, const Command *c) noexcept nogil
    cdef void _execute_behind(self, const Command *c) noexcept nogil
    cdef void _read_extension(self, const Command *c) noexcept nogil

    # rejections
    cdef inline u32 _refuse_order(self, Book *book, const Command *c) noexcept nogil
    cdef u32 refuse_replace(self, Book *book, i64 price, u64 quantity) noexcept nogil
    cdef inline u32 refuse_size(self, Book *book, i64 price, u64 quantity) noexcept nogil
    cdef inline u32 refuse_phase(self, Book *book, u32 kind) noexcept nogil
    cdef inline u32 _refuse_price(self, Book *book, i64 price) noexcept nogil
    cdef inline i64 _band_end(self, Book *book, u32 side) noexcept nogil
    cdef u32 _refuse_owner(self, Book *book, u32 owner, u32 side, i64 price, bint priced, u64 quantity) noexcept nogil
    cdef u32 _refuse_distance(self, Book *book, u64 most, u32 side, i64 price) noexcept nogil
    cdef inline u32 _refuse_slot(self, Book *book, u32 owner) noexcept nogil
    cdef inline u32 _refuse_rest(self, u32 level, u64 quantity) noexcept nogil
    cdef u32 _refuse_move(self, Book *book, u32 slot, i64 key, u64 quantity) noexcept nogil
    cdef void _reject(self, const Command *c, u32 reason) noexcept nogil

    # matching
    cdef inline bint _meets(self, Book *book, Ladder *makers, i64 limit) noexcept nogil
    cdef bint may_cross(self, Book *book) noexcept nogil
    cdef u64 _match(self, Book *book, Ladder *makers, u32 side, u64 taker_id, u32 owner, u32 mode, i64 taker_price,
                    i64 limit, u64 quantity) noexcept nogil
    cdef u64 _trade_level(self, Book *book, Ladder *makers, u32 side, u64 taker_id, u32 owner,
                          u64 quantity) noexcept nogil
    cdef void _remove_head(self, Book *book, Ladder *ladder, u32 level, u32 first, u32 last, u32 count) noexcept nogil
    cdef u64 _prevent(self, Book *book, u32 slot, u32 side, u64 taker_id, u32 mode, i64 taker_price,
                      u64 quantity) noexcept nogil
    cdef bint _can_fill(self, Ladder *makers, u32 owner, u32 mode, i64 limit, u64 quantity) noexcept nogil

    # orders at their level
    cdef inline u32 _fill_slot(self, Book *book, const Command *c, u64 quantity) noexcept nogil
    cdef inline u32 _take_slot(self, Book *book) noexcept nogil
    cdef inline void _append(self, Book *book, u32 level, u32 slot) noexcept nogil
    cdef void _unlink(self, Ladder *ladder, u32 slot) noexcept nogil
    cdef inline void _remove(self, Book *book, u32 slot, u64 position) noexcept nogil
    cdef void _free_slot(self, Book *book, u32 slot) noexcept nogil

    # owners' order lists
    cdef inline bint is_numbered(self, u32 owner) noexcept nogil
    cdef inline u32 _owner_list(self, u32 owner) noexcept nogil
    cdef inline u64 _bucket(self, u32 owner) noexcept nogil
    cdef u32 _make_owner_list(self, u32 owner) noexcept nogil
    cdef inline void _drop_if_unused(self, u32 owned) noexcept nogil
    cdef void _join_owner(self, Book *book, u32 slot) noexcept nogil
    cdef inline void _leave_owner(self, u32 slot) noexcept nogil
    cdef void _pass(self, Walk *walk, u32 slot) noexcept nogil

    # levels of a side: the radix tree
    cdef inline u32 level_at(self, Ladder *ladder, i64 key) noexcept nogil
    cdef inline u32 _level_in(self, u32 leaf, i64 key) noexcept nogil
    cdef u32 level_for(self, Ladder *ladder, i64 key, u32 side) noexcept nogil
    cdef u32 level_behind(self, Ladder *ladder, u32 level) noexcept nogil
    cdef u32 _last_level(self, u32 node) noexcept nogil
    cdef inline u32 _leaf_at(self, Ladder *ladder, u64 place) noexcept nogil
    cdef u32 _leaf_below(self, Ladder *ladder, u64 place) noexcept nogil
    cdef u32 _make_level(self, Ladder *ladder, u32 leaf, i64 key, u32 side) noexcept nogil
    cdef void _drop_level(self, Ladder *ladder, u32 level) noexcept nogil
    cdef u32 _make_leaf(self, Ladder *ladder, u64 place) noexcept nogil
    cdef void _drop_leaf(self, Ladder *ladder, u32 leaf) noexcept nogil
    cdef void _put_in_place(self, Ladder *ladder, u32 parent, u32 old, u32 new) noexcept nogil
    cdef void _set_child(self, u32 node, u64 digit, u32 child) noexcept nogil
    cdef u32 _take_node(self, u64 prefix, u32 shift) noexcept nogil
    cdef void _free_node(self, u32 node) noexcept nogil

    # the order-id table
    cdef u32 find(self, Book *book, u64 order_id) noexcept nogil
    cdef inline u32 _tag(self, u64 order_id) noexcept nogil
    cdef inline u64 _home(self, Book *book, u32 tag) noexcept nogil
    cdef inline u64 _home_of(self, Book *book, u64 order_id) noexcept nogil
    cdef inline u64 _position(self, Book *book, u64 order_id) noexcept nogil
    cdef inline void _name(self, Book *book, u64 position, u64 order_id, u32 slot) noexcept nogil
    cdef void _erase(self, Book *book, u64 position) noexcept nogil
    cdef void _grow_ids(self, Book *book) noexcept nogil
    cdef u32 _id_shift(self, Book *book) noexcept nogil
    cdef u32 _id_room(self, Book *book) noexcept nogil
    cdef void _move_ids(self, Book *book, u64 first, u64 end) noexcept nogil
    cdef inline void _move_id(self, Book *book, u64 here, u64 home) noexcept nogil
    cdef void _rename(self, Book *book, u32 slot, u64 new_id) noexcept nogil

    # reports
    cdef inline void _report(self, u32 instrument, u32 kind, u32 side, u32 reason, u64 order_id, u64 maker_id, i64 price,
                      u64 quantity) noexcept nogil
    cdef inline void _refer(self, u32 slot) noexcept nogil
    cdef void _refer_pair(self, u32 buyer, u32 seller) noexcept nogil
    cdef inline void _report_new(self, Book *book, const Command *c, bint rests) noexcept nogil
    cdef void _cancel_remainder(self, Book *book, const Command *c, u64 quantity) noexcept nogil
    cdef inline void _report_order(self, Book *book, u32 kind, u32 reason, u32 slot, u64 quantity) noexcept nogil

    # the digest
    cdef u64 digest(self, Book *book, bint references=*) noexcept nogil


cdef Rules rules_of_venues(size_t slots)
cdef bint may_rest(u32 order_type, u32 time_in_force) noexcept nogil
cdef u32 refuse_terms(u32 order_type, u32 time_in_force, u32 instructions) noexcept nogil
cdef size_t _bytes_of_ids(u64 most) noexcept nogil
cdef i64 key_of(u32 side, i64 price) noexcept nogil
cdef u64 place_of(i64 key) noexcept nogil
cdef u64 mix(u64 value, u64 part) noexcept nogil
