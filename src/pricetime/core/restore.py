"""Load the state that records describe into empty books. See ``types.BookRecords``.

Orders are *placed*, not executed: they rest or wait as they did, even if the rules of their instrument have changed,
and no reports are made. Each joins the back of its level or queue, the end of its owner's list and that of the DAY
orders of its book, so the sequence of the records rebuilds every queue and every list.
"""

from __future__ import annotations

from typing import Any

import cython
import numpy as np

from pricetime.core.book import Books
from pricetime.core.places import Places
from pricetime.errors import LevelsFull, OrdersFull, RefreshesFull, SnapshotMismatch

if not cython.compiled:  # the compiled form cimports them in restore.pxd
    from pricetime.core.book import key_of
    from pricetime.core.layout import *
    from pricetime.native.arrays import records_of
    from pricetime.native.bits import prefetch

FAULTS = {
    UNKNOWN_INSTRUMENT: "its instrument is unknown",
    INVALID_SIDE: "it has no side, or the surplus of its auction is on none",
    INVALID_INSTRUCTION: "an order with these terms is not in this place",
    INVALID_SELF_TRADE: "its self-trade mode is unknown",
    INVALID_QUANTITY: "invalid quantity",
    INVALID_DISPLAY_QUANTITY: "its display quantity, its hidden lots and its place do not agree",
    INVALID_EXPIRY: "its expiry time and its time in force do not agree",
    INVALID_TRIGGER_PRICE: "only a stop order that waits has a trigger price and protection",
    INVALID_PRICE: "an order without a price has one, or its instrument's prices are not in their order",
    MALFORMED: "a field that must be 0 is not, or its entry number is not that of its place",
    INVALID_PHASE: "its phase is unknown, or does not agree with the orders that were collected",
    UNKNOWN_ORDER: "the owner has no such orders to cancel",
    DUPLICATE_ORDER_ID: "its order id is in use",
    LEVEL_QUANTITY_FULL: "the quantities at its price add up to too much",
    ORDERS_FULL: "all order slots are in use: use a larger capacity",
    LEVELS_FULL: "all price levels are in use: use a larger level_capacity",
    REFRESHES_FULL: "icebergs could be refreshed too often: use a larger refresh_limit",
}
NO_ROOM = {ORDERS_FULL: OrdersFull, LEVELS_FULL: LevelsFull, REFRESHES_FULL: RefreshesFull}


