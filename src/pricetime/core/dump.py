"""The state of the books as records, and back: for copies, pickles and snapshots. See ``types.BookRecords``.

An order joins the back of its level and the end of its owner's list at one moment. So there is a sequence of orders
that rebuilds every queue and every list: any in which each order comes after the one ahead of it at its level and after
the older one of its owner. On the way back orders are *placed*, not executed: they rest as they did, even if the rules
of their instrument have changed, and no reports are made.
"""

from __future__ import annotations

from typing import Any

import cython
import numpy as np

from pricetime.core.book import Books
from pricetime.errors import LevelsFull, OrdersFull, SnapshotMismatch
from pricetime.types import INSTRUMENT_PHASE, RESTING_ORDER, UNFINISHED_CANCEL, BookRecords

if not cython.compiled:  # the compiled form cimports them in dump.pxd
    from pricetime.core.book import key_of, may_rest, refuse_terms
    from pricetime.core.layout import *
    from pricetime.native.arrays import Block, records_of
    from pricetime.native.bits import prefetch

FAULTS = {
    UNKNOWN_INSTRUMENT: "its instrument is unknown",
    INVALID_SIDE: "it has no side",
    INVALID_INSTRUCTION: "an order with these terms does not rest",
    INVALID_SELF_TRADE: "its self-trade mode is unknown",
    INVALID_QUANTITY: "invalid quantity",
    MALFORMED: "a field that must be 0 is not",
    INVALID_PHASE: "its phase is unknown",
    UNKNOWN_ORDER: "the owner has no such orders to cancel",
    DUPLICATE_ORDER_ID: "its order id is in use",
    LEVEL_QUANTITY_FULL: "the quantities at its price add up to too much",
    ORDERS_FULL: "all order slots are in use: use a larger capacity",
    LEVELS_FULL: "all price levels are in use: use a larger level_capacity",
}
NO_ROOM = {ORDERS_FULL: OrdersFull, LEVELS_FULL: LevelsFull}


