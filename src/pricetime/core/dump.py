# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Resting orders as commands that rebuild the books, and back: for copies, pickles and snapshots.

An order joins the back of its level and the end of its owner's list at one moment. So there is a sequence of orders
that rebuilds every queue and every list: any in which each order comes after the one ahead of it at its level and after
the older one of its owner. On the way back commands are *placed*, not executed: orders rest as they did, even if the
rules of their instrument have changed, and no reports are made.

An unfinished mass cancel follows the orders as a CONTINUE command: ``price`` is the number of the owner's orders that
are older than the next one to visit, ``tag`` the number left to visit, ``quantity`` the number cancelled so far,
``flags`` its reason; the other fields are those of the mass cancel.
"""

from __future__ import annotations

from operator import attrgetter

import cython
import numpy as np

from pricetime.errors import LevelsFull, OrdersFull, SnapshotMismatch
from pricetime.types import COMMAND

if not cython.compiled:  # the compiled form cimports them in dump.pxd
    from pricetime.core.book import key_of
    from pricetime.core.layout import *
    from pricetime.native.arrays import Block, records_of
    from pricetime.native.bits import prefetch
    from pricetime.native.memory import release, reserve

FAULTS = {
    UNKNOWN_COMMAND: "it is neither a new order nor a state of an instrument nor an unfinished mass cancel",
    UNKNOWN_INSTRUMENT: "its instrument is unknown",
    INVALID_SIDE: "it has no side",
    INVALID_TIME_IN_FORCE: "an order with this time in force does not rest",
    INVALID_SELF_TRADE: "its self-trade mode is unknown",
    INVALID_QUANTITY: "invalid quantity",
    INVALID_STATE: "its state is unknown",
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
    """Converts books to commands and back. For compiled callers; Python code uses ``Engine``. O(orders)."""

    def __init__(self, books):
        """Raises MemoryError."""
        self.books = books
        self.slots = self.books.fresh_order
        self.entered = cython.cast(cython.pointer[u8], reserve(self.slots))
        if not self.entered:
            raise MemoryError(f"no room for the marks of {self.slots} orders: use a smaller capacity")
        self.count = 0
        self.fault = NONE

    if cython.compiled:

        def __dealloc__(self):
            release(self.entered, self.slots)

    # ------------------------------------------------------------------ from books to commands

    def write(self, commands, first, instrument):
        """Write new orders for one instrument, or for ALL_INSTRUMENTS, from ``commands[first]`` on. Returns their end.

        The commands are zeroed before. Those not written yet are a queue of the orders that are due, so that
        what they need can be prefetched.
        """
        self.commands = commands
        self.count = first
        self.only = instrument
        number: u32
        for number in range(self.books.directory_size):
            if self.books.directory[number] != 0 and (instrument == ALL_INSTRUMENTS or instrument == number):
                self._line_up_book(self.books.book_of(number))
        owned: cython.bint = self.books.owner_list_count != 0 or self.books.owner_limit != 0
        slot: u32
        i: u64 = first
        while i < self.count:
            if i + 2 * AHEAD < self.count:
                slot = cython.cast(u32, commands[i + 2 * AHEAD].sequence)
                prefetch(cython.address(self.books.orders[slot]))
                prefetch(cython.address(self.books.cold[slot]))
                if owned:
                    prefetch(cython.address(self.books.owner_links[slot]))
                    slot = cython.cast(u32, commands[i + AHEAD].sequence)
                    prefetch(cython.address(self.books.orders[self.books.orders[slot].next]))
                    prefetch(cython.address(self.books.owner_links[self.books.orders[slot].next]))
                    prefetch(cython.address(self.books.orders[self.books.owner_links[slot].next]))
                    prefetch(cython.address(self.books.owner_links[self.books.owner_links[slot].next]))
            slot = cython.cast(u32, commands[i].sequence)
            self._write_order(cython.address(commands[i]), slot)
            if owned:
                self._line_up_behind(slot, commands[i].instrument)
            i += 1
        return self.count

    def _line_up_book(self, book):
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

    def _line_up(self, slot, instrument):
        c: cython.pointer[Command] = cython.address(self.commands[self.count])
        c.sequence = slot
        c.instrument = instrument
        self.count += 1

    def _write_order(self, c, slot):
        """Write the new order that a resting order would be now."""
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        cold: cython.pointer[OrderCold] = cython.address(self.books.cold[slot])
        level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
        c.sequence = cold.reference
        c.timestamp = cold.timestamp
        c.length = 40
        c.type = NEW_ORDER
        c.side = level.side
        c.time_in_force = POST_ONLY if cold.post_only else GTC
        c.flags = cold.self_trade
        c.order_id = order.id
        c.price = key_of(level.side, level.key)
        c.quantity = order.remaining
        c.owner = order.owner
        c.tag = cold.tag

    def _line_up_behind(self, slot, instrument):
        """An order is written: queue the one behind it at its level and the next of its owner, if they are due."""
        self.entered[slot] = 1
        behind: u32 = self.books.orders[slot].next
        newer: u32 = self._newer(slot)
        if behind != NIL and self._is_due(behind):
            self._line_up(behind, instrument)
        if newer != NIL and newer != behind and self._is_due(newer):
            self._line_up(newer, self.books.owner_links[newer].instrument)

    def _is_due(self, slot):
        """Are the orders written that must come before this one?"""
        ahead: u32 = self.books.orders[slot].prev
        if ahead != NIL and self.entered[ahead] == 0:
            return False
        older: u32 = self._older(slot)
        return older == NIL or self.entered[older] != 0

    def _older(self, slot):
        """The older order of its owner, NIL for the oldest; orders of books that are not wanted do not count."""
        if self.books.orders[slot].owner == 0:
            return NIL
        slot = self.books.owner_links[slot].prev
        while slot != NIL and self.only != ALL_INSTRUMENTS and self.books.owner_links[slot].instrument != self.only:
            slot = self.books.owner_links[slot].prev
        return slot

    def _newer(self, slot):
        """The next newer order of its owner."""
        if self.books.orders[slot].owner == 0:
            return NIL
        slot = self.books.owner_links[slot].next
        while slot != NIL and self.only != ALL_INSTRUMENTS and self.books.owner_links[slot].instrument != self.only:
            slot = self.books.owner_links[slot].next
        return slot

    def write_state(self, c, instrument, state):
        """Write the command that opens or halts an instrument."""
        c.length = 40
        c.type = SET_STATE
        c.flags = state
        c.instrument = instrument

    def write_walks(self, commands, first):
        """Write the unfinished mass cancels, by owner, from ``commands[first]`` on. Returns their end."""
        owner: u32
        for owner in range(self.books.owner_limit):
            if self.books.owner_lists[owner].walked:
                self._write_walk(cython.address(commands[first]), owner)
                first += 1
        return first

    def _write_walk(self, c, owner):
        walk: cython.pointer[Walk] = cython.address(self.books.walks[owner])
        older: i64 = 0
        waiting: u32 = 0
        slot: u32 = self.books.owner_lists[owner].head
        while walk.next != NIL and slot != walk.next:
            older += 1
            slot = self.books.owner_links[slot].next
        while walk.next != NIL and slot != self.books.owner_links[walk.last].next:
            waiting += 1
            slot = self.books.owner_links[slot].next
        c.length = 40
        c.type = CONTINUE
        c.side = walk.side
        c.flags = walk.reason
        c.instrument = walk.instrument
        c.order_id = walk.order_id
        c.price = older
        c.quantity = walk.cancelled
        c.owner = owner
        c.tag = waiting

    # ------------------------------------------------------------------ and back

    def place_run(self, commands, count):
        """Place commands in order: ``count``, or -1 - index of one that does not fit; then ``fault`` says why.

        As in ``Books.run``, the entry of an id and the last order of its level are prefetched.
        """
        i: u64
        book: cython.pointer[Book]
        for i in range(count):
            if i + AHEAD < count:
                book = self.books.book_of(commands[i + AHEAD].instrument)
                if book:
                    prefetch(cython.address(book.ids[self.books._home_of(book, commands[i + AHEAD].order_id)]))
            self.fault = self._place(self.books.book_of(commands[i].instrument), cython.address(commands[i]))
            if self.fault != NONE:
                return -1 - cython.cast(i64, i)
        return cython.cast(i64, count)

    def _place(self, book, c):
        """Place one command: NONE, or why it does not fit, with nothing changed."""
        if c.type == CONTINUE:
            return self._place_walk(c)
        if not book:
            return UNKNOWN_INSTRUMENT
        if c.type == SET_STATE:
            if c.flags > HALTED:
                return INVALID_STATE
            book.state = c.flags
            return NONE
        if c.type != NEW_ORDER:
            return UNKNOWN_COMMAND
        if c.side != BID and c.side != ASK:
            return INVALID_SIDE
        if c.time_in_force != GTC and c.time_in_force != POST_ONLY:
            return INVALID_TIME_IN_FORCE
        if c.flags > CANCEL_SMALLER:
            return INVALID_SELF_TRADE
        if c.quantity == 0 or c.quantity >> 63 != 0:
            return INVALID_QUANTITY
        return self._place_order(book, c)

    def _place_order(self, book, c):
        """Place an order at the back of its level. Remember if the present rules of its book would reject it."""
        if self.books.order_count == self.books.capacity:
            return ORDERS_FULL
        position: u64 = self.books._position(book, c.order_id)
        if book.ids[position].slot != NIL:
            return DUPLICATE_ORDER_ID
        side: u32 = c.side
        key: i64 = key_of(side, c.price)
        ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
        fault: u32 = self.books._refuse_rest(self.books.level_at(ladder, key), c.quantity)
        if fault != NONE:
            return fault
        slot: u32 = self.books._fill_slot(book, c, c.quantity)
        self.books.cold[slot].reference = c.sequence
        self.books._name(book, position, c.order_id, slot)
        self.books._append(book, self.books.level_for(ladder, key, side), slot)
        outside: cython.bint = (
            cython.cast(u64, cython.cast(u64, c.price) - cython.cast(u64, book.low_price)) > book.band
        )
        if outside or book.count > book.order_limit:
            book.older_rules = 1
        return NONE

    def _place_walk(self, c):
        """Place an unfinished mass cancel."""
        if c.side > ASK:
            return INVALID_SIDE
        if not self.books.is_numbered(c.owner) or self.books.owner_lists[c.owner].walked or c.price < 0:
            return UNKNOWN_ORDER
        orders: cython.pointer[OwnerList] = cython.address(self.books.owner_lists[c.owner])
        walk: cython.pointer[Walk] = cython.address(self.books.walks[c.owner])
        walk.next = walk.last = NIL
        if c.tag != 0:
            walk.next = self._behind(orders.head, cython.cast(u64, c.price))
            walk.last = self._behind(walk.next, cython.cast(u64, c.tag) - 1)
            if walk.last == NIL:
                return UNKNOWN_ORDER
        walk.order_id = c.order_id
        walk.cancelled = c.quantity
        walk.instrument = c.instrument
        walk.side = c.side
        walk.reason = c.flags
        orders.walked = 1
        self.books.walk_count += 1
        return NONE

    def _behind(self, slot, orders):
        """The order that is this many after a given one in the owner's list, NIL if there are fewer."""
        while orders != 0 and slot != NIL:
            orders -= 1
            slot = self.books.owner_links[slot].next
        return slot

    def is_crossed(self):
        """Is there a book whose best bid is not below its best ask?"""
        index: u32
        for index in range(self.books.book_count):
            bids: cython.pointer[Ladder] = cython.address(self.books.books[index].ladders[0])
            asks: cython.pointer[Ladder] = cython.address(self.books.books[index].ladders[1])
            if bids.best != NIL and asks.best != NIL and bids.best_key >= ~asks.best_key:
                return True
        return False