@cython.final
@cython.cclass
class Restore:
    """Places the orders of records in books. For compiled callers; Python code uses ``Engine.restore``. O(orders)."""

    def __init__(self, books: Books) -> None:
        self.books = books
        assert isinstance(self.books.rules, Places)
        self.places = self.books.rules
        self.fault = NONE

    def _place_state(self, r: cython.pointer[cython.const[InstrumentState]]) -> u32:
        """Set the state of an instrument."""
        book: cython.pointer[Book] = self.books.book_of(r.instrument)
        if not book:
            return UNKNOWN_INSTRUMENT
        if r.phase >= self.books.phase_count:
            return INVALID_PHASE
        if r.zero != 0 or (r.has & (AUCTION_PRICED | AUCTION_FINAL) and not r.has & HAS_AUCTION):
            return MALFORMED
        if r.surplus_side > ASK:
            return INVALID_SIDE
        rule: cython.pointer[PhaseRule] = cython.address(self.books.phases[r.phase])
        if (rule.matches and r.has & COLLECTING) or (rule.collects and not r.has & COLLECTING):
            return INVALID_PHASE
        low: i64 = r.low_price if r.has & LOW_SET else book.low_price
        high: i64 = r.high_price if r.has & HIGH_SET else self.books._band_end(book, BID)
        more: cython.pointer[VenueBook] = book.venue
        more.entries = r.entries
        more.scheduled_ns = r.scheduled_ns
        more.collecting = r.has & COLLECTING
        self.books.set_phase(book, r.phase)
        auction: cython.pointer[Indication] = cython.address(more.indication)
        auction.kind = 0
        if r.has & HAS_AUCTION:
            auction.kind = UNCROSSED if r.has & AUCTION_FINAL else INDICATIVE
            auction.priced = r.has & AUCTION_PRICED != 0
            auction.side = r.surplus_side
            auction.price = r.auction_price
            auction.quantity = r.auction_quantity
            auction.surplus = r.surplus
        if r.has & HAS_REFERENCE:
            more.reference = r.reference_price
            more.has_reference = 1
        book.has_last = r.has & HAS_LAST != 0
        book.last_price = r.last_price if book.has_last else 0
        more.low_set = r.has & LOW_SET != 0
        more.high_set = r.has & HIGH_SET != 0
        book.low_price = low
        book.band = cython.cast(u64, cython.cast(u64, high) - cython.cast(u64, low))
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
        """Why a record is not an order in a place, NONE if it is one."""
        if r.side != BID and r.side != ASK:
            return INVALID_SIDE
        if not is_in_place(r.place, r.order_type, r.time_in_force, r.instructions):
            return INVALID_INSTRUCTION
        if r.self_trade > CANCEL_SMALLER:
            return INVALID_SELF_TRADE
        if r.remaining == 0 or r.remaining >> 63 != 0:
            return INVALID_QUANTITY
        if (r.expiry_ns != 0) != (r.time_in_force == GTD):
            return INVALID_EXPIRY
        if r.place != AT_TRIGGER and (r.trigger_price != 0 or r.protection != 0):
            return INVALID_TRIGGER_PRICE
        if r.price != 0 and r.order_type != LIMIT and r.order_type != STOP_LIMIT:
            return INVALID_PRICE
        if r.zero != 0 or (r.entered != 0) != is_special(r):
            return MALFORMED
        return self._refuse_display(r)

    def _refuse_display(self, r: cython.pointer[cython.const[RestingOrder]]) -> u32:
        """All lots of a waiting order are hidden, some of an iceberg that rests, none of any other order."""
        if r.display_quantity != 0 and r.order_type != LIMIT and r.order_type != STOP_LIMIT:
            return INVALID_DISPLAY_QUANTITY
        if r.place >= AT_TRIGGER:
            return NONE if r.hidden_quantity == r.remaining else INVALID_DISPLAY_QUANTITY
        if r.hidden_quantity >= r.remaining or (r.hidden_quantity != 0 and r.display_quantity == 0):
            return INVALID_DISPLAY_QUANTITY
        return NONE

    def _refuse_entry(self, book: cython.pointer[Book], r: cython.pointer[cython.const[RestingOrder]]) -> u32:
        """Why an order has no room, or is not in this book at this point of its sequence; NONE if it is."""
        if self.books.order_count == self.books.capacity:
            return ORDERS_FULL
        if self.books.find(book, r.order_id) != NIL:
            return DUPLICATE_ORDER_ID
        if r.place == IN_CALL and not book.venue.collecting:
            return INVALID_PHASE
        if r.entered != 0 and self._is_late(book, r):
            return MALFORMED
        if r.place != AT_LEVEL:
            return NONE
        side: u32 = r.side
        ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
        return self.books._refuse_rest(self.books.level_at(ladder, key_of(side, r.price)), r.remaining)

    def _is_late(self, book: cython.pointer[Book], r: cython.pointer[cython.const[RestingOrder]]) -> cython.bint:
        """Has an order an entry number that was not given yet, or one before that of the last DAY order?"""
        last: u32 = book.venue.last_day
        if r.time_in_force == DAY and last != NIL and self.books.extras[last].entered >= r.entered:
            return True
        return r.entered > book.venue.entries

    def _place_order(self, book: cython.pointer[Book], r: cython.pointer[cython.const[RestingOrder]]) -> u32:
        """Place an order at the back of its level. Remember if the present rules of its book would reject it."""
        fault: u32 = self._refuse_entry(book, r)
        if fault != NONE:
            return fault
        slot: u32 = self._fill_slot(book, r)
        side: u32 = r.side
        key: i64 = key_of(side, r.price)
        if r.place == AT_LEVEL and r.entered == 0:
            self.books._name(book, self.books._position(book, r.order_id), r.order_id, slot)
            self.books._append(book, self.books.level_for(cython.address(book.ladders[side - 1]), key, side), slot)
            if r.filled != 0 and book.venue.rule.replace_total:
                self.books.extras[slot].filled = r.filled
        else:
            self._place_special(book, slot, r)
        outside: cython.bint = (
            cython.cast(u64, cython.cast(u64, r.price) - cython.cast(u64, book.low_price)) > book.band
        )
        if (outside and r.place == AT_LEVEL) or book.count > book.order_limit:
            book.older_rules = 1
        return NONE if self.books.refreshes <= self.books.refresh_limit else REFRESHES_FULL

    def _place_special(
        self, book: cython.pointer[Book], slot: u32, r: cython.pointer[cython.const[RestingOrder]]
    ) -> None:
        """Place an order that has more than plain terms. It joins with the entry number that it had."""
        extra: cython.pointer[OrderExtra] = cython.address(self.books.extras[slot])
        extra.unnamed = 1
        extra.protection = r.protection
        extra.trigger_price = r.trigger_price
        extra.display = r.display_quantity
        extra.hidden = r.hidden_quantity
        extra.expiry_ns = r.expiry_ns
        if book.venue.rule.replace_total:  # under other rules lots that have traded are not counted
            extra.filled = r.filled
        self.places.take_off(self.books, book, slot, r.side, r.price)
        side: u32 = r.side
        key: i64 = key_of(3 - side, r.trigger_price) if r.place == AT_TRIGGER else key_of(side, r.price)
        given: u64 = book.venue.entries
        book.venue.entries = r.entered - 1
        self.places.join(self.books, book, slot, r.place, key)
        book.venue.entries = given

    def _fill_slot(self, book: cython.pointer[Book], r: cython.pointer[cython.const[RestingOrder]]) -> u32:
        """A slot with the order of a record, not yet in a place."""
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
        walk.keeps = r.keeps
        walk.number = self.books.cancels = 1
        newer: u32 = self._behind(orders.head, cython.cast(u64, r.older) + r.waiting)
        while newer != NIL:  # these joined after the mass cancel began
            self._count_cancel(newer)
            newer = self.books.owner_links[newer].next
        orders.walked = 1
        self.books.walk_count += 1
        return NONE

    def _count_cancel(self, slot: u32) -> None:
        """An order joined its owner's list after a mass cancel began. Only special orders need to know."""
        if self.books.extras[slot].special:
            self.books.extras[slot].cancels = 1

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
            if crossed and not self.books.may_cross(book) and not book.venue.collecting:
                return True
        return False


