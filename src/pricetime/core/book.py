"""The matching core: the books of many instruments over one pool of orders. Commands in, reports out.

Sections, in this order: making the books; commands; commands that are not about one order; rejections; matching; orders
at their level; owners' order lists; levels of a side; the order-id table; reports; the digest. Records and constants
are in ``layout.pxd``, fields and signatures in ``book.pxd``.

This is the plain book: limit and market orders that are GTC, IOC or FOK. A book in which anything needs more (an
iceberg, a waiting order, a price range, a call phase, ...) is *ruled*: then the ``Rules`` of ``venue.py`` execute its
commands.

Once the books are made, nothing here allocates, locks, reads a clock or uses a Python object. Every command takes a
number of steps bounded by the orders that it trades with or cancels: a level is found in at most eleven nodes, an
order id in one run of its table. Prices are stored as keys, ``price`` for bids and ``~price`` for asks, so that on
both sides the largest key is the best. Room for everything that a command may need is checked before any change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import cython

from pricetime import phases
from pricetime.auctions import AUCTION_RULES
from pricetime.core.instrument import Instrument
from pricetime.native.arrays import Block
from pricetime.owner_limits import OwnerLimits

if not cython.compiled:  # the compiled form cimports them in book.pxd
    from pricetime.core.layout import *
    from pricetime.native.bits import leading_zeros, prefetch
    from pricetime.native.memory import prefault_pages


@cython.cclass
class Rules:
    """What the plain book leaves to the rules of venues: see ``venue.py``. The books have all state."""

    def execute(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """Execute a command about one order of a ruled book."""

    def new_order(
        self,
        books: Books,
        book: cython.pointer[Book],
        c: cython.pointer[cython.const[Command]],
        more: cython.pointer[cython.const[OrderExtension]],
    ) -> None:
        """Execute a new order. ``more``: its extension, NULL if it has none."""

    def replace_order(
        self,
        books: Books,
        book: cython.pointer[Book],
        c: cython.pointer[cython.const[Command]],
        more: cython.pointer[cython.const[OrderExtension]],
    ) -> None:
        """Execute REPLACE_ORDER or REPLACE_ORDER_AS. ``more``: its extension, NULL if it has none."""

    def end(self, books: Books, book: cython.pointer[Book], slot: u32, kind: u32, reason: u32) -> None:
        """Report that an order ends (CANCELLED, EXPIRED), and remove it."""

    def tell(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Report an order as one of its owner's open orders."""

    def begin_phase(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """Execute SET_PHASE."""

    def uncross(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """Execute UNCROSS."""

    def indicate(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """Execute INDICATE."""

    def expire(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """Execute EXPIRE."""

    def set_price(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """Execute SET_PRICE."""


@cython.final
@cython.no_gc  # its objects are memory and stateless rules, so it is in no reference cycle
@cython.cclass
class Books:
    """The books of some instruments. For compiled callers; Python code uses ``OrderBook`` or ``Engine``."""

    if not cython.compiled:
        _pools: list[Block]
        _id_tables: dict[int, Block]
        _heaps: dict[int, Block]

    # ------------------------------------------------------------------ making the books

    def __init__(
        self,
        instruments: Sequence[Instrument],
        capacity: int,
        level_capacity: int,
        id_multiplier: int,
        owner_limit: int = 0,
        limits: Mapping[int, OwnerLimits] | None = None,
        refresh_limit: int = DEFAULT_REFRESHES,
    ) -> None:
        """``instruments``: checked ``Instrument`` values with distinct ids. Raises MemoryError.

        ``refresh_limit``: how often all icebergs together may still be refreshed.

        Owners from 1 to below ``owner_limit`` can have limits, ask for their open orders and cancel in parts.
        ``limits``: the result of ``checked_limits``, None for none.
        """
        self.capacity = capacity
        self.level_capacity = level_capacity
        self.id_multiplier = id_multiplier
        self.owner_limit = owner_limit
        self.fresh_order = self.fresh_level = self.fresh_node = 1
        self.fresh_owner_list = max(1, owner_limit)
        self.free_order = self.free_level = self.free_node = self.free_owner_list = NIL
        self.order_count = self.level_count = self.node_count = self.walk_count = self.owner_list_count = 0
        self.bucket_shift = 65 - max(2, int(capacity).bit_length())
        self.report_count = self.seq_num = 0
        self.last_reference = 0
        self.reports = cython.NULL
        self.keeps = False
        self.refresh_limit = refresh_limit
        self.refreshes = self.cancels = 0
        self.unlevelled = self.waiting_levels = 0
        self.spare = self.wanted = self.skipped = 0
        self.kept_again = False
        self.references = self.buyers = cython.NULL
        self.buyers_end = 0
        self.book_count = len(instruments)
        self.directory_size = 1 + max([instrument.id for instrument in instruments], default=0)
        self.phase_count = len(phases.PHASES)
        self._pools = []
        self._id_tables = {}
        self._heaps = {}
        inside = {AUCTION_RULES[instrument.venue.auction].stops_inside for instrument in instruments}
        self.rules = rules_of_venues(self.capacity + 2 if True in inside else 0)
        self._reserve_pools()
        self._read_phases()
        for index, instrument in enumerate(instruments):
            self._open(index, instrument)
        self.limited = bool(limits)
        if limits:
            self.set_limits(limits)

    def set_limits(self, limits: Any) -> cython.int:
        """Set the limits of every owner below the ``owner_limit``; those under 0 are for owners without an entry."""
        owner: u32
        orders: u64
        quantity: u64
        distance: u64
        orders, quantity, distance = limits.get(0, OwnerLimits()).numbers()
        for owner in range(1, self.owner_limit):
            self.limits[owner].open_orders = orders
            self.limits[owner].quantity = quantity
            self.limits[owner].price_distance = distance
        for owner, given in limits.items():
            if owner > 0:
                orders, quantity, distance = given.numbers()
                self.limits[owner].open_orders = orders
                self.limits[owner].quantity = quantity
                self.limits[owner].price_distance = distance
        return 0

    def _read_phases(self) -> cython.int:
        """Copy the table of phases."""
        for phase, rule in phases.PHASES.items():
            row: cython.pointer[PhaseRule] = cython.address(self.phases[phase])
            row.accepts = sum(1 << kind for kind in rule.accepts)
            row.matches = rule.matches
            row.collects = rule.collects
            row.reason = rule.reason
            row.auction = rule.auction or 0
        return 0

    def _reserve_pools(self) -> cython.int:
        """Reserve the pools. Behind the orders that can rest is one slot for an order that trades and cannot.

        Each level that waiting orders need has an order, so the levels are at most as many as the orders.
        """
        n: cython.ulonglong = self.capacity + 2
        self.orders = cython.cast(cython.pointer[Order], self._reserve(n * cython.sizeof(Order)))
        self.cold = cython.cast(cython.pointer[OrderCold], self._reserve(n * cython.sizeof(OrderCold)))
        self.owner_links = cython.cast(cython.pointer[OwnerLink], self._reserve(n * cython.sizeof(OwnerLink)))
        self.extras = cython.cast(cython.pointer[OrderExtra], self._reserve(n * cython.sizeof(OrderExtra)))
        n += self.owner_limit
        self.owner_lists = cython.cast(cython.pointer[OwnerList], self._reserve(n * cython.sizeof(OwnerList)))
        n = self._bucket_count()
        self.owner_buckets = cython.cast(cython.pointer[u32], self._reserve(n * cython.sizeof(u32)))
        n = self.owner_limit + 1
        self.walks = cython.cast(cython.pointer[Walk], self._reserve(n * cython.sizeof(Walk)))
        self.limits = cython.cast(cython.pointer[OwnerLimit], self._reserve(n * cython.sizeof(OwnerLimit)))
        n = max(self.level_capacity, self.capacity) + 2
        self.first_queue = n
        n += QUEUES * self.book_count
        self.levels = cython.cast(cython.pointer[Level], self._reserve(n * cython.sizeof(Level)))
        self.hidden = cython.cast(cython.pointer[u64], self._reserve(n * cython.sizeof(u64)))
        n = 2 * cython.cast(u64, self.first_queue) - 1
        self.nodes = cython.cast(cython.pointer[Node], self._reserve(n * cython.sizeof(Node)))
        n = self.book_count + 1
        self.books = cython.cast(cython.pointer[Book], self._reserve(n * cython.sizeof(Book)))
        self.venues = cython.cast(cython.pointer[VenueBook], self._reserve(n * cython.sizeof(VenueBook)))
        n = self.directory_size
        self.directory = cython.cast(cython.pointer[u32], self._reserve(n * cython.sizeof(u32)))
        n = self.phase_count
        self.phases = cython.cast(cython.pointer[PhaseRule], self._reserve(n * cython.sizeof(PhaseRule)))
        self.kept = cython.cast(cython.pointer[Command], self._reserve(cython.sizeof(Command)))
        self.more = cython.cast(cython.pointer[OrderExtension], self._reserve(cython.sizeof(OrderExtension)))
        n = LOOKUPS
        self.lookups = cython.cast(cython.pointer[Lookup], self._reserve(n * cython.sizeof(Lookup)))
        return 0

    def _reserve(self, n_bytes: cython.size_t) -> cython.p_void:
        """Zeroed memory that lives as long as the books. Raises MemoryError."""
        what = f"{self.capacity} orders and {self.level_capacity} levels"
        block: Block = Block(n_bytes, what, "use a smaller capacity or level_capacity")
        self._pools.append(block)
        return block.memory

    def _bucket_count(self) -> u64:
        """Buckets of the hash table of owners: a power of two, at least half the capacity."""
        return cython.cast(u64, 1) << (64 - self.bucket_shift)

    def _open(self, index: u32, instrument: Any) -> cython.int:
        limit: cython.ulonglong = self.capacity
        if instrument.order_limit is not None:
            limit = min(limit, instrument.order_limit)
        book: cython.pointer[Book] = cython.address(self.books[index])
        book.instrument = instrument.id
        book.order_limit = limit
        self.make_ids(book, limit)
        book.self_trade = instrument.self_trade
        book.replace_policy = instrument.replace_policy
        book.tick_size = instrument.tick_size
        book.lot_size = instrument.lot_size
        self._open_venue(index, book, instrument.venue)
        self.begin(book, instrument)
        self.directory[instrument.id] = index + 1
        return 0

    def begin(self, book: cython.pointer[Book], instrument: Any) -> cython.int:
        """Begin the initial phase of an instrument, with its prices, in a book without orders."""
        low = -(1 << 63) if instrument.low_price is None else instrument.low_price
        high = (1 << 63) - 1 if instrument.high_price is None else instrument.high_price
        book.low_price = low
        book.band = high - low
        book.older_rules = book.has_last = 0
        book.last_price = 0
        more: cython.pointer[VenueBook] = book.venue
        more.entries = more.scheduled_ns = 0
        more.indication.kind = 0
        more.collecting = more.low_set = more.high_set = 0
        more.has_reference = instrument.venue.reference_price is not None
        more.reference = instrument.venue.reference_price or 0
        self.set_phase(book, instrument.phase)
        return 0

    def _open_venue(self, index: u32, book: cython.pointer[Book], venue: Any) -> cython.int:
        """The settings and queues of a book's venue."""
        more: cython.pointer[VenueBook] = cython.address(self.venues[index])
        book.venue = more
        rule: cython.pointer[VenueRule] = cython.address(more.rule)
        rule.iceberg_ratio = venue.iceberg_ratio
        rule.minimum_display = venue.minimum_display
        rule.static_range = venue.static_range
        rule.dynamic_range = venue.dynamic_range
        rule.stop_trigger = venue.stop_trigger
        rule.stop_at_entry = venue.stop_at_entry
        rule.on_breach = venue.on_breach
        rule.keeps_place = venue.iceberg_keeps_place
        rule.replace_total = venue.replace_total
        rule.all_or_none = venue.all_or_none
        auction = AUCTION_RULES[venue.auction]
        rule.every_tick = auction.every_tick
        rule.with_reference = auction.with_reference
        rule.percent = auction.percent
        rule.stops_inside = auction.stops_inside
        book.kinds = sum(1 << (kind * 8 + time) for kind in venue.order_types for time in venue.times_in_force)
        plain = sum(1 << (kind * 8 + time) for kind in (LIMIT, MARKET) for time in (GTC, IOC, FOK))
        ranged = venue.static_range != 0 or venue.dynamic_range != 0
        more.always = ranged or venue.replace_total or book.kinds & plain != plain
        n: u32
        for n in range(cython.cast(u32, QUEUES)):
            more.queues[n] = self.first_queue + QUEUES * index + n
            queue: cython.pointer[Level] = cython.address(self.levels[more.queues[n]])
            queue.side = BID if n % 2 == 0 else ASK
            queue.place = IN_CALL if n < 2 else FOR_OPEN if n < 4 else FOR_CLOSE
        return self.make_heap(book, book.order_limit)

    def make_heap(self, book: cython.pointer[Book], limit: u64) -> cython.int:
        """Reserve the heap of GTD orders of a book that has none, for this many orders, releasing the old one."""
        heap: Block = Block((limit + 1) * cython.sizeof(Expiring), f"a heap of {limit} orders")
        self._heaps[book.instrument] = heap
        book.venue.heap = cython.cast(cython.pointer[Expiring], heap.memory)
        return 0

    def make_ids(self, book: cython.pointer[Book], limit: u64) -> cython.int:
        """Reserve the order-id table of an empty book, releasing the old one if there is one. It begins small."""
        most: u64 = 64
        while most < 2 * cython.cast(u64, limit):
            most *= 2
        remedy = "use a smaller capacity, or a smaller order_limit of the instrument"
        table: Block = Block(_bytes_of_ids(most), f"a table of {most} order ids", remedy)
        self._id_tables[book.instrument] = table
        book.ids = cython.cast(cython.pointer[IdEntry], table.memory)
        book.id_most = most
        book.id_entries = min(most, cython.cast(u64, FEWEST_IDS))
        book.id_shift = self._id_shift(book)
        book.id_moved = 0
        book.id_room = self._id_room(book)
        return 0

    def prefault(self, orders: u64, levels: u64) -> None:
        """Use the memory of this many orders and levels now, and of all order-id tables."""
        n: u64 = min(cython.cast(u64, orders), cython.cast(u64, self.capacity)) + 1
        prefault_pages(self.orders, n * cython.sizeof(Order))
        prefault_pages(self.cold, n * cython.sizeof(OrderCold))
        prefault_pages(self.owner_links, (n if self.owner_limit != 0 else 1) * cython.sizeof(OwnerLink))
        n = min(cython.cast(u64, levels), cython.cast(u64, self.level_capacity)) + 1
        prefault_pages(self.levels, n * cython.sizeof(Level))
        prefault_pages(self.nodes, n * cython.sizeof(Node))
        i: u32
        for i in range(self.book_count):
            prefault_pages(self.books[i].ids, _bytes_of_ids(self.books[i].id_most))

    # ------------------------------------------------------------------ commands

    def book_of(self, instrument: u32) -> cython.pointer[Book]:
        """The book of an instrument, NULL if it has none."""
        if instrument < self.directory_size and self.directory[instrument] != 0:
            return cython.address(self.books[self.directory[instrument] - 1])
        return cython.NULL

    def report_bound(self, commands: u64, listings: u64, resting: u64) -> u64:
        """Most reports that this many commands can make. The caller provides this room before it runs them.

        ``listings``: how many of them are OPEN_ORDERS. ``resting``: most orders in the books when the first is
        executed. Commands that let icebergs be refreshed more often need ``spare`` besides: see ``run``.
        """
        own: u64 = REPORTS_PER_COMMAND * commands + OPEN_ORDERS_TOLD * listings + self.keeps
        return own + REPORTS_PER_ORDER * (resting + self.unlevelled + commands) + REPORTS_PER_REFRESH * self.refreshes

    def run(self, commands: cython.pointer[cython.const[Command]], count: u64, ends: cython.pointer[u64]) -> None:
        """Execute a run of commands, in order. ``ends[i]``: ``report_count`` after command i, or NULL if not wanted.

        What a command will look up is prefetched in three steps while earlier commands execute: the entry of its order
        id; the order; what lies around that order. Each would be a cache miss: with prefetching, flows of random ids
        run twice as fast. Books that never had many orders stay in the cache; then only the entry is prefetched.

        It stops at a command that may need more than ``spare`` reports: the last ``skipped`` ones are not executed.
        Then the caller provides ``spare`` of at least ``wanted``, calls ``resume``, and runs these.
        (This is not a function of its own because gcc drops calls of functions that only prefetch.)
        """
        lone: cython.pointer[Book] = cython.address(self.books[0]) if self.book_count == 1 else cython.NULL
        end: i64 = cython.cast(i64, count)
        done: i64 = 0
        while done < end and self.fresh_order <= MANY_ORDERS:
            if done + AHEAD < end:
                prefetch(self._likely_entry(lone, cython.address(commands[done + AHEAD])))
            self.execute(cython.address(commands[done]))
            if ends:
                ends[done] = self.report_count
            done += 1
        owned: cython.bint = self.owner_limit != 0 or self.owner_list_count != 0
        seen: cython.pointer[Lookup]
        i: i64
        for i in range(done if end - done < AHEAD else done - 3 * AHEAD, end):
            if i + 3 * AHEAD < end:
                seen = cython.address(self.lookups[i + 3 * AHEAD & (LOOKUPS - 1)])
                seen.entry = self._likely_entry(lone, cython.address(commands[i + 3 * AHEAD]))
                prefetch(seen.entry)
            if done <= i + 2 * AHEAD < end:
                seen = cython.address(self.lookups[i + 2 * AHEAD & (LOOKUPS - 1)])
                seen.slot = seen.entry.slot
                prefetch(cython.address(self.orders[seen.slot]))
                if owned:
                    prefetch(cython.address(self.owner_links[seen.slot]))
                if self.level_count >= MANY_LEVELS:
                    seen.level = self._likely_level(cython.address(commands[i + 2 * AHEAD]))
                    prefetch(cython.address(self.levels[seen.level]))
            if done <= i + AHEAD < end:
                seen = cython.address(self.lookups[i + AHEAD & (LOOKUPS - 1)])
                prefetch(cython.address(self.orders[self.orders[seen.slot].next]))
                prefetch(cython.address(self.orders[self.orders[seen.slot].prev]))
                prefetch(cython.address(self.levels[self.orders[seen.slot].level]))
                if owned:
                    prefetch(cython.address(self.owner_links[self.owner_links[seen.slot].next]))
                    prefetch(cython.address(self.owner_links[self.owner_links[seen.slot].prev]))
                if self.level_count >= MANY_LEVELS:
                    prefetch(cython.address(self.orders[self.levels[seen.level].tail]))
            if i >= done:
                self.execute(cython.address(commands[i]))
                if ends:
                    ends[i] = self.report_count

    def has_spare(self, refreshes: u64, extended: cython.bint) -> cython.bint:
        """Is there room for the reports of so many more refreshes? It is taken. If not, no more commands are executed.

        ``extended``: the command that needs it is an extended one that is kept.
        """
        reports: u64 = REPORTS_PER_REFRESH * refreshes
        if reports > self.spare:
            self.wanted = reports
            self.skipped = 1
            self.keeps = True
            self.kept_again = extended
            return False
        self.spare -= reports
        return True

    def resume(self) -> None:
        """Execute commands again, beginning with the one at which ``run`` stopped."""
        self.keeps = self.kept_again
        self.wanted = self.skipped = 0

    def _likely_entry(
        self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]
    ) -> cython.pointer[IdEntry]:
        """Where the order id of a command most likely is. ``book``: the only one, or NULL if there are several."""
        if not book:
            book = self.book_of(c.instrument)
        if not book:
            book = cython.address(self.books[0])
        return cython.address(book.ids[self._home_of(book, c.order_id)])

    def _likely_level(self, c: cython.pointer[cython.const[Command]]) -> u32:
        """The level that a new order of the only book may join; NIL for other commands."""
        if c.type != NEW_ORDER or self.book_count != 1:
            return NIL
        side: u32 = BID if c.side == BID else ASK
        return self.level_at(cython.address(self.books[0].ladders[side - 1]), key_of(side, c.price))

    def execute(self, command: cython.pointer[cython.const[Command]]) -> None:
        """Execute one command: its reports follow those already there.

        An order with EXTENDED makes no report: it is kept, and executed or rejected with the next command.
        """
        if self.keeps:
            self._execute_behind(command)
            return
        book: cython.pointer[Book] = self.book_of(command.instrument)
        if not book:
            self._execute_other(book, command)
        elif book.ruled:
            self.rules.execute(self, book, command)
        elif command.type == NEW_ORDER:
            self._new_order(book, command)
        elif command.type == CANCEL_ORDER:
            self._cancel_order(book, command)
        elif command.type == REDUCE_ORDER:
            self._reduce_order(book, command)
        elif command.type == REPLACE_ORDER and command.instructions & EXTENDED:
            self._keep(command)
        elif command.type == REPLACE_ORDER:
            self._replace_order(book, command, command.owner, command.order_id)
        elif command.type == REPLACE_ORDER_AS:
            new_id: u64 = command.owner | (cython.cast(u64, command.tag) << 32)
            self._replace_order(book, command, 0, new_id)
        else:
            self._execute_other(book, command)

    def _new_order(self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        timed: cython.bint = c.time_in_force != GTC and c.time_in_force != IOC and c.time_in_force != FOK
        if c.order_type > MARKET or c.instructions > POST_ONLY or timed:
            self.rules.new_order(self, book, c, cython.NULL)
            return
        reason: u32 = self._refuse_order(book, c)
        position: u64 = 0
        if reason == NONE:
            position = self._position(book, c.order_id)
            if book.ids[position].slot != NIL:
                reason = DUPLICATE_ORDER_ID
            elif self.limited:
                reason = self._refuse_owner(book, c.owner, c.side, c.price, c.order_type != MARKET, c.quantity)
        if reason != NONE:
            self._reject(c, reason)
            return
        side: u32 = c.side
        makers: cython.pointer[Ladder] = cython.address(book.ladders[2 - side])
        limit: i64 = ~key_of(side, c.price)
        if c.order_type == MARKET:
            limit = ~key_of(side, self._band_end(book, side))
        if self._meets(book, makers, limit):
            self._take(book, c, limit)
        elif may_rest(c.order_type, c.time_in_force):
            self._rest_passive(book, c, position, ~limit)
        else:
            self._report_new(book, c, False)
            self._cancel_remainder(book, c, c.quantity)

    def _rest_passive(
        self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]], position: u64, key: i64
    ) -> None:
        """The order crosses nothing and may rest; ``position`` is where its id belongs, ``key`` that of its price."""
        side: u32 = c.side
        ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
        leaf: u32 = self._leaf_at(ladder, place_of(key))
        level: u32 = self._level_in(leaf, key)
        reason: u32 = self._refuse_slot(book, c.owner)
        if reason == NONE:
            reason = self._refuse_rest(level, c.quantity)
        if reason != NONE:
            self._reject(c, reason)
            return
        self._report_new(book, c, True)
        slot: u32 = self._fill_slot(book, c, c.quantity)
        self._name(book, position, c.order_id, slot)
        if level == NIL:
            level = self._make_level(ladder, leaf, key, side)
        self._append(book, level, slot)

    def _take(self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]], limit: i64) -> None:
        """The order crosses the best price of the other side."""
        side: u32 = c.side
        rests: cython.bint = may_rest(c.order_type, c.time_in_force)
        reason: u32 = NONE
        if c.instructions & POST_ONLY:
            reason = WOULD_CROSS
        elif rests:
            # Its own level cannot exist: it would have crossed the other side already.
            reason = self._refuse_slot(book, c.owner)
            if reason == NONE:
                reason = self._refuse_rest(NIL, c.quantity)
        if reason != NONE:
            self._reject(c, reason)
            return
        self._report_new(book, c, rests)
        mode: u32 = c.flags if c.flags != 0 else book.self_trade
        owner: u32 = c.owner if mode != OFF else 0
        makers: cython.pointer[Ladder] = cython.address(book.ladders[2 - side])
        if c.time_in_force == FOK and not self._can_fill(makers, owner, mode, limit, c.quantity):
            self._cancel_remainder(book, c, c.quantity)
            return
        price: i64 = c.price if c.order_type != MARKET else 0
        left: u64 = self._match(book, makers, side, c.order_id, owner, mode, price, limit, c.quantity)
        if left == 0:
            return
        if not rests:
            self._cancel_remainder(book, c, left)
            return
        slot: u32 = self._fill_slot(book, c, left)
        self._name(book, self._position(book, c.order_id), c.order_id, slot)
        self._append(book, self.level_for(cython.address(book.ladders[side - 1]), key_of(side, c.price), side), slot)

    def _cancel_order(self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        reason: u32 = self.refuse_phase(book, CANCEL_ORDER)
        if reason != NONE:
            self._reject(c, reason)
            return
        position: u64 = self._position(book, c.order_id)
        slot: u32 = book.ids[position].slot
        if slot == NIL or (c.owner != 0 and c.owner != self.orders[slot].owner):
            self._reject(c, UNKNOWN_ORDER)
            return
        self._report_order(book, CANCELLED, NONE, slot, self.orders[slot].remaining)
        self._remove(book, slot, position)

    def _reduce_order(self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        reason: u32 = self.refuse_size(book, 0, c.quantity)
        if reason == NONE:
            reason = self.refuse_phase(book, REDUCE_ORDER)
        if reason != NONE:
            self._reject(c, reason)
            return
        position: u64 = self._position(book, c.order_id)
        slot: u32 = book.ids[position].slot
        if slot == NIL or (c.owner != 0 and c.owner != self.orders[slot].owner):
            self._reject(c, UNKNOWN_ORDER)
            return
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        if c.quantity >= order.remaining:
            self._report_order(book, REDUCED, NONE, slot, order.remaining)
            self._remove(book, slot, position)
            return
        self._report_order(book, REDUCED, NONE, slot, c.quantity)
        order.remaining -= c.quantity
        self.levels[order.level].quantity -= c.quantity

    def _replace_order(
        self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]], owner: u32, new_id: u64
    ) -> None:
        reason: u32 = self.refuse_replace(book, c.price, c.quantity)
        slot: u32 = NIL
        if reason == NONE:
            slot = self.find(book, c.order_id)
            if slot == NIL or (owner != 0 and owner != self.orders[slot].owner):
                reason = UNKNOWN_ORDER
            elif new_id != c.order_id and self.find(book, new_id) != NIL:
                reason = DUPLICATE_ORDER_ID
        if reason != NONE:
            self._reject(c, reason)
            return
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        level: cython.pointer[Level] = cython.address(self.levels[order.level])
        side: u32 = level.side
        makers: cython.pointer[Ladder] = cython.address(book.ladders[2 - side])
        key: i64 = key_of(side, c.price)
        if self.limited:
            larger: u64 = c.quantity if c.quantity > order.remaining else 0
            reason = self._refuse_owner(book, order.owner, side, c.price, key != level.key, larger)
            if reason != NONE:
                self._reject(c, reason)
                return
        if self.cold[slot].instructions & POST_ONLY and self._meets(book, makers, ~key):
            self._reject(c, WOULD_CROSS)
            return
        if key == level.key and c.quantity <= order.remaining and book.replace_policy != ALWAYS_LOSE:
            self._rename(book, slot, new_id)
            level.quantity -= order.remaining - c.quantity
            order.remaining = c.quantity
            self._refer(slot)
            self._report(book.instrument, REPLACED, side, KEPT_PLACE, new_id, c.order_id, c.price, c.quantity)
            return
        reason = self._refuse_move(book, slot, key, c.quantity)
        if reason != NONE:
            self._reject(c, reason)
            return
        self._rename(book, slot, new_id)
        self._refer(slot)
        self._report(book.instrument, REPLACED, side, NONE, new_id, c.order_id, c.price, c.quantity)
        self._move_order(book, slot, side, key, c.quantity)

    def _move_order(self, book: cython.pointer[Book], slot: u32, side: u32, key: i64, quantity: u64) -> None:
        """Take a resting order out of its level and add it again: it may trade before it rests."""
        ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        if order.owner != 0:
            self._leave_owner(slot)
        self._unlink(ladder, slot)
        mode: u32 = self.cold[slot].self_trade if self.cold[slot].self_trade != 0 else book.self_trade
        owner: u32 = order.owner if mode != OFF else 0
        makers: cython.pointer[Ladder] = cython.address(book.ladders[2 - side])
        left: u64 = quantity
        if self._meets(book, makers, ~key):
            left = self._match(book, makers, side, order.id, owner, mode, key_of(side, key), ~key, quantity)
        if left == 0:
            self._erase(book, self._position(book, order.id))
            self._free_slot(book, slot)
            return
        order.remaining = left
        self._append(book, self.level_for(ladder, key, side), slot)

    # ------------------------------------------------------------------ commands that are not about one order

    def _execute_other(self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """The rest of ``execute``; ``book`` is NULL if the instrument has none."""
        if c.type == GATEWAY_REJECT:
            self._reject(c, c.flags)
        elif c.type == MASS_CANCEL and (book or c.instrument == ALL_INSTRUMENTS):
            self._mass_cancel(c)
        elif c.type == CONTINUE and self.is_numbered(c.owner) and self.owner_lists[c.owner].walked:
            self._walk(c.owner, c.tag)
        elif c.type == CONTINUE:
            self._reject(c, UNKNOWN_COMMAND)
        elif c.type == OPEN_ORDERS:
            self._tell_open_orders(c)
        elif c.type == ORDER_EXTENSION:
            self._report(0, REJECTED, 0, MALFORMED, 0, 0, 0, 0)
        elif not book and (c.type == NEW_ORDER or c.type == REPLACE_ORDER) and c.instructions & EXTENDED:
            self._keep(c)
        elif not book:
            self._reject(c, UNKNOWN_INSTRUMENT)
        elif c.type == SET_PHASE:
            self.rules.begin_phase(self, book, c)
        elif c.type == UNCROSS:
            self.rules.uncross(self, book, c)
        elif c.type == INDICATE:
            self.rules.indicate(self, book, c)
        elif c.type == EXPIRE:
            self.rules.expire(self, book, c)
        elif c.type == SET_PRICE:
            self.rules.set_price(self, book, c)
        else:
            self._reject(c, UNKNOWN_COMMAND)

    def _mass_cancel(self, c: cython.pointer[cython.const[Command]]) -> None:
        """Cancel the orders of an owner, oldest first: of one instrument or all, of one side or both.

        Only those that rest now: an order that joins the back of a level later stays, and so does one with a time in
        force that it keeps. Owners from the ``owner_limit`` on are cancelled whole, since only the
        list of an owner below it lasts until the next part.
        """
        owned: u32 = self._owner_list(c.owner)
        if c.side > ASK:
            self._reject(c, INVALID_SIDE)
        elif owned == NIL:
            self._report(c.instrument, MASS_CANCELLED, c.side, NONE, c.order_id, 0, 0, 0)
        elif self.owner_lists[owned].walked:
            self._reject(c, MASS_CANCEL_UNFINISHED)
        else:
            walk: cython.pointer[Walk] = self._walk_of(owned)
            walk.order_id = c.order_id
            walk.cancelled = 0
            walk.instrument = c.instrument
            walk.next = self.owner_lists[owned].head
            walk.last = self.owner_lists[owned].tail
            walk.side = c.side
            walk.reason = c.flags if c.flags != 0 else BY_MASS_CANCEL
            walk.keeps = c.quantity & 0xFF
            self.cancels += 1
            walk.number = self.cancels
            self.owner_lists[owned].walked = 1
            self.walk_count += 1
            self._walk(owned, c.tag if owned < self.owner_limit else 0)

    def _walk_of(self, owned: u32) -> cython.pointer[Walk]:
        """The progress of the mass cancel of a list. One that is executed whole uses entry 0, which no owner has."""
        return cython.address(self.walks[owned if owned < self.owner_limit else 0])

    def will_cancel(self, walk: cython.pointer[Walk], instrument: u32, side: u32, slot: u32) -> cython.bint:
        """Does a mass cancel cancel this order, which is of this instrument and side?"""
        if walk.instrument != instrument and walk.instrument != ALL_INSTRUMENTS:
            return False
        if walk.side != 0 and walk.side != side:
            return False
        return walk.keeps == 0 or not walk.keeps >> self.cold[slot].time_in_force & 1

    def _walk(self, owned: u32, limit: u32) -> None:
        """The next part of a mass cancel: it visits up to ``limit`` orders, all for 0.

        While one is cancelled, the next and the one after it are prefetched.
        """
        walk: cython.pointer[Walk] = self._walk_of(owned)
        left: u32 = limit if limit != 0 else self.capacity
        while walk.next != NIL and left != 0:
            left -= 1
            slot: u32 = walk.next
            instrument: u32 = self.owner_links[slot].instrument
            newer: u32 = self.owner_links[slot].next
            book: cython.pointer[Book] = self.book_of(instrument)
            prefetch(cython.address(book.ids[self._home_of(book, self.orders[newer].id)]))
            prefetch(cython.address(self.levels[self.orders[newer].level]))
            prefetch(cython.address(self.orders[self.owner_links[newer].next]))
            prefetch(cython.address(self.owner_links[self.owner_links[newer].next]))
            order: cython.pointer[Order] = cython.address(self.orders[slot])
            if self.will_cancel(walk, instrument, self.levels[order.level].side, slot):
                if book.ruled:
                    self.rules.end(self, book, slot, CANCELLED, walk.reason)
                else:
                    self._report_order(book, CANCELLED, walk.reason, slot, order.remaining)
                    self._remove(book, slot, self._position(book, order.id))
                walk.cancelled += 1
            else:
                self._pass(walk, slot)
        reason: u32 = UNFINISHED
        if walk.next == NIL:
            reason = NONE
            self.owner_lists[owned].walked = 0
            self.walk_count -= 1
            self._drop_if_unused(owned)
        self._report(walk.instrument, MASS_CANCELLED, walk.side, reason, walk.order_id, 0, 0, walk.cancelled)

    def _tell_open_orders(self, c: cython.pointer[cython.const[Command]]) -> None:
        """Report the open orders of an owner, oldest first: from its oldest, or from the one after a given order.

        ``instrument`` and ``quantity`` name that order. At most ``OPEN_ORDERS_TOLD``, so that other commands need not
        wait.
        """
        slot: u32 = self.owner_lists[c.owner].head if c.owner < self.owner_limit else NIL
        reason: u32 = NONE
        if c.flags & BEHIND:
            book: cython.pointer[Book] = self.book_of(c.instrument)
            slot = self.find(book, c.quantity) if book else NIL
            if slot != NIL and self.orders[slot].owner == c.owner and self.is_numbered(c.owner):
                slot = self.owner_links[slot].next
            else:
                slot = NIL
                reason = UNKNOWN_ORDER
        told: u64 = 0
        while slot != NIL and told < OPEN_ORDERS_TOLD:
            prefetch(cython.address(self.levels[self.orders[self.owner_links[slot].next].level]))
            self.rules.tell(self, self.book_of(self.owner_links[slot].instrument), slot)
            slot = self.owner_links[slot].next
            told += 1
        if slot != NIL:
            reason = MORE_FOLLOW
        self._report(c.instrument, OPEN_ORDERS_END, 0, reason, c.order_id, 0, 0, told)

    def set_phase(self, book: cython.pointer[Book], phase: u32) -> None:
        """Begin a phase, which is a row of the table."""
        book.phase = phase
        book.rule = self.phases[phase]
        book.venue.collecting |= book.rule.collects
        self.weigh(book)

    def weigh(self, book: cython.pointer[Book]) -> None:
        """Does anything in a book need the rules? To be called whenever one of these changes."""
        more: cython.pointer[VenueBook] = book.venue
        book.ruled = more.always or more.collecting or more.special != 0

    def _keep(self, c: cython.pointer[cython.const[Command]]) -> None:
        """Keep a command that its extension must follow."""
        self.kept[0] = c[0]
        self.keeps = True

    def _execute_behind(self, c: cython.pointer[cython.const[Command]]) -> None:
        """Execute the command after an extended order: its extension executes both, any other command rejects it."""
        if self.wanted != 0:
            self.skipped += 1
            return
        self.keeps = False
        kept: cython.pointer[Command] = cython.address(self.kept[0])
        book: cython.pointer[Book] = self.book_of(kept.instrument)
        if c.type != ORDER_EXTENSION:
            self._reject(kept, MALFORMED)
            self.execute(c)
        elif not book:
            self._reject(kept, UNKNOWN_INSTRUMENT)
        else:
            self._read_extension(c)
            if kept.type == NEW_ORDER:
                self.rules.new_order(self, book, kept, cython.address(self.more[0]))
            else:
                self.rules.replace_order(self, book, kept, cython.address(self.more[0]))

    def _read_extension(self, c: cython.pointer[cython.const[Command]]) -> None:
        """Read a command as the extension that it is."""
        more: cython.pointer[OrderExtension] = cython.address(self.more[0])
        more.protection = c.instrument
        more.trigger_price = cython.cast(i64, c.order_id)
        more.display_quantity = cython.cast(u64, c.price)
        more.expiry_ns = c.quantity
        more.minimum_quantity = c.owner | (cython.cast(u64, c.tag) << 32)

    # ------------------------------------------------------------------ rejections

    def _refuse_order(self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> u32:
        """Why a plain order is rejected whatever rests, NONE if it is not: malformed fields come first."""
        if c.side != BID and c.side != ASK:
            return INVALID_SIDE
        if c.instructions != 0 and (c.order_type == MARKET or c.time_in_force != GTC):
            return INVALID_INSTRUCTION
        reason: u32 = NONE
        if c.flags > CANCEL_SMALLER:
            return INVALID_SELF_TRADE
        reason = self.refuse_size(book, c.price if c.order_type != MARKET else 0, c.quantity)
        if reason != NONE:
            return reason
        reason = self.refuse_phase(book, NEW_ORDER)
        if reason != NONE:
            return reason
        return self._refuse_price(book, c.price if c.order_type != MARKET else book.low_price)

    def refuse_replace(self, book: cython.pointer[Book], price: i64, quantity: u64) -> u32:
        """The same for a replace."""
        reason: u32 = self.refuse_size(book, price, quantity)
        if reason == NONE:
            reason = self.refuse_phase(book, REPLACE_ORDER)
        return reason if reason != NONE else self._refuse_price(book, price)

    def refuse_size(self, book: cython.pointer[Book], price: i64, quantity: u64) -> u32:
        """Are price and quantity multiples of the tick and lot size?"""
        if quantity == 0 or quantity >> 63 != 0:
            return INVALID_QUANTITY
        if book.lot_size != 1 and quantity % book.lot_size != 0:
            return INVALID_QUANTITY
        if book.tick_size != 1 and price % cython.cast(i64, book.tick_size) != 0:
            return INVALID_PRICE
        return NONE

    def refuse_phase(self, book: cython.pointer[Book], kind: u32) -> u32:
        """Does the phase accept this type of command about one order?"""
        return NONE if book.rule.accepts >> kind & 1 else book.rule.reason

    def _refuse_price(self, book: cython.pointer[Book], price: i64) -> u32:
        """Is a price within the band? One comparison checks both ends."""
        if cython.cast(u64, cython.cast(u64, price) - cython.cast(u64, book.low_price)) > book.band:
            return PRICE_OUTSIDE_BAND
        return NONE

    def _band_end(self, book: cython.pointer[Book], side: u32) -> i64:
        """The worst price at which a market order may trade: the end of the band on the other side."""
        return cython.cast(i64, cython.cast(u64, book.low_price) + book.band) if side == BID else book.low_price

    def _refuse_owner(
        self, book: cython.pointer[Book], owner: u32, side: u32, price: i64, priced: cython.bint, quantity: u64
    ) -> u32:
        """May this owner have an order of this quantity and, if ``priced``, at this price?"""
        if not self.is_numbered(owner):
            return NONE
        limit: cython.pointer[OwnerLimit] = cython.address(self.limits[owner])
        if quantity > limit.quantity:
            return QUANTITY_ABOVE_LIMIT
        return self._refuse_distance(book, limit.price_distance, side, price) if priced else NONE

    def _refuse_distance(self, book: cython.pointer[Book], most: u64, side: u32, price: i64) -> u32:
        """Is a price near enough to the best of the other side, or of its own if that is empty?

        True if both are empty.
        """
        best_side: u32 = 3 - side
        if book.ladders[best_side - 1].best == NIL:
            best_side = side
        ladder: cython.pointer[Ladder] = cython.address(book.ladders[best_side - 1])
        if ladder.best == NIL:
            return NONE
        best: i64 = key_of(best_side, ladder.best_key)
        low: i64 = min(price, best)
        high: i64 = max(price, best)
        return PRICE_TOO_FAR if cython.cast(u64, cython.cast(u64, high) - cython.cast(u64, low)) > most else NONE

    def _refuse_slot(self, book: cython.pointer[Book], owner: u32) -> u32:
        """Is there a slot for one more order of this owner?"""
        if self.limited and self.is_numbered(owner) and self.owner_lists[owner].count >= self.limits[owner].open_orders:
            return OWNER_ORDERS_FULL
        if self.order_count == self.capacity or book.count >= book.order_limit:
            return ORDERS_FULL
        return NONE

    def _refuse_rest(self, level: u32, quantity: u64) -> u32:
        """Is there room for this quantity at a level, or for a new level if it is NIL?"""
        if level == NIL:
            if self.level_count == self.level_capacity:
                return LEVELS_FULL
        elif cython.cast(u64, self.levels[level].quantity + quantity) < quantity:
            return LEVEL_QUANTITY_FULL
        return NONE

    def _refuse_move(self, book: cython.pointer[Book], slot: u32, key: i64, quantity: u64) -> u32:
        """Is there room for a resting order at a new place, once it has left its level?"""
        level: u32 = self.orders[slot].level
        target: u32 = self.level_at(cython.address(book.ladders[self.levels[level].side - 1]), key)
        if target == level:
            if cython.cast(u64, self.levels[level].quantity - self.orders[slot].remaining + quantity) < quantity:
                return LEVEL_QUANTITY_FULL
            return NONE
        if target == NIL and self.levels[level].count == 1:
            return NONE
        return self._refuse_rest(target, quantity)

    def _reject(self, c: cython.pointer[cython.const[Command]], reason: u32) -> None:
        self._report(c.instrument, REJECTED, c.side, reason, c.order_id, 0, c.price, c.quantity)

    # ------------------------------------------------------------------ matching

    def _meets(self, book: cython.pointer[Book], makers: cython.pointer[Ladder], limit: i64) -> cython.bint:
        """Does an order trade with the best of the other side, down to ``limit``, a key of that side?"""
        return makers.best != NIL and makers.best_key >= limit and book.rule.matches

    def may_cross(self, book: cython.pointer[Book]) -> cython.bint:
        """Does the phase accept orders without matching them?"""
        return not book.rule.matches and book.rule.accepts >> NEW_ORDER & 1

    def _match(
        self,
        book: cython.pointer[Book],
        makers: cython.pointer[Ladder],
        side: u32,
        taker_id: u64,
        owner: u32,
        mode: u32,
        taker_price: i64,
        limit: i64,
        quantity: u64,
    ) -> u64:
        """Trade with the best orders of the other side up to ``limit``, a key of that side. Returns the quantity left.

        ``owner``: 0 if self-trade prevention does not apply. A remainder that prevention cancels is reported at
        ``taker_price`` and not returned.
        """
        while quantity != 0 and makers.best != NIL and makers.best_key >= limit:
            slot: u32 = self.levels[makers.best].head
            if owner != 0 and self.orders[slot].owner == owner:
                quantity = self._prevent(book, slot, side, taker_id, mode, taker_price, quantity)
            else:
                quantity = self._trade_level(book, makers, side, taker_id, owner, quantity)
        return quantity

    def _trade_level(
        self,
        book: cython.pointer[Book],
        makers: cython.pointer[Ladder],
        side: u32,
        taker_id: u64,
        owner: u32,
        quantity: u64,
    ) -> u64:
        """Trade with the orders at the front of the best level, until one of ``owner``. Returns the quantity left.

        The filled ones are a run from the front of the queue: they trade first and are removed together afterwards.
        While one trades, the id entry of the next and the order behind it are prefetched.
        """
        best: u32 = makers.best
        level: cython.pointer[Level] = cython.address(self.levels[best])
        price: i64 = key_of(3 - side, level.key)
        first: u32 = level.head
        slot: u32 = first
        filled: u32 = 0
        last: u32 = NIL
        taken: u64 = 0
        behind: cython.pointer[Order]
        while slot != NIL and quantity != 0:
            maker: cython.pointer[Order] = cython.address(self.orders[slot])
            if owner != 0 and maker.owner == owner:
                break
            behind = cython.address(self.orders[maker.next])
            prefetch(cython.address(self.orders[behind.next]))
            prefetch(cython.address(book.ids[self._home_of(book, behind.id)]))
            self._refer(slot)
            if behind.owner != 0 and self.fresh_order > MANY_ORDERS:
                prefetch(cython.address(self.owner_links[behind.next]))
                prefetch(cython.address(self.owner_links[self.owner_links[maker.next].next]))
                prefetch(cython.address(self.owner_links[self.owner_links[maker.next].prev]))
            if maker.remaining > quantity:
                self._report(book.instrument, TRADE, side, NONE, taker_id, maker.id, price, quantity)
                maker.remaining -= quantity
                taken += quantity
                quantity = 0
                break
            self._report(book.instrument, TRADE, side, NONE, taker_id, maker.id, price, maker.remaining)
            quantity -= maker.remaining
            taken += maker.remaining
            filled += 1
            last = slot
            slot = maker.next
        level.quantity -= taken
        book.last_price = price
        book.has_last = 1
        if filled != 0:
            self._remove_head(book, makers, best, first, last, filled)
        return quantity

    def _remove_head(
        self, book: cython.pointer[Book], ladder: cython.pointer[Ladder], level: u32, first: u32, last: u32, count: u32
    ) -> None:
        """Remove the first ``count`` orders of a level from the book, from ``first`` to ``last``."""
        queue: cython.pointer[Level] = cython.address(self.levels[level])
        behind: u32 = self.orders[last].next
        slot: u32 = first
        while slot != behind:
            self._erase(book, self._position(book, self.orders[slot].id))
            if self.orders[slot].owner != 0:
                self._leave_owner(slot)
            slot = self.orders[slot].next
        self.orders[last].next = self.free_order
        self.free_order = first
        self.order_count -= count
        book.count -= count
        queue.count -= count
        if behind == NIL:
            self._drop_level(ladder, level)
        else:
            queue.head = behind
            self.orders[behind].prev = NIL

    def _prevent(
        self,
        book: cython.pointer[Book],
        slot: u32,
        side: u32,
        taker_id: u64,
        mode: u32,
        taker_price: i64,
        quantity: u64,
    ) -> u64:
        """Two orders of one owner meet: take from each what the mode says, from the incoming order first.

        The report about the resting order is the last one, so reports show whether the incoming order continues, rests
        or is gone. Returns the incoming quantity that may continue, or 0.
        """
        maker: cython.pointer[Order] = cython.address(self.orders[slot])
        from_maker: u64 = 0
        from_taker: u64 = 0
        if mode == DECREMENT:
            from_maker = from_taker = min(quantity, maker.remaining)
        else:
            if mode == CANCEL_OLDEST or mode == CANCEL_BOTH or (mode == CANCEL_SMALLER and maker.remaining <= quantity):
                from_maker = maker.remaining
            if mode == CANCEL_NEWEST or mode == CANCEL_BOTH or (mode == CANCEL_SMALLER and maker.remaining > quantity):
                from_taker = quantity
        if from_taker != 0:
            kind: u32 = CANCELLED if from_taker == quantity else REDUCED
            self._refer(self.find(book, taker_id))
            self._report(book.instrument, kind, side, SELF_TRADE, taker_id, 0, taker_price, from_taker)
        if from_maker == maker.remaining:
            self._report_order(book, CANCELLED, SELF_TRADE, slot, from_maker)
            self._remove(book, slot, self._position(book, maker.id))
        elif from_maker != 0:
            self._report_order(book, REDUCED, SELF_TRADE, slot, from_maker)
            maker.remaining -= from_maker
            self.levels[maker.level].quantity -= from_maker
        return quantity - from_taker

    def _can_fill(
        self, makers: cython.pointer[Ladder], owner: u32, mode: u32, limit: i64, quantity: u64
    ) -> cython.bint:
        """Could the whole quantity trade, down to ``limit``? Counts only what the self-trade mode lets it take."""
        level: u32 = makers.best
        while level != NIL and self.levels[level].key >= limit:
            if owner == 0:
                if self.levels[level].quantity >= quantity:
                    return True
                quantity -= self.levels[level].quantity
            else:
                slot: u32 = self.levels[level].head
                while slot != NIL:
                    maker: cython.pointer[Order] = cython.address(self.orders[slot])
                    if maker.owner != owner:
                        if maker.remaining >= quantity:
                            return True
                        quantity -= maker.remaining
                    elif mode != CANCEL_OLDEST and (mode != CANCEL_SMALLER or maker.remaining > quantity):
                        return False
                    slot = maker.next
            level = self.level_behind(makers, level)
        return False

    # ------------------------------------------------------------------ orders at their level

    def _fill_slot(self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]], quantity: u64) -> u32:
        """A slot with the order of a command and this open quantity, not yet at a level."""
        slot: u32 = self._take_slot(book)
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        order.id = c.order_id
        order.remaining = quantity
        order.owner = c.owner
        cold: cython.pointer[OrderCold] = cython.address(self.cold[slot])
        cold.timestamp = c.timestamp
        cold.reference = self.last_reference
        cold.tag = c.tag
        cold.time_in_force = c.time_in_force
        cold.self_trade = c.flags
        cold.order_type = c.order_type
        cold.instructions = c.instructions
        return slot

    def _take_slot(self, book: cython.pointer[Book]) -> u32:
        """A free slot. There is one."""
        slot: u32 = self.free_order
        if slot != NIL:
            self.free_order = self.orders[slot].next
        else:
            slot = self.fresh_order
            self.fresh_order += 1
        self.order_count += 1
        book.count += 1
        return slot

    def _append(self, book: cython.pointer[Book], level: u32, slot: u32) -> None:
        """Put an order at the back of a level and of its owner's list."""
        queue: cython.pointer[Level] = cython.address(self.levels[level])
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        order.level = level
        order.next = NIL
        order.prev = queue.tail
        if queue.tail == NIL:
            queue.head = slot
        else:
            self.orders[queue.tail].next = slot
        queue.tail = slot
        queue.quantity += order.remaining
        queue.count += 1
        if order.owner != 0:
            self._join_owner(book, slot)

    def _unlink(self, ladder: cython.pointer[Ladder], slot: u32) -> None:
        """Take an order out of its level, and drop the level if it was the last."""
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        queue: cython.pointer[Level] = cython.address(self.levels[order.level])
        queue.count -= 1
        if queue.count == 0:
            self._drop_level(ladder, order.level)
            return
        queue.quantity -= order.remaining
        if order.prev == NIL:
            queue.head = order.next
        else:
            self.orders[order.prev].next = order.next
        if order.next == NIL:
            queue.tail = order.prev
        else:
            self.orders[order.next].prev = order.prev

    def _remove(self, book: cython.pointer[Book], slot: u32, position: u64) -> None:
        """Remove an order from the book; ``position`` is that of its id."""
        if self.orders[slot].owner != 0:
            self._leave_owner(slot)
        side: u32 = self.levels[self.orders[slot].level].side
        self._unlink(cython.address(book.ladders[side - 1]), slot)
        self._erase(book, position)
        self._free_slot(book, slot)

    def _free_slot(self, book: cython.pointer[Book], slot: u32) -> None:
        self.orders[slot].next = self.free_order
        self.free_order = slot
        self.order_count -= 1
        book.count -= 1

    # ------------------------------------------------------------------ owners' order lists

    def is_numbered(self, owner: u32) -> cython.bint:
        """Is this owner below the ``owner_limit``, so that its list has its number?"""
        return owner < self.owner_limit and owner != 0

    def _owner_list(self, owner: u32) -> u32:
        """The list of an owner, NIL if it has no orders. Owner 0 means that an order has no owner."""
        if owner < self.owner_limit:
            return owner
        owned: u32 = self.owner_buckets[self._bucket(owner)]
        while owned != NIL and self.owner_lists[owned].owner != owner:
            owned = self.owner_lists[owned].other
        return owned

    def _bucket(self, owner: u32) -> u64:
        return cython.cast(u64, owner * self.id_multiplier) >> self.bucket_shift

    def _make_owner_list(self, owner: u32) -> u32:
        """An empty list for an owner who is not below the ``owner_limit``."""
        owned: u32 = self.free_owner_list
        if owned != NIL:
            self.free_owner_list = self.owner_lists[owned].head
        else:
            owned = self.fresh_owner_list
            self.fresh_owner_list += 1
        self.owner_list_count += 1
        orders: cython.pointer[OwnerList] = cython.address(self.owner_lists[owned])
        orders.head = orders.tail = NIL
        orders.owner = owner
        bucket: u64 = self._bucket(owner)
        orders.other = self.owner_buckets[bucket]
        self.owner_buckets[bucket] = owned
        return owned

    def _drop_if_unused(self, owned: u32) -> None:
        """Free a list that is found by hash, if it has no orders and no mass cancel is visiting it."""
        orders: cython.pointer[OwnerList] = cython.address(self.owner_lists[owned])
        if owned < self.owner_limit or orders.count != 0 or orders.walked:
            return
        bucket: u64 = self._bucket(orders.owner)
        before: u32 = self.owner_buckets[bucket]
        if before == owned:
            self.owner_buckets[bucket] = orders.other
        else:
            while self.owner_lists[before].other != owned:
                before = self.owner_lists[before].other
            self.owner_lists[before].other = orders.other
        orders.head = self.free_owner_list
        self.free_owner_list = owned
        self.owner_list_count -= 1

    def _join_owner(self, book: cython.pointer[Book], slot: u32) -> None:
        """Put an order, which joined the back of a level, at the end of its owner's list."""
        owned: u32 = self._owner_list(self.orders[slot].owner)
        if owned == NIL:
            owned = self._make_owner_list(self.orders[slot].owner)
        orders: cython.pointer[OwnerList] = cython.address(self.owner_lists[owned])
        link: cython.pointer[OwnerLink] = cython.address(self.owner_links[slot])
        link.instrument = book.instrument
        link.list = owned
        link.next = NIL
        link.prev = orders.tail
        if orders.tail == NIL:
            orders.head = slot
        else:
            self.owner_links[orders.tail].next = slot
        orders.tail = slot
        orders.count += 1

    def _leave_owner(self, slot: u32) -> None:
        """Take an order out of its owner's list."""
        link: cython.pointer[OwnerLink] = cython.address(self.owner_links[slot])
        orders: cython.pointer[OwnerList] = cython.address(self.owner_lists[link.list])
        orders.count -= 1
        if orders.walked:
            self._pass(self._walk_of(link.list), slot)
        if link.prev == NIL:
            orders.head = link.next
        else:
            self.owner_links[link.prev].next = link.next
        if link.next == NIL:
            orders.tail = link.prev
        else:
            self.owner_links[link.next].prev = link.prev
        self._drop_if_unused(link.list)

    def _pass(self, walk: cython.pointer[Walk], slot: u32) -> None:
        """Take an order out of the range that a mass cancel still has to visit."""
        if slot == walk.next:
            walk.next = self.owner_links[slot].next if slot != walk.last else NIL
        elif slot == walk.last:
            walk.last = self.owner_links[slot].prev

    # ------------------------------------------------------------------ levels of a side: the radix tree

    def level_at(self, ladder: cython.pointer[Ladder], key: i64) -> u32:
        """The level of a key, NIL if no order is there."""
        return self._level_in(self._leaf_at(ladder, place_of(key)), key)

    def _level_in(self, leaf: u32, key: i64) -> u32:
        """The same in the leaf that would hold it; NIL too for no leaf."""
        digit: u64 = place_of(key) & 63
        if leaf == NIL or self.nodes[leaf].map >> digit & 1 == 0:
            return NIL
        return self.nodes[leaf].children[digit]

    def level_for(self, ladder: cython.pointer[Ladder], key: i64, side: u32) -> u32:
        """The level of a key, made if the side has none there; then the caller adds an order."""
        leaf: u32 = self._leaf_at(ladder, place_of(key))
        level: u32 = self._level_in(leaf, key)
        return level if level != NIL else self._make_level(ladder, leaf, key, side)

    def level_behind(self, ladder: cython.pointer[Ladder], level: u32) -> u32:
        """The next worse level, NIL after the last. Amortised constant over a walk."""
        place: u64 = place_of(self.levels[level].key)
        node: cython.pointer[Node] = cython.address(self.nodes[self._leaf_at(ladder, place)])
        digit: u64 = place & 63
        below: u64 = node.map & ((cython.cast(u64, 1) << digit) - 1)
        while below == 0:
            if node.parent == NIL:
                return NIL
            node = cython.address(self.nodes[node.parent])
            digit = place >> node.shift & 63
            below = node.map & ((cython.cast(u64, 1) << digit) - 1)
        child: u32 = node.children[63 - leading_zeros(below)]
        return child if node.shift == 0 else self._last_level(child)

    def _last_level(self, node: u32) -> u32:
        """The best level below a node: its largest key."""
        here: cython.pointer[Node] = cython.address(self.nodes[node])
        while here.shift != 0:
            here = cython.address(self.nodes[here.children[63 - leading_zeros(here.map)]])
        return here.children[63 - leading_zeros(here.map)]

    def _leaf_at(self, ladder: cython.pointer[Ladder], place: u64) -> u32:
        """The leaf that holds a place or would hold it, NIL if no leaf does."""
        leaf: u32 = ladder.leaves[place >> 6 & (LEAF_CACHE - 1)]
        if leaf != NIL and self.nodes[leaf].prefix == place >> 6:
            return leaf
        return self._leaf_below(ladder, place)

    def _leaf_below(self, ladder: cython.pointer[Ladder], place: u64) -> u32:
        """The same by a walk from the root, which is remembered."""
        node: u32 = ladder.root
        while node != NIL:
            here: cython.pointer[Node] = cython.address(self.nodes[node])
            if place >> here.shift >> 6 != here.prefix:
                return NIL
            if here.shift == 0:
                ladder.leaves[place >> 6 & (LEAF_CACHE - 1)] = node
                return node
            digit: u64 = place >> here.shift & 63
            if here.map >> digit & 1 == 0:
                return NIL
            node = here.children[digit]
        return NIL

    def _make_level(self, ladder: cython.pointer[Ladder], leaf: u32, key: i64, side: u32) -> u32:
        """Make an empty level for a key without one; ``leaf``: from ``_leaf_at``. The caller adds an order."""
        level: u32 = self.free_level
        if level != NIL:
            self.free_level = self.levels[level].head
        else:
            level = self.fresh_level
            self.fresh_level += 1
        self.level_count += 1
        ladder.levels += 1
        queue: cython.pointer[Level] = cython.address(self.levels[level])
        queue.key = key
        queue.side = side
        queue.place = AT_LEVEL
        queue.quantity = queue.count = queue.head = queue.tail = 0
        if ladder.best == NIL or key > ladder.best_key:
            ladder.best = level
            ladder.best_key = key
        place: u64 = place_of(key)
        if leaf == NIL:
            leaf = self._make_leaf(ladder, place)
        self._set_child(leaf, place & 63, level)
        return level

    def _drop_level(self, ladder: cython.pointer[Ladder], level: u32) -> None:
        """Drop a level whose last order leaves."""
        place: u64 = place_of(self.levels[level].key)
        leaf: u32 = self._leaf_at(ladder, place)
        self.nodes[leaf].map &= ~(cython.cast(u64, 1) << (place & 63))
        last: u32 = leaf
        if self.nodes[leaf].map == 0:
            self._drop_leaf(ladder, leaf)
            last = ladder.root
        if ladder.best == level:
            ladder.best = self._last_level(last) if last != NIL else NIL
            ladder.best_key = self.levels[ladder.best].key
        self.levels[level].head = self.free_level
        self.free_level = level
        self.level_count -= 1
        ladder.levels -= 1

    def _make_leaf(self, ladder: cython.pointer[Ladder], place: u64) -> u32:
        """Make an empty leaf for a place without one, where its prefix differs from the others. The caller fills it."""
        leaf: u32 = self._take_node(place >> 6, 0)
        ladder.leaves[place >> 6 & (LEAF_CACHE - 1)] = leaf
        parent: u32 = NIL
        node: u32 = ladder.root
        while node != NIL:
            here: cython.pointer[Node] = cython.address(self.nodes[node])
            apart: u64 = (place >> here.shift >> 6) ^ here.prefix
            if apart != 0:
                # They differ above this node: an inner node at the highest six bits that differ takes both.
                shift: u32 = here.shift + 6 + cython.cast(u32, 63 - leading_zeros(apart)) // 6 * 6
                branch: u32 = self._take_node(place >> shift >> 6, shift)
                self._put_in_place(ladder, parent, node, branch)
                self._set_child(branch, here.prefix >> (shift - here.shift - 6) & 63, node)
                here.parent = branch
                parent = branch
                break
            parent = node
            node = here.children[place >> here.shift & 63] if here.map >> (place >> here.shift & 63) & 1 else NIL
        self.nodes[leaf].parent = parent
        if parent == NIL:
            ladder.root = leaf
        else:
            self._set_child(parent, place >> self.nodes[parent].shift & 63, leaf)
        return leaf

    def _drop_leaf(self, ladder: cython.pointer[Ladder], leaf: u32) -> None:
        """Drop an empty leaf, and its parent too if that has one child left."""
        here: cython.pointer[Node] = cython.address(self.nodes[leaf])
        ladder.leaves[here.prefix & (LEAF_CACHE - 1)] = NIL  # it is there: its level was looked up just before
        parent: u32 = here.parent
        if parent == NIL:
            ladder.root = NIL
        else:
            above: cython.pointer[Node] = cython.address(self.nodes[parent])
            above.map &= ~(cython.cast(u64, 1) << (here.prefix >> (above.shift - 6) & 63))
            if above.map & (above.map - 1) == 0:
                only: u32 = above.children[63 - leading_zeros(above.map)]
                self._put_in_place(ladder, above.parent, parent, only)
                self._free_node(parent)
        self._free_node(leaf)

    def _put_in_place(self, ladder: cython.pointer[Ladder], parent: u32, old: u32, new: u32) -> None:
        """Put node ``new`` in the place of ``old`` under its parent, or at the root if the parent is NIL."""
        self.nodes[new].parent = parent
        if parent == NIL:
            ladder.root = new
        else:
            here: cython.pointer[Node] = cython.address(self.nodes[old])
            above: cython.pointer[Node] = cython.address(self.nodes[parent])
            above.children[here.prefix >> (above.shift - here.shift - 6) & 63] = new

    def _set_child(self, node: u32, digit: u64, child: u32) -> None:
        here: cython.pointer[Node] = cython.address(self.nodes[node])
        here.map |= cython.cast(u64, 1) << digit
        here.children[digit] = child

    def _take_node(self, prefix: u64, shift: u32) -> u32:
        node: u32 = self.free_node
        if node != NIL:
            self.free_node = self.nodes[node].parent
        else:
            node = self.fresh_node
            self.fresh_node += 1
        self.node_count += 1
        here: cython.pointer[Node] = cython.address(self.nodes[node])
        here.map = 0
        here.prefix = prefix
        here.shift = shift
        return node

    def _free_node(self, node: u32) -> None:
        self.nodes[node].parent = self.free_node
        self.free_node = node
        self.node_count -= 1

    # ------------------------------------------------------------------ the order-id table

    def find(self, book: cython.pointer[Book], order_id: u64) -> u32:
        """The slot of a resting order, NIL if no order has this id."""
        return book.ids[self._position(book, order_id)].slot

    def _tag(self, order_id: u64) -> u32:
        """32 bits of an id's hash: 29 of its block of eight ids, then its place in the block."""
        spread: u64 = cython.cast(u64, (order_id >> 3) * self.id_multiplier)
        return cython.cast(u32, spread >> 35 << 3 | order_id & 7)

    def _home(self, book: cython.pointer[Book], tag: u32) -> u64:
        """Home position of an entry: eight consecutive ids share a cache line."""
        shift: u32 = book.id_shift if tag >= book.id_moved else book.id_old_shift
        return cython.cast(u64, tag >> shift) << 3 | tag & 7

    def _home_of(self, book: cython.pointer[Book], order_id: u64) -> u64:
        """Home position of an id: ``_home`` of its ``_tag``, in fewer steps. The last three bits decide no shift."""
        high: u32 = cython.cast(u32, cython.cast(u64, (order_id >> 3) * self.id_multiplier) >> 32)
        shift: u32 = book.id_shift if high >= book.id_moved else book.id_old_shift
        return cython.cast(u64, high >> shift) << 3 | order_id & 7

    def _position(self, book: cython.pointer[Book], order_id: u64) -> u64:
        """Position of an id in the table, or of the empty entry where it belongs."""
        tag: u32 = self._tag(order_id)
        position: u64 = self._home(book, tag)
        entry: cython.pointer[IdEntry] = cython.address(book.ids[position])
        while entry.slot != NIL and (entry.tag != tag or self.orders[entry.slot].id != order_id):
            position += 1
            entry = cython.address(book.ids[position])
        return position

    def _name(self, book: cython.pointer[Book], position: u64, order_id: u64, slot: u32) -> None:
        """Write an id to the empty entry found for it. Positions found before do not count afterwards."""
        book.ids[position].tag = self._tag(order_id)
        book.ids[position].slot = slot
        if book.count > book.id_room:
            self._grow_ids(book)

    def _erase(self, book: cython.pointer[Book], position: u64) -> None:
        """Empty an entry, and move later ones closer to their home."""
        hole: u64 = position
        here: u64 = position + 1
        while book.ids[here].slot != NIL:
            if self._home(book, book.ids[here].tag) <= hole:
                book.ids[hole].tag = book.ids[here].tag
                book.ids[hole].slot = book.ids[here].slot
                hole = here
            here += 1
        book.ids[hole].slot = NIL

    def _grow_ids(self, book: cython.pointer[Book]) -> None:
        """Grow the table eightfold, or to its most, a run of entries in each call, from its end: most homes lie behind.

        It is done before it would have to grow again, since an order is added for each block of eight entries.
        """
        if book.id_moved == 0:
            book.id_old_shift = book.id_shift
            if book.id_entries < MANY_IDS:
                book.id_entries = min(8 * book.id_entries, book.id_most)
            else:
                book.id_entries = book.id_most
            book.id_shift = self._id_shift(book)
            book.id_room = 0
        block: u32 = cython.cast(u32, book.id_moved - 1) >> book.id_old_shift
        end: u64 = (cython.cast(u64, block) + 1) << 3
        while block != 0 and book.ids[(cython.cast(u64, block) << 3) - 1].slot != NIL:
            block -= 1
        book.id_moved = block << book.id_old_shift
        if block == 0:
            book.id_room = self._id_room(book)
        self._move_ids(book, cython.cast(u64, block) << 3, end)

    def _id_shift(self, book: cython.pointer[Book]) -> u32:
        return cython.cast(u32, leading_zeros(book.id_entries >> 3) - 31)

    def _id_room(self, book: cython.pointer[Book]) -> u32:
        """Orders for which the table need not grow."""
        if book.id_entries == book.id_most:
            return 0xFFFFFFFF
        return cython.cast(u32, book.id_entries >> (3 if book.id_entries < MANY_IDS else 1))

    def _move_ids(self, book: cython.pointer[Book], first: u64, end: u64) -> None:
        """Move the entries from ``first`` to before ``end`` to their new homes. No run of entries crosses ``first``.

        A run that crosses ``end`` belongs to them. Most new homes lie far behind. An entry whose new home is before it
        waits for a second pass, in order of position, since an entry may leave the way that leads to a later one.
        """
        while book.ids[end].slot != NIL:
            end += 1
        waiting: cython.bint = False
        home: u64
        here: u64 = end
        while here != first:
            here -= 1
            if book.ids[here].slot != NIL:
                home = self._home(book, book.ids[here].tag)
                if home > here:
                    self._move_id(book, here, home)
                else:
                    waiting = True
        while waiting and (here < end or book.ids[here].slot != NIL):
            if book.ids[here].slot != NIL:
                self._move_id(book, here, self._home(book, book.ids[here].tag))
            here += 1

    def _move_id(self, book: cython.pointer[Book], here: u64, home: u64) -> None:
        """Move an entry to the first place from its home on that is empty, or its own."""
        while home != here and book.ids[home].slot != NIL:
            home += 1
        if home != here:
            book.ids[home].tag = book.ids[here].tag
            book.ids[home].slot = book.ids[here].slot
            book.ids[here].slot = NIL

    def _rename(self, book: cython.pointer[Book], slot: u32, new_id: u64) -> None:
        """Give a resting order a new id that is not in use."""
        order: cython.pointer[Order] = cython.address(self.orders[slot])
        if new_id != order.id:
            self._erase(book, self._position(book, order.id))
            order.id = new_id
            self._name(book, self._position(book, new_id), new_id, slot)

    # ------------------------------------------------------------------ reports

    def _report(
        self,
        instrument: u32,
        kind: u32,
        side: u32,
        reason: u32,
        order_id: u64,
        maker_id: u64,
        price: i64,
        quantity: u64,
    ) -> None:
        report: cython.pointer[Report] = cython.address(self.reports[self.report_count])
        self.report_count += 1
        self.seq_num += 1
        report.type = EXECUTION_REPORT
        report.kind = kind
        report.side = side
        report.reason = reason
        report.instrument = instrument
        report.seq_num = self.seq_num
        report.order_id = order_id
        report.maker_id = maker_id
        report.price = price
        report.quantity = quantity

    def _refer(self, slot: u32) -> None:
        """Write the reference that goes with the next report: of a resting order, or for NIL of the newest order."""
        if self.references:
            self.references[self.report_count] = self.cold[slot].reference if slot != NIL else self.last_reference

    def _refer_pair(self, buyer: u32, seller: u32) -> None:
        """The same for an auction trade: the reference of the seller, and apart from it that of the buyer."""
        self._refer(seller)
        if self.buyers:
            self.buyers[self.report_count] = self.cold[buyer].reference
            self.buyers_end = self.report_count + 1

    def _report_new(
        self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]], rests: cython.bint
    ) -> None:
        """Report that a new order is accepted, with its full quantity; the reason says whether it may rest.

        It gets its reference.
        """
        self.last_reference += 1
        self._refer(NIL)
        price: i64 = c.price if rests or c.order_type != MARKET else 0
        reason: u32 = NONE if rests else NEVER_RESTS
        self._report(book.instrument, ACCEPTED, c.side, reason, c.order_id, 0, price, c.quantity)

    def _cancel_remainder(
        self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]], quantity: u64
    ) -> None:
        """Report that the remainder of a new order is cancelled."""
        price: i64 = c.price
        reason: u32 = IOC_REMAINDER
        if c.order_type == MARKET:
            reason = MARKET_REMAINDER
            price = 0
        if c.time_in_force == FOK:
            reason = FOK_UNFILLABLE
        self._refer(NIL)
        self._report(book.instrument, CANCELLED, c.side, reason, c.order_id, 0, price, quantity)

    def _report_order(self, book: cython.pointer[Book], kind: u32, reason: u32, slot: u32, quantity: u64) -> None:
        """Report lots that are taken off a resting order."""
        level: cython.pointer[Level] = cython.address(self.levels[self.orders[slot].level])
        price: i64 = key_of(level.side, level.key)
        self._refer(slot)
        self._report(book.instrument, kind, level.side, reason, self.orders[slot].id, 0, price, quantity)

    # ------------------------------------------------------------------ the digest

    def digest(self, book: cython.pointer[Book], references: cython.bint = False) -> u64:
        """A u64 over what the market can see: side, price, id and open quantity of every order, in priority order.

        ``references``: use references instead of ids.
        """
        value: u64 = 0
        side: u32
        for side in range(BID, ASK + 1):
            value = mix(value, side)
            ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
            level: u32 = ladder.best
            while level != NIL:
                price: i64 = key_of(side, self.levels[level].key)
                hides: cython.bint = self.hidden[level] != 0
                slot: u32 = self.levels[level].head
                while slot != NIL:
                    value = mix(value, cython.cast(u64, price))
                    value = mix(value, self.cold[slot].reference if references else self.orders[slot].id)
                    value = mix(value, self.orders[slot].remaining - (self.extras[slot].hidden if hides else 0))
                    slot = self.orders[slot].next
                level = self.level_behind(ladder, level)
        return value


