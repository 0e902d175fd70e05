# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Books that reports keep up to date: entering orders and taking lots, without a rule of matching.

What a report says is held against the books before anything is changed. Nothing here allocates or touches a Python
object, and every report takes a bounded number of steps.
"""

from __future__ import annotations

import cython

if not cython.compiled:  # the compiled form has them from rebuilt.pxd
    from pricetime.core.book import key_of
    from pricetime.core.layout import *
    from pricetime.core.resting import remove_all
    from pricetime.native.bits import prefetch


@cython.final
@cython.cclass
class Rebuilt:
    """What reports do to books. For compiled callers; Python code uses ``BookBuilder``."""

    def __init__(self, books):
        """``books``: empty, with room for one order and one level more than those of whoever makes the reports."""
        self.books = books
        self.crossing = NIL
        self.fault = NONE

    # ------------------------------------------------------------------ reports

    def apply_run(self, reports, count):
        """Apply reports in order: ``count``, or -1 - index of the one that does not fit, ``fault`` saying why."""
        end: i64 = cython.cast(i64, count)
        first: i64 = 0 if end < AHEAD else -3 * AHEAD
        i: i64
        slot: u32
        lone: cython.pointer[Book] = cython.NULL
        if self.books.book_count == 1:
            lone = cython.address(self.books.books[0])
        for i in range(first, end):
            # As in Books.run: what a report will look up is fetched in steps while those before it are applied.
            if i + 3 * AHEAD < end:
                prefetch(self._likely_entry(lone, cython.address(reports[i + 3 * AHEAD])))
            if 0 <= i + 2 * AHEAD < end:
                slot = self._likely_entry(lone, cython.address(reports[i + 2 * AHEAD])).slot
                prefetch(cython.address(self.books.orders[slot]))
            if 0 <= i + AHEAD < end:
                slot = self._likely_entry(lone, cython.address(reports[i + AHEAD])).slot
                prefetch(cython.address(self.books.orders[self.books.orders[slot].next]))
                prefetch(cython.address(self.books.orders[self.books.orders[slot].prev]))
                prefetch(cython.address(self.books.levels[self.books.orders[slot].level]))
            if i >= 0:
                self.fault = self._apply(cython.address(reports[i]))
                if self.fault != NONE:
                    return -1 - i
        return end

    def _likely_entry(self, book, r):
        """Where the order id that a report is about most likely is. ``book``: the only one, or NULL for several."""
        if not book:
            book = self.books.book_of(r.instrument)
        if not book:
            book = cython.address(self.books.books[0])
        return cython.address(book.ids[self.books._home_of(book, r.maker_id if r.maker_id != 0 else r.order_id)])

    def _apply(self, r):
        """One report: NONE, or why it does not fit; then nothing is changed."""
        if r.seq_num != self.books.seq_num + 1:
            return OUT_OF_SEQUENCE
        if r.type != EXECUTION_REPORT:
            return MALFORMED
        fault: u32 = NONE
        if r.kind != REJECTED and r.kind != MASS_CANCELLED and r.kind != OPEN_ORDER and r.kind != OPEN_ORDERS_END:
            book: cython.pointer[Book] = self.books.book_of(r.instrument)
            if not book:
                return UNKNOWN_INSTRUMENT
            if self.crossing != NIL and (
                self.crossing != self.books.directory[r.instrument]
                or r.kind == ACCEPTED
                or r.kind == REPLACED
                or r.kind == STATE_CHANGED
            ):
                return WOULD_CROSS
            if r.kind == ACCEPTED:
                fault = self._enter(book, r.side, r.order_id, r.price, r.quantity)
            elif r.kind == TRADE:
                fault = self._trade(book, r)
            elif r.kind == CANCELLED or r.kind == REDUCED or r.kind == EXPIRED:
                fault = self._take(book, r)
            elif r.kind == REPLACED:
                fault = self._replace(book, r)
            elif r.kind == STATE_CHANGED:
                fault = self._set_state(book, r)
            else:
                fault = MALFORMED
        if fault == NONE:
            self.books.seq_num = r.seq_num
        return fault

    def _enter(self, book, side, order_id, price, quantity):
        """An order at the back of its level. It may cross the other side until its command ends."""
        if side != BID and side != ASK:
            return INVALID_SIDE
        if quantity == 0 or quantity >> 63 != 0:
            return INVALID_QUANTITY
        position: u32 = self.books._position(book, order_id)
        if book.ids[position].slot != NIL:
            return DUPLICATE_ORDER_ID
        if self.books.order_count == self.books.capacity:
            return ORDERS_FULL
        key: i64 = key_of(side, price)
        if self.books.level_count == self.books.level_capacity and self._is_new_level(book, side, key):
            return LEVELS_FULL
        slot: u32 = self.books._take_slot(book)
        self.books.orders[slot].id = order_id
        self.books.orders[slot].remaining = quantity
        self.books._name(book, position, order_id, slot)
        self._join(book, side, key, slot)
        self._watch(book)
        return NONE

    def _trade(self, book, r):
        """Lots that maker and taker lose."""
        maker: u32 = self.books.find(book, r.maker_id)
        taker: u32 = self.books.find(book, r.order_id)
        if maker == NIL or taker == NIL:
            return UNKNOWN_ORDER
        level: cython.pointer[Level] = cython.address(self.books.levels[self.books.orders[maker].level])
        if self.books.levels[self.books.orders[taker].level].side != r.side or level.side + r.side != BID + ASK:
            return INVALID_SIDE
        if key_of(level.side, level.key) != r.price:
            return INVALID_PRICE
        most: u64 = min(self.books.orders[maker].remaining, self.books.orders[taker].remaining)
        if r.quantity == 0 or r.quantity > most:
            return INVALID_QUANTITY
        self._take_from(book, maker, r.quantity)
        self._take_from(book, taker, r.quantity)
        self._watch(book)
        return NONE

    def _take(self, book, r):
        """Lots that one order loses: all that it has unless it is reduced."""
        slot: u32 = self.books.find(book, r.order_id)
        if slot == NIL:
            return UNKNOWN_ORDER
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
        if level.side != r.side:
            return INVALID_SIDE
        if key_of(level.side, level.key) != r.price:
            return INVALID_PRICE
        if r.quantity == 0 or r.quantity > order.remaining or (r.quantity != order.remaining and r.kind != REDUCED):
            return INVALID_QUANTITY
        self._take_from(book, slot, r.quantity)
        self._watch(book)
        return NONE

    def _replace(self, book, r):
        """A resting order under another id, price or quantity, in its place or at the back of a level."""
        slot: u32 = self.books.find(book, r.maker_id)
        if slot == NIL:
            return UNKNOWN_ORDER
        if r.order_id != r.maker_id and self.books.find(book, r.order_id) != NIL:
            return DUPLICATE_ORDER_ID
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
        if level.side != r.side:
            return INVALID_SIDE
        if r.quantity == 0 or r.quantity >> 63 != 0:
            return INVALID_QUANTITY
        key: i64 = key_of(r.side, r.price)
        if r.reason == KEPT_PLACE:
            if key != level.key:
                return INVALID_PRICE
            if r.quantity > order.remaining:
                return INVALID_QUANTITY
            level.quantity -= order.remaining - r.quantity
            order.remaining = r.quantity
        else:
            full: cython.bint = self.books.level_count == self.books.level_capacity and level.count != 1
            if full and self._is_new_level(book, r.side, key):
                return LEVELS_FULL
            self._move(book, slot, key, r.quantity)
        self.books._rename(book, slot, r.order_id)
        return NONE

    def _move(self, book, slot, key, quantity):
        """Take an order out of its level and put it at the back of that of a key."""
        side: u32 = self.books.levels[self.books.orders[slot].level].side
        self.books._unlink(cython.address(book.ladders[side - 1]), slot)
        self.books.orders[slot].remaining = quantity
        self._join(book, side, key, slot)
        self._watch(book)

    def _set_state(self, book, r):
        if r.quantity > HALTED:
            return INVALID_STATE
        book.state = r.quantity
        return NONE

    # ------------------------------------------------------------------ what they do to an order

    def _is_new_level(self, book, side, key):
        """Would an order at this key need a new level?"""
        return self.books.level_at(cython.address(book.ladders[side - 1]), key) == NIL

    def _join(self, book, side, key, slot):
        """Put an order at the back of the level of a key, which may be new."""
        ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
        self.books._append(book, self.books.level_for(ladder, key, side), slot)

    def _take_from(self, book, slot, quantity):
        """Take lots off an order, and the order out of the book when it had no more."""
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        if order.remaining == quantity:
            self.books._remove(book, slot, self.books._position(book, order.id))
        else:
            level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
            order.remaining -= quantity
            level.quantity -= quantity

    # ------------------------------------------------------------------ books that are crossed

    def _watch(self, book):
        """Remember whether the book is crossed now: then the reports of this command go on."""
        bids: cython.pointer[Ladder] = cython.address(book.ladders[0])
        asks: cython.pointer[Ladder] = cython.address(book.ladders[1])
        self.crossing = NIL
        if bids.best != NIL and asks.best != NIL and bids.best_key >= ~asks.best_key:
            self.crossing = self.books.directory[book.instrument]

    def watch_all(self):
        """The same after a snapshot, for all books: how many are crossed."""
        index: u32
        crossed: u32 = 0
        entry: u32 = NIL
        for index in range(self.books.book_count):
            self._watch(cython.address(self.books.books[index]))
            if self.crossing != NIL:
                crossed += 1
                entry = self.crossing
        self.crossing = entry
        return crossed

    # ------------------------------------------------------------------ snapshots

    def write_book(self, book, orders, count):
        """The orders of a book behind the ``count`` that are there: how many there are then."""
        side: u32
        for side in range(BID, ASK + 1):
            ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
            level: u32 = ladder.best
            while level != NIL:
                price: i64 = key_of(side, self.books.levels[level].key)
                slot: u32 = self.books.levels[level].head
                while slot != NIL:
                    order: cython.pointer[SnapshotOrder] = cython.address(orders[count])
                    order.type = SNAPSHOT_ORDER
                    order.side = side
                    order.instrument = book.instrument
                    order.order_id = self.books.orders[slot].id
                    order.price = price
                    order.quantity = self.books.orders[slot].remaining
                    count += 1
                    slot = self.books.orders[slot].next
                level = self.books.level_behind(ladder, level)
        return count

    def load_run(self, orders, count):
        """Enter orders: ``count``, or -1 - index of the one that does not fit, ``fault`` saying why."""
        i: u64
        for i in range(count):
            order: cython.pointer[cython.const[SnapshotOrder]] = cython.address(orders[i])
            book: cython.pointer[Book] = self.books.book_of(order.instrument)
            self.fault = UNKNOWN_INSTRUMENT
            if book:
                self.fault = self._enter(book, order.side, order.order_id, order.price, order.quantity)
            if self.fault != NONE:
                return -1 - cython.cast(i64, i)
        return cython.cast(i64, count)

    def clear(self):
        """Take every order out. The next report is the first."""
        remove_all(self.books)
        self.crossing = NIL
        self.books.seq_num = 0