@cython.final
@cython.cclass
class Resting:
    """Converts books to records and back. For compiled callers; Python code uses ``Engine``. O(orders)."""

    def __init__(self, books: Books) -> None:
        """Raises MemoryError."""
        self.books = books
        self._memory = Block(self.books.fresh_order, "the marks of the orders")
        self.entered = cython.cast(cython.pointer[u8], self._memory.memory)
        self.count = 0
        self.fault = NONE

    # ------------------------------------------------------------------ from books to records

    def write(self, orders: cython.pointer[RestingOrder]) -> None:
        """Write every resting order.

        The records are zeroed before. Those not written yet are a queue of the orders that are due, so that what they
        need can be prefetched. A queued one has only its slot (in ``order_id``) and its instrument.
        """
        self.orders = orders
        self.count = 0
        number: u32
        for number in range(self.books.directory_size):
            if self.books.directory[number] != 0:
                self._line_up_book(self.books.book_of(number))
        owned: cython.bint = self.books.owner_list_count != 0 or self.books.owner_limit != 0
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
            if owned:
                self._line_up_behind(slot, orders[i].instrument)
            i += 1

    def _line_up_book(self, book: cython.pointer[Book]) -> None:
        """Queue the orders of a book: bids, then asks, each in priority order. With owners, only those due."""
        side: u32
        for side in range(BID, ASK + 1):
            ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
            level: u32 = ladder.best
            while level != NIL:
                slot: u32 = self.books.levels[level].head
                if self.books.owner_list_count != 0 or self.books.owner_limit != 0:
                    if self._is_due(slot):
                        self._line_up(slot, book.instrument)
                else:
                    while slot != NIL:
                        self._line_up(slot, book.instrument)
                        slot = self.books.orders[slot].next
                level = self.books.level_behind(ladder, level)

    def _line_up(self, slot: u32, instrument: u32) -> None:
        r: cython.pointer[RestingOrder] = cython.address(self.orders[self.count])
        r.order_id = slot
        r.instrument = instrument
        self.count += 1

    def _write_order(self, r: cython.pointer[RestingOrder], slot: u32) -> None:
        """Write the record of a resting order; its instrument is there."""
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        cold: cython.pointer[OrderCold] = cython.address(self.books.cold[slot])
        level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
        r.timestamp = cold.timestamp
        r.order_id = order.id
        r.reference = cold.reference
        r.price = key_of(level.side, level.key)
        r.remaining = order.remaining
        r.owner = order.owner
        r.tag = cold.tag
        r.side = level.side
        r.time_in_force = cold.time_in_force
        r.self_trade = cold.self_trade
        r.order_type = cold.order_type
        r.instructions = cold.instructions

    def _line_up_behind(self, slot: u32, instrument: u32) -> None:
        """An order is written: queue the one behind it at its level and the next of its owner, if they are due."""
        self.entered[slot] = 1
        behind: u32 = self.books.orders[slot].next
        newer: u32 = self._newer(slot)
        if behind != NIL and self._is_due(behind):
            self._line_up(behind, instrument)
        if newer != NIL and newer != behind and self._is_due(newer):
            self._line_up(newer, self.books.owner_links[newer].instrument)

    def _is_due(self, slot: u32) -> cython.bint:
        """Are the orders written that must come before this one?"""
        ahead: u32 = self.books.orders[slot].prev
        if ahead != NIL and self.entered[ahead] == 0:
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

    # ------------------------------------------------------------------ and back

    def _place_phase(self, r: cython.pointer[cython.const[InstrumentPhase]]) -> u32:
        book: cython.pointer[Book] = self.books.book_of(r.instrument)
        if not book:
            return UNKNOWN_INSTRUMENT
        if r.phase >= self.books.phase_count:
            return INVALID_PHASE
        self.books.set_phase(book, r.phase)
        return NONE

    def place_orders(self, orders: cython.pointer[cython.const[RestingOrder]], count: i64) -> i64:
        """Place orders in their sequence: -1, or the index of the first that does not fit; then ``fault`` says why.

        As in ``Books.run``, the entry of an id and the last order of its level are prefetched.
        """
        i: i64
        book: cython.pointer[Book]
        for i in range(count):
            if i + AHEAD < count:
                book = self.books.book_of(orders[i + AHEAD].instrument)
                if book:
                    prefetch(cython.address(book.ids[self.books._home_of(book, orders[i + AHEAD].order_id)]))
            book = self.books.book_of(orders[i].instrument)
            self.fault = self._refuse(cython.address(orders[i])) if book else UNKNOWN_INSTRUMENT
            if self.fault == NONE:
                self.fault = self._place_order(book, cython.address(orders[i]))
            if self.fault != NONE:
                return i
        return -1

    def _refuse(self, r: cython.pointer[cython.const[RestingOrder]]) -> u32:
        """Why a record is not a resting order, NONE if it is one."""
        if r.side != BID and r.side != ASK:
            return INVALID_SIDE
        known: cython.bint = refuse_terms(r.order_type, r.time_in_force, r.instructions) == NONE
        if not known or not may_rest(r.order_type, r.time_in_force):
            return INVALID_INSTRUCTION
        if r.self_trade > CANCEL_SMALLER:
            return INVALID_SELF_TRADE
        if r.remaining == 0 or r.remaining >> 63 != 0:
            return INVALID_QUANTITY
        if r.trigger_price != 0 or r.display_quantity | r.hidden_quantity | r.expiry_ns | r.minimum_quantity != 0:
            return MALFORMED
        return NONE

    def _place_order(self, book: cython.pointer[Book], r: cython.pointer[cython.const[RestingOrder]]) -> u32:
        """Place an order at the back of its level. Remember if the present rules of its book would reject it."""
        if self.books.order_count == self.books.capacity:
            return ORDERS_FULL
        position: u64 = self.books._position(book, r.order_id)
        if book.ids[position].slot != NIL:
            return DUPLICATE_ORDER_ID
        side: u32 = r.side
        key: i64 = key_of(side, r.price)
        ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
        fault: u32 = self.books._refuse_rest(self.books.level_at(ladder, key), r.remaining)
        if fault != NONE:
            return fault
        slot: u32 = self._fill_slot(book, r)
        self.books._name(book, position, r.order_id, slot)
        self.books._append(book, self.books.level_for(ladder, key, side), slot)
        outside: cython.bint = (
            cython.cast(u64, cython.cast(u64, r.price) - cython.cast(u64, book.low_price)) > book.band
        )
        if outside or book.count > book.order_limit:
            book.older_rules = 1
        return NONE

    def _fill_slot(self, book: cython.pointer[Book], r: cython.pointer[cython.const[RestingOrder]]) -> u32:
        """A slot with the order of a record, not yet at a level."""
        slot: u32 = self.books._take_slot(book)
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        order.id = r.order_id
        order.remaining = r.remaining
        order.owner = r.owner
        cold: cython.pointer[OrderCold] = cython.address(self.books.cold[slot])
        cold.timestamp = r.timestamp
        cold.reference = r.reference
        cold.tag = r.tag
        cold.time_in_force = r.time_in_force
        cold.self_trade = r.self_trade
        cold.order_type = r.order_type
        cold.instructions = r.instructions
        return slot

    def _place_walk(self, r: cython.pointer[cython.const[UnfinishedCancel]]) -> u32:
        if r.side > ASK:
            return INVALID_SIDE
        if not self.books.is_numbered(r.owner) or self.books.owner_lists[r.owner].walked:
            return UNKNOWN_ORDER
        orders: cython.pointer[OwnerList] = cython.address(self.books.owner_lists[r.owner])
        walk: cython.pointer[Walk] = cython.address(self.books.walks[r.owner])
        walk.next = walk.last = NIL
        if r.waiting != 0:
            walk.next = self._behind(orders.head, r.older)
            walk.last = self._behind(walk.next, cython.cast(u64, r.waiting) - 1)
            if walk.last == NIL:
                return UNKNOWN_ORDER
        walk.order_id = r.order_id
        walk.cancelled = r.cancelled
        walk.instrument = r.instrument
        walk.side = r.side
        walk.reason = r.reason
        orders.walked = 1
        self.books.walk_count += 1
        return NONE

    def _behind(self, slot: u32, orders: u64) -> u32:
        """The order that is this many after a given one in the owner's list, NIL if there are fewer."""
        while orders != 0 and slot != NIL:
            orders -= 1
            slot = self.books.owner_links[slot].next
        return slot

    def is_crossed(self) -> cython.bint:
        """Is there a book whose best bid is not below its best ask, though its phase does not allow it?"""
        index: u32
        for index in range(self.books.book_count):
            book: cython.pointer[Book] = cython.address(self.books.books[index])
            bids: cython.pointer[Ladder] = cython.address(book.ladders[0])
            asks: cython.pointer[Ladder] = cython.address(book.ladders[1])
            crossed: cython.bint = bids.best != NIL and asks.best != NIL and bids.best_key >= ~asks.best_key
            if crossed and not self.books.may_cross(book):
                return True
        return False