def rules_of_venues(slots: cython.size_t) -> Rules:
    """The rules: their module imports this one. ``slots``: of orders that can be stop orders inside an auction."""
    return import_module("pricetime.core.venue").VenueRules(slots)


def may_rest(order_type: u32, time_in_force: u32) -> cython.bint:
    """May the remainder of an order with valid terms rest?"""
    return order_type != MARKET and time_in_force < IOC


def refuse_terms(order_type: u32, time_in_force: u32, instructions: u32) -> u32:
    """Why no order can have these terms, NONE if one can: the rows of ``reference.terms.KINDS`` in their order."""
    if order_type > STOP_LIMIT:
        return INVALID_ORDER_TYPE
    if time_in_force > GFA or (order_type == MARKET and time_in_force == GTD):
        return INVALID_TIME_IN_FORCE
    at_once: cython.bint = time_in_force >= IOC  # or at the next auction
    if order_type > MARKET and at_once:
        return INVALID_TIME_IN_FORCE
    for_auction: u32 = instructions & (AT_THE_OPEN | AT_THE_CLOSE)
    limit: cython.bint = order_type == LIMIT and not at_once
    known: u32 = POST_ONLY | AT_THE_OPEN | AT_THE_CLOSE | ALL_OR_NONE | EXTENDED
    if instructions | known != known or for_auction == AT_THE_OPEN | AT_THE_CLOSE:
        return INVALID_INSTRUCTION
    if instructions & (POST_ONLY | ALL_OR_NONE) and not limit:
        return INVALID_INSTRUCTION
    if for_auction and (order_type > MARKET_TO_LIMIT or at_once or instructions & (POST_ONLY | ALL_OR_NONE)):
        return INVALID_INSTRUCTION
    return INVALID_INSTRUCTION if instructions & POST_ONLY and instructions & ALL_OR_NONE else NONE


def key_of(side: u32, price: i64) -> i64:
    """Convert a price to a key of its side, or back. Without a branch, since sides cannot be predicted."""
    return price ^ (BID - cython.cast(i64, side))


def place_of(key: i64) -> u64:
    """A key as an unsigned number in the same order: the radix tree is over these."""
    return cython.cast(u64, key) ^ (cython.cast(u64, 1) << 63)


def mix(value: u64, part: u64) -> u64:
    """One step of the digest: multiply by 2**64 over the golden ratio, fold the high half down."""
    golden: u64 = 0x9E3779B97F4A7C15
    value = cython.cast(u64, (value ^ part) * golden)
    return value ^ (value >> 32)


def _bytes_of_ids(most: u64) -> cython.size_t:
    """Bytes of an order-id table: entries behind the last home are at most as many as orders, half of the homes."""
    return (most + most // 2 + 1) * cython.sizeof(IdEntry)