def is_in_place(place: u32, order_type: u32, time_in_force: u32, instructions: u32) -> cython.bint:
    """Can an order with these terms be in a place? Whether it had an extension does not matter."""
    instructions &= EXTENDED - 1
    if time_in_force == IOC or time_in_force == FOK or time_in_force > GFA or instructions > 2 * ALL_OR_NONE - 1:
        return False
    if place == AT_TRIGGER:
        return (order_type == STOP or order_type == STOP_LIMIT) and instructions <= POST_ONLY
    if order_type > MARKET_TO_LIMIT:
        return False
    if place == AT_LEVEL:
        return order_type == LIMIT and instructions < ALL_OR_NONE
    if place == IN_CALL:
        return order_type != LIMIT
    if place == FOR_OPEN:
        return instructions == AT_THE_OPEN
    if place == FOR_CLOSE:
        return instructions == AT_THE_CLOSE
    return place == FOR_WHOLE and order_type == LIMIT and instructions == ALL_OR_NONE


def is_special(r: cython.pointer[cython.const[RestingOrder]]) -> cython.bint:
    """Has an order more than plain terms, so that it has an entry number?"""
    if r.place != AT_LEVEL or r.display_quantity != 0 or r.instructions & (AT_THE_OPEN | AT_THE_CLOSE):
        return True
    return r.time_in_force == DAY or r.time_in_force == GTD or r.time_in_force == GFA