def commands_of(books, instruments):
    """Commands that rebuild the books of one or all ``Instrument`` values: an array of ``COMMAND``.

    If a book was halted from the start, a command opens it first, so that it accepts the orders also by ``apply``. A
    halted book is halted at the end. Mass cancels are over all books: for one of several books there are none.
    """
    opened, closed = [], []
    orders: u64 = 0
    for instrument in sorted(instruments, key=attrgetter("id")):
        book: cython.pointer[Book] = books.book_of(instrument.id)
        orders += book.count
        if instrument.state == HALTED and (book.count != 0 or book.state == OPEN):
            opened.append(instrument.id)
        if book.state == HALTED:
            closed.append(instrument.id)
    walks: u64 = books.walk_count if len(instruments) == books.book_count else 0
    block: Block = Block((orders + walks + len(opened) + len(closed) + 1) * cython.sizeof(Command))
    commands: cython.pointer[Command] = cython.cast(cython.pointer[Command], block.memory)
    resting: Resting = Resting(books)
    count: u64 = 0
    for number in opened:
        resting.write_state(cython.address(commands[count]), number, OPEN)
        count += 1
    wanted: u32 = instruments[0].id if len(instruments) == 1 else ALL_INSTRUMENTS
    with cython.nogil:
        count = resting.write(commands, count, wanted)
        if walks != 0:
            count = resting.write_walks(commands, count)
    for number in closed:
        resting.write_state(cython.address(commands[count]), number, HALTED)
        count += 1
    return block.array(COMMAND, count)


