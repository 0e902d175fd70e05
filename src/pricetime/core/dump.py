"""The state of the books as records: for copies, pickles and snapshots. See ``types.BookRecords``.

An order joins the back of its level or queue, the end of its owner's list and that of the DAY orders of its book at
one moment. So there is a sequence of orders that rebuilds every queue and every list: any in which each order comes
after the one ahead of it at its level, after the older one of its owner and after the DAY order before it.
"""

from __future__ import annotations

from typing import Any

import cython

from pricetime.core.book import Books
from pricetime.core.places import Places
from pricetime.types import INSTRUMENT_STATE, RESTING_ORDER, UNFINISHED_CANCEL, BookRecords

if not cython.compiled:  # the compiled form cimports them in dump.pxd
    from pricetime.core.book import key_of
    from pricetime.core.layout import *
    from pricetime.native.arrays import Block
    from pricetime.native.bits import prefetch


@cython.final
@cython.cclass
class Dump:
    """Writes books as records. For compiled callers; Python code uses ``Engine.dump``. O(orders)."""

    def __init__(self, books: Books) -> None:
        """Raises MemoryError."""
        self.books = books
        assert isinstance(self.books.rules, Places)
        self.places = self.books.rules
        self._memory = Block(self.books.fresh_order, "the marks of the orders")
        self.entered = cython.cast(cython.pointer[u8], self._memory.memory)
        self.count = 0

    def write(self, orders: cython.pointer[RestingOrder]) -> None:
        """Write every resting order.

        The records are zeroed before. Those not written yet are a queue of the orders that are due, so that what they
        need can be prefetched. A queued one has only its slot (in ``order_id``) and its instrument.
        """
        self.orders = orders
        self.count = 0
        number: u32
        owned: cython.bint = self.books.owner_list_count != 0 or self.books.owner_limit != 0
        self.listed = owned or self._has_daily()
        for number in range(self.books.directory_size):
            if self.books.directory[number] != 0:
                self._line_up_book(self.books.book_of(number))
        slot: u32
        i: u64 = 0
        while i < self.count:
            if i + 2 * AHEAD < self.count:
                slot = cython.cast(u32, orders[i + 2 * AHEAD].order_id)
                prefetch(cython.address(self.books.orders[slot]))
                prefetch(cython.address(self.books.cold[slot]))
                if owned:
                    prefetch(cython.address(self.books.owner_links[slot]))
                    slot = cython.cast(u32, orders[i + AHEAD].order_id)
                    prefetch(cython.address(self.books.orders[self.books.orders[slot].next]))
                    prefetch(cython.address(self.books.owner_links[self.books.orders[slot].next]))
                    prefetch(cython.address(self.books.orders[self.books.owner_links[slot].next]))
                    prefetch(cython.address(self.books.owner_links[self.books.owner_links[slot].next]))
            slot = cython.cast(u32, orders[i].order_id)
            self._write_order(cython.address(orders[i]), slot)
            if self.listed:
                self._line_up_behind(slot, orders[i].instrument)
            i += 1

    def _has_daily(self) -> cython.bint:
        """Is there a DAY order?"""
        index: u32
        found: cython.bint = False
        for index in range(self.books.book_count):
            found = found or self.books.venues[index].first_day != NIL
        return found

    def _line_up_book(self, book: cython.pointer[Book]) -> None:
        """Queue the orders of a book, place by place, bids before asks, each in priority order.

        If orders are in lists, only those that are due.
        """
        place: u32
        side: u32
        for place in range(AT_LEVEL, FOR_WHOLE + 1):
            for side in range(BID, ASK + 1):
                ladder: cython.pointer[Ladder] = self.places.ladder_of(book, place, side)
                if not ladder:
                    self._line_up_queue(self.places.queue_of(book, place, side), book.instrument)
                    continue
                level: u32 = ladder.best
                while level != NIL:
                    self._line_up_queue(level, book.instrument)
                    level = self.books.level_behind(ladder, level)

    def _line_up_queue(self, level: u32, instrument: u32) -> None:
        """Queue the orders of a level: all, or the first if orders are in lists and it is due."""
        slot: u32 = self.books.levels[level].head
        while slot != NIL:
            if not self.listed or (self.entered[slot] == 0 and self._is_due(slot)):
                self._line_up(slot, instrument)
            slot = NIL if self.listed else self.books.orders[slot].next

    def _line_up(self, slot: u32, instrument: u32) -> None:
        r: cython.pointer[RestingOrder] = cython.address(self.orders[self.count])
        r.order_id = slot
        r.instrument = instrument
        self.count += 1

    def _write_order(self, r: cython.pointer[RestingOrder], slot: u32) -> None:
        """Write the record of a resting order; its instrument is there."""
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        cold: cython.pointer[OrderCold] = cython.address(self.books.cold[slot])
        r.timestamp = cold.timestamp
        r.order_id = order.id
        r.reference = cold.reference
        r.remaining = order.remaining
        r.owner = order.owner
        r.tag = cold.tag
        r.side = self.places.side_of(self.books, slot)
        r.time_in_force = cold.time_in_force
        r.self_trade = cold.self_trade
        r.order_type = cold.order_type
        r.instructions = cold.instructions
        r.place = self.places.place_of(self.books, slot)
        book: cython.pointer[Book] = self.books.book_of(r.instrument)
        if book.venue.special == 0 and not book.venue.rule.replace_total:
            r.price = key_of(r.side, self.books.levels[order.level].key)
            return
        extra: cython.pointer[OrderExtra] = cython.address(self.books.extras[slot])
        r.price = self.places.price_of(self.books, slot)
        r.protection = extra.protection
        r.trigger_price = extra.trigger_price
        r.display_quantity = extra.display
        r.hidden_quantity = extra.hidden
        r.expiry_ns = extra.expiry_ns
        r.filled = extra.filled
        r.entered = extra.entered

    def _line_up_behind(self, slot: u32, instrument: u32) -> None:
        """An order is written: queue those behind it at its level and in its lists, if they are due."""
        self.entered[slot] = 1
        behind: u32 = self.books.orders[slot].next
        newer: u32 = self._newer(slot)
        if behind != NIL and self._is_due(behind):
            self._line_up(behind, instrument)
        if newer != NIL and newer != behind and self._is_due(newer):
            self._line_up(newer, self.books.owner_links[newer].instrument)
        if self.books.cold[slot].time_in_force == DAY:
            later: u32 = self.books.extras[slot].later
            if later != NIL and later != behind and later != newer and self._is_due(later):
                self._line_up(later, instrument)

    def _is_due(self, slot: u32) -> cython.bint:
        """Are the orders written that must come before this one?"""
        ahead: u32 = self.books.orders[slot].prev
        if ahead != NIL and self.entered[ahead] == 0:
            return False
        if self.books.cold[slot].time_in_force == DAY:
            earlier: u32 = self.books.extras[slot].earlier
            if earlier != NIL and self.entered[earlier] == 0:
                return False
        older: u32 = self._older(slot)
        return older == NIL or self.entered[older] != 0

    def _older(self, slot: u32) -> u32:
        """The older order of its owner, NIL for the oldest."""
        return self.books.owner_links[slot].prev if self.books.orders[slot].owner != 0 else NIL

    def _newer(self, slot: u32) -> u32:
        """The next newer order of its owner."""
        return self.books.owner_links[slot].next if self.books.orders[slot].owner != 0 else NIL

    def write_walks(self, cancels: cython.pointer[UnfinishedCancel]) -> None:
        """Write the unfinished mass cancels, by owner."""
        count: u64 = 0
        owner: u32
        for owner in range(self.books.owner_limit):
            if self.books.owner_lists[owner].walked:
                self._write_walk(cython.address(cancels[count]), owner)
                count += 1

    def _write_walk(self, r: cython.pointer[UnfinishedCancel], owner: u32) -> None:
        walk: cython.pointer[Walk] = cython.address(self.books.walks[owner])
        older: u32 = 0
        waiting: u32 = 0
        slot: u32 = self.books.owner_lists[owner].head
        while walk.next != NIL and slot != walk.next:
            older += 1
            slot = self.books.owner_links[slot].next
        while walk.next != NIL and slot != self.books.owner_links[walk.last].next:
            waiting += 1
            slot = self.books.owner_links[slot].next
        r.order_id = walk.order_id
        r.cancelled = walk.cancelled
        r.older = older
        r.waiting = waiting
        r.owner = owner
        r.instrument = walk.instrument
        r.side = walk.side
        r.reason = walk.reason
        r.keeps = walk.keeps

    def write_state(self, book: cython.pointer[Book], r: cython.pointer[InstrumentState]) -> None:
        """Write the state of an instrument besides its orders, into a zeroed record."""
        more: cython.pointer[VenueBook] = book.venue
        r.instrument = book.instrument
        r.phase = book.phase
        r.entries = more.entries
        r.scheduled_ns = more.scheduled_ns
        r.has = COLLECTING if more.collecting else 0
        if more.has_reference:
            r.has |= HAS_REFERENCE
            r.reference_price = more.reference
        if book.has_last:
            r.has |= HAS_LAST
            r.last_price = book.last_price
        if more.low_set:
            r.has |= LOW_SET
            r.low_price = book.low_price
        if more.high_set:
            r.has |= HIGH_SET
            r.high_price = self.books._band_end(book, BID)
        auction: cython.pointer[Indication] = cython.address(more.indication)
        if auction.kind != 0:
            r.has |= HAS_AUCTION
            r.has |= AUCTION_PRICED if auction.priced else 0
            r.has |= AUCTION_FINAL if auction.kind == UNCROSSED else 0
            r.surplus_side = auction.side
            r.auction_price = auction.price
            r.auction_quantity = auction.quantity
            r.surplus = auction.surplus