def dump_of(books: Books, instruments: Any) -> Any:
    """The state of the books as ``BookRecords``. ``instruments``: the ids of all books."""
    phases = np.zeros(len(instruments), INSTRUMENT_PHASE)
    phases["instrument"] = sorted(instruments)
    for index, number in enumerate(sorted(instruments)):
        phases["phase"][index] = books.book_of(number).phase
    orders: Block = Block((cython.cast(u64, books.order_count) + 1) * cython.sizeof(RestingOrder))
    cancels: Block = Block((cython.cast(u64, books.walk_count) + 1) * cython.sizeof(UnfinishedCancel))
    first_order: cython.pointer[RestingOrder] = cython.cast(cython.pointer[RestingOrder], orders.memory)
    first_cancel: cython.pointer[UnfinishedCancel] = cython.cast(cython.pointer[UnfinishedCancel], cancels.memory)
    resting: Resting = Resting(books)
    with cython.nogil:
        resting.write(first_order)
        if books.walk_count != 0:
            resting.write_walks(first_cancel)
    parts = (
        phases,
        orders.array(RESTING_ORDER, books.order_count),
        cancels.array(UNFINISHED_CANCEL, books.walk_count),
    )
    return tuple.__new__(BookRecords, parts)  # as BookRecords(*parts), without Python code