def place_all(books, instruments, commands):
    """Load the state that commands describe into empty books. ``instruments``: their ``Instrument`` values.

    Raises SnapshotMismatch, OrdersFull, LevelsFull and MemoryError, which leave the books empty and as at the start.
    """
    if books.order_count != 0:
        raise SnapshotMismatch(f"{books.order_count} orders are in this engine: restore into a new one")
    _make_room(books, instruments, commands)
    resting: Resting = Resting(books)
    for instrument in instruments:
        books.book_of(instrument.id).state = OPEN
    first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
    count: u64 = len(commands)
    done: i64
    with cython.nogil:
        done = resting.place_run(first, count)
    if done >= 0 and not resting.is_crossed():
        return 0
    _reset(books, instruments)
    if done >= 0:
        raise SnapshotMismatch("these commands make a crossed book")
    refused = commands[-1 - done]
    why = f"command {-1 - done}, of order {int(refused['order_id'])}: {FAULTS[resting.fault]}"
    raise NO_ROOM.get(resting.fault, SnapshotMismatch)(why)


def _make_room(books, instruments, commands):
    """Enlarge the id tables of books with more orders than their instrument allows now."""
    numbers = commands["instrument"]
    counts = np.bincount(numbers[numbers < books.directory_size], minlength=books.directory_size)
    for instrument in instruments:
        if counts[instrument.id] > books.book_of(instrument.id).order_limit:
            books.make_ids(books.book_of(instrument.id), min(int(counts[instrument.id]), books.capacity))
    return 0


def _reset(books, instruments):
    """Empty the books and set the initial states of their instruments."""
    remove_all(books)
    owner: u32
    for owner in range(books.owner_limit if books.walk_count != 0 else 0):
        books.owner_lists[owner].walked = 0
    books.walk_count = 0
    for instrument in instruments:
        book: cython.pointer[Book] = books.book_of(instrument.id)
        book.state = instrument.state
        book.older_rules = 0
    return 0


def remove_all(books):
    """Remove all orders."""
    index: u32
    side: u32
    for index in range(books.book_count):
        book: cython.pointer[Book] = cython.address(books.books[index])
        for side in range(BID, ASK + 1):
            while book.ladders[side - 1].best != NIL:
                slot: u32 = books.levels[book.ladders[side - 1].best].head
                books._remove(book, slot, books._position(book, books.orders[slot].id))