def place_all(books: Books, instruments: Any, records: Any) -> cython.int:
    """Load the state that ``BookRecords`` describe into empty books. ``instruments``: their ``Instrument`` values.

    Raises SnapshotMismatch, OrdersFull, LevelsFull and MemoryError, which leave the books empty and as at the start.
    """
    if books.order_count != 0:
        raise SnapshotMismatch(f"{books.order_count} orders are in this engine: restore into a new one")
    _check_entries(records.resting)
    _make_room(books, instruments, records.resting)
    restore: Restore = Restore(books)
    part, misfit = _place(restore, records)
    if misfit < 0 and not restore.is_crossed():
        return 0
    _reset(restore, instruments)
    if misfit < 0:
        raise SnapshotMismatch("these orders make a crossed book")
    raise NO_ROOM.get(restore.fault, SnapshotMismatch)(f"record {misfit} of {part}: {FAULTS[restore.fault]}")


def _place(restore: Restore, records: Any) -> Any:
    """Place all records. Returns the part and the index of the first one that does not fit, -1 if all fit."""
    states: cython.pointer[InstrumentState] = cython.cast(
        cython.pointer[InstrumentState], records_of(records.instruments)
    )
    orders: cython.pointer[RestingOrder] = cython.cast(cython.pointer[RestingOrder], records_of(records.resting))
    cancels: cython.pointer[UnfinishedCancel] = cython.cast(
        cython.pointer[UnfinishedCancel], records_of(records.unfinished)
    )
    misfit: i64
    for misfit in range(len(records.instruments)):
        restore.fault = restore._place_state(cython.address(states[misfit]))
        if restore.fault != NONE:
            return "instruments", misfit
    count: i64 = len(records.resting)
    with cython.nogil:
        misfit = restore.place_orders(orders, count)
    if misfit >= 0:
        return "resting", misfit
    for misfit in range(len(records.unfinished)):
        restore.fault = restore._place_walk(cython.address(cancels[misfit]))
        if restore.fault != NONE:
            return "unfinished", misfit
    return "", -1


def _check_entries(orders: Any) -> cython.int:
    """Raise SnapshotMismatch if two orders of a book have the same entry number. O(orders log orders)."""
    special = orders[orders["entered"] != 0]
    sequence = np.lexsort((special["entered"], special["instrument"]))
    entered, instruments = special["entered"][sequence], special["instrument"][sequence]
    if ((np.diff(entered) == 0) & (np.diff(instruments) == 0)).any():
        raise SnapshotMismatch("two orders of one instrument have the same entry number")
    return 0


def _make_room(books: Books, instruments: Any, orders: Any) -> cython.int:
    """Enlarge the id tables and heaps of books with more orders than their instrument allows now."""
    numbers = orders["instrument"]
    counts = np.bincount(numbers[numbers < books.directory_size], minlength=books.directory_size)
    for instrument in instruments:
        if counts[instrument.id] > books.book_of(instrument.id).order_limit:
            most = min(int(counts[instrument.id]), books.capacity)
            books.make_ids(books.book_of(instrument.id), most)
            books.make_heap(books.book_of(instrument.id), most)
    return 0


def _reset(restore: Restore, instruments: Any) -> cython.int:
    """Empty the books and begin the initial phases of their instruments."""
    books: Books = restore.books
    restore.places.remove_all(books)
    owner: u32
    for owner in range(books.owner_limit if books.walk_count != 0 else 0):
        books.owner_lists[owner].walked = 0
    books.walk_count = 0
    for instrument in instruments:
        books.begin(books.book_of(instrument.id), instrument)
    books.cancels = 0
    return 0