def place_all(books: Books, instruments: Any, records: Any) -> cython.int:
    """Load the state that ``BookRecords`` describe into empty books. ``instruments``: their ``Instrument`` values.

    Raises SnapshotMismatch, OrdersFull, LevelsFull and MemoryError, which leave the books empty and as at the start.
    """
    if books.order_count != 0:
        raise SnapshotMismatch(f"{books.order_count} orders are in this engine: restore into a new one")
    _make_room(books, instruments, records.resting)
    resting: Resting = Resting(books)
    part, misfit = _place(resting, records)
    if misfit < 0 and not resting.is_crossed():
        return 0
    _reset(books, instruments)
    if misfit < 0:
        raise SnapshotMismatch("these orders make a crossed book")
    raise NO_ROOM.get(resting.fault, SnapshotMismatch)(f"record {misfit} of {part}: {FAULTS[resting.fault]}")


def _place(resting: Resting, records: Any) -> Any:
    """Place all records. Returns the part and the index of the first one that does not fit, -1 if all fit."""
    phases: cython.pointer[InstrumentPhase] = cython.cast(cython.pointer[InstrumentPhase], records_of(records.phases))
    orders: cython.pointer[RestingOrder] = cython.cast(cython.pointer[RestingOrder], records_of(records.resting))
    cancels: cython.pointer[UnfinishedCancel] = cython.cast(
        cython.pointer[UnfinishedCancel], records_of(records.unfinished)
    )
    misfit: i64
    for misfit in range(len(records.phases)):
        resting.fault = resting._place_phase(cython.address(phases[misfit]))
        if resting.fault != NONE:
            return "phases", misfit
    count: i64 = len(records.resting)
    with cython.nogil:
        misfit = resting.place_orders(orders, count)
    if misfit >= 0:
        return "resting", misfit
    for misfit in range(len(records.unfinished)):
        resting.fault = resting._place_walk(cython.address(cancels[misfit]))
        if resting.fault != NONE:
            return "unfinished", misfit
    return "", -1


def _make_room(books: Books, instruments: Any, orders: Any) -> cython.int:
    """Enlarge the id tables of books with more orders than their instrument allows now."""
    numbers = orders["instrument"]
    counts = np.bincount(numbers[numbers < books.directory_size], minlength=books.directory_size)
    for instrument in instruments:
        if counts[instrument.id] > books.book_of(instrument.id).order_limit:
            books.make_ids(books.book_of(instrument.id), min(int(counts[instrument.id]), books.capacity))
    return 0


def _reset(books: Books, instruments: Any) -> cython.int:
    """Empty the books and begin the initial phases of their instruments."""
    remove_all(books)
    owner: u32
    for owner in range(books.owner_limit if books.walk_count != 0 else 0):
        books.owner_lists[owner].walked = 0
    books.walk_count = 0
    for instrument in instruments:
        book: cython.pointer[Book] = books.book_of(instrument.id)
        books.set_phase(book, instrument.phase)
        book.older_rules = 0
    return 0


def remove_all(books: Books) -> None:
    """Remove all orders."""
    index: u32
    side: u32
    for index in range(books.book_count):
        book: cython.pointer[Book] = cython.address(books.books[index])
        for side in range(BID, ASK + 1):
            while book.ladders[side - 1].best != NIL:
                slot: u32 = books.levels[book.ladders[side - 1].best].head
                books._remove(book, slot, books._position(book, books.orders[slot].id))