def states_of(books: Books, instruments: Any) -> Any:
    """The state of every instrument besides its orders. ``instruments``: the ids of all books."""
    states: Block = Block((cython.cast(u64, books.book_count) + 1) * cython.sizeof(InstrumentState))
    first: cython.pointer[InstrumentState] = cython.cast(cython.pointer[InstrumentState], states.memory)
    dump: Dump = Dump(books)
    for index, number in enumerate(sorted(instruments)):
        dump.write_state(books.book_of(number), cython.address(first[index]))
    return states.array(INSTRUMENT_STATE, len(instruments))


def dump_of(books: Books, instruments: Any) -> Any:
    """The state of the books as ``BookRecords``. ``instruments``: the ids of all books."""
    orders: Block = Block((cython.cast(u64, books.order_count) + 1) * cython.sizeof(RestingOrder))
    cancels: Block = Block((cython.cast(u64, books.walk_count) + 1) * cython.sizeof(UnfinishedCancel))
    first_order: cython.pointer[RestingOrder] = cython.cast(cython.pointer[RestingOrder], orders.memory)
    first_cancel: cython.pointer[UnfinishedCancel] = cython.cast(cython.pointer[UnfinishedCancel], cancels.memory)
    dump: Dump = Dump(books)
    with cython.nogil:
        dump.write(first_order)
        if books.walk_count != 0:
            dump.write_walks(first_cancel)
    parts = (
        states_of(books, instruments),
        orders.array(RESTING_ORDER, books.order_count),
        cancels.array(UNFINISHED_CANCEL, books.walk_count),
    )
    return tuple.__new__(BookRecords, parts)  # as BookRecords(*parts), without Python code
