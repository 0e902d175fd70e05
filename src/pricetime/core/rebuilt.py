"""Books that reports keep up to date, without matching rules: they add orders and take lots away.

Each report is checked against the books before anything changes. Nothing here allocates or uses a Python object, and
every report takes a bounded number of steps.

A taker is kept outside the books until it rests or is gone. So the books are never crossed, and at each report they
equal those of the exchange at that point.
"""

from __future__ import annotations

import cython

from pricetime.core.book import Books

if not cython.compiled:  # the compiled form has them from rebuilt.pxd
    from pricetime.core.book import key_of
    from pricetime.core.dump import remove_all
    from pricetime.core.layout import *
    from pricetime.native.bits import prefetch


@cython.final
@cython.cclass
class Rebuilt:
    """Applies reports to books. For compiled callers; Python code uses ``BookBuilder``."""

    def __init__(self, books: Books, passive: bool = False) -> None:
        """``books``: empty, with as much room as those of the exchange that makes the reports.

        ``passive``: every order rests at once, also one that crosses the other side.
        """
        self.books = books
        self.passive = passive
        self.taking = cython.NULL
        self.fault = NONE

    # ------------------------------------------------------------------ reports

    def apply_run(self, reports: cython.pointer[cython.const[Report]], count: u64) -> i64:
        """Apply reports in order: ``count``, or -1 - index of one that does not fit; then ``fault`` says why."""
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

    def _likely_entry(
        self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]
    ) -> cython.pointer[IdEntry]:
        """Where the order id of a report most likely is. ``book``: the only one, or NULL if there are several."""
        if not book:
            book = self.books.book_of(r.instrument)
        if not book:
            book = cython.address(self.books.books[0])
        return cython.address(book.ids[self.books._home_of(book, r.maker_id if r.maker_id != 0 else r.order_id)])

    def _apply(self, r: cython.pointer[cython.const[Report]]) -> u32:
        """Apply one report: NONE, or why it does not fit, with nothing changed."""
        if r.seq_num != self.books.seq_num + 1:
            return OUT_OF_SEQUENCE
        if r.type != EXECUTION_REPORT:
            return MALFORMED
        if self.taking and not self._goes_on(r):
            return COMMAND_GOES_ON
        fault: u32 = NONE
        if r.kind != REJECTED and r.kind != MASS_CANCELLED and r.kind != OPEN_ORDER and r.kind != OPEN_ORDERS_END:
            book: cython.pointer[Book] = self.books.book_of(r.instrument)
            if not book:
                return UNKNOWN_INSTRUMENT
            if r.kind == ACCEPTED:
                fault = self._accept(book, r)
            elif r.kind == TRADE:
                fault = self._trade(book, r)
            elif r.kind == CANCELLED or r.kind == REDUCED or r.kind == EXPIRED:
                fault = self._take(book, r)
            elif r.kind == REPLACED:
                keeps: cython.bint = r.reason == KEPT_PLACE
                fault = self._replace(book, r.maker_id, r.order_id, r.side, r.price, r.quantity, keeps)
            elif r.kind == PHASE_CHANGED:
                fault = self._set_phase(book, r)
            else:
                fault = MALFORMED
        if fault == NONE:
            self.books.seq_num = r.seq_num
        return fault

    def _goes_on(self, r: cython.pointer[cython.const[Report]]) -> cython.bint:
        """Can this report belong to the taker's command? It trades, or takes lots off the taker or off what it met."""
        if r.instrument != self.taking.instrument:
            return False
        return r.kind == TRADE or r.kind == CANCELLED or r.kind == REDUCED

    def _accept(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """A new order: it rests at the back of its level, or is the taker."""
        rests: cython.bint = r.reason != NEVER_RESTS
        fault: u32 = self._refuse(book, r.side, r.order_id, key_of(r.side, r.price), r.quantity, rests)
        if fault == NONE:
            self._enter(book, r.side, r.order_id, key_of(r.side, r.price), r.quantity, rests)
        return fault

    def _trade(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """Take lots from maker and taker."""
        maker: u32 = self.books.find(book, r.maker_id)
        if maker == NIL or not self.taking or r.order_id != self.taker_id:
            return UNKNOWN_ORDER
        level: cython.pointer[Level] = cython.address(self.books.levels[self.books.orders[maker].level])
        if r.side != self.taker_side or level.side == r.side:
            return INVALID_SIDE
        if key_of(level.side, level.key) != r.price:
            return INVALID_PRICE
        if r.quantity == 0 or r.quantity > min(self.books.orders[maker].remaining, self.taker_left):
            return INVALID_QUANTITY
        self._take_from(book, maker, r.quantity)
        self.taker_left -= r.quantity
        self._settle()
        return NONE

    def _take(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """Take lots from one order: all of them unless it is reduced."""
        if self.taking and r.order_id == self.taker_id:
            return self._take_from_taker(r)
        slot: u32 = self.books.find(book, r.order_id)
        if slot == NIL:
            return UNKNOWN_ORDER
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
        fault: u32 = self._refuse_take(r, level.side, level.key, order.remaining)
        if fault == NONE:
            self._take_from(book, slot, r.quantity)
            self._settle()
        return fault

    def _take_from_taker(self, r: cython.pointer[cython.const[Report]]) -> u32:
        """The same for the taker."""
        fault: u32 = self._refuse_take(r, self.taker_side, self.taker_key, self.taker_left)
        if fault == NONE:
            self.taker_left -= r.quantity
            self._settle()
        return fault

    def _refuse_take(self, r: cython.pointer[cython.const[Report]], side: u32, key: i64, remaining: u64) -> u32:
        """Why a report cannot take lots from an order, NONE if it can."""
        if side != r.side:
            return INVALID_SIDE
        if key_of(side, key) != r.price:
            return INVALID_PRICE
        if r.quantity == 0 or r.quantity > remaining or (r.quantity != remaining and r.kind != REDUCED):
            return INVALID_QUANTITY
        return NONE

    def _replace(
        self,
        book: cython.pointer[Book],
        order_id: u64,
        new_id: u64,
        side: u32,
        price: i64,
        quantity: u64,
        keeps: cython.bint,
    ) -> u32:
        """Change a resting order: it keeps its place, goes to the back of a level, or becomes the taker."""
        slot: u32 = self.books.find(book, order_id)
        if slot == NIL:
            return UNKNOWN_ORDER
        if new_id != order_id and self.books.find(book, new_id) != NIL:
            return DUPLICATE_ORDER_ID
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
        if level.side != side:
            return INVALID_SIDE
        if quantity == 0 or quantity >> 63 != 0:
            return INVALID_QUANTITY
        key: i64 = key_of(side, price)
        if keeps:
            if key != level.key:
                return INVALID_PRICE
            if quantity > order.remaining:
                return INVALID_QUANTITY
            level.quantity -= order.remaining - quantity
            order.remaining = quantity
            self.books._rename(book, slot, new_id)
            return NONE
        fault: u32 = self.books._refuse_move(book, slot, key, quantity)
        if fault == NONE:
            self.books._remove(book, slot, self.books._position(book, order_id))
            self._enter(book, side, new_id, key, quantity, True)
        return fault

    def _set_phase(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        if r.quantity >= self.books.phase_count:
            return INVALID_PHASE
        self.books.set_phase(book, cython.cast(u32, r.quantity))
        return NONE

    # ------------------------------------------------------------------ what they do to an order

    def _refuse(
        self, book: cython.pointer[Book], side: u32, order_id: u64, key: i64, quantity: u64, rests: cython.bint
    ) -> u32:
        """Why an order cannot be in the book, NONE if it can. One that never rests needs no room."""
        if side != BID and side != ASK:
            return INVALID_SIDE
        if quantity == 0 or quantity >> 63 != 0:
            return INVALID_QUANTITY
        if self.books.find(book, order_id) != NIL:
            return DUPLICATE_ORDER_ID
        if not rests:
            return NONE
        if self.books.order_count == self.books.capacity:
            return ORDERS_FULL
        return self.books._refuse_rest(self.books.level_at(cython.address(book.ladders[side - 1]), key), quantity)

    def _enter(
        self, book: cython.pointer[Book], side: u32, order_id: u64, key: i64, quantity: u64, rests: cython.bint
    ) -> None:
        """Add an order: it rests, unless it never does or crosses the other side."""
        if self.passive or (rests and not self._crosses(book, side, key)):
            self._rest(book, side, order_id, key, quantity)
            return
        self.taking = book
        self.taker_id = order_id
        self.taker_side = side
        self.taker_key = key
        self.taker_left = quantity
        self.taker_rests = rests

    def _rest(self, book: cython.pointer[Book], side: u32, order_id: u64, key: i64, quantity: u64) -> None:
        """Put an order at the back of its level, making the level if needed. There is room."""
        slot: u32 = self.books._take_slot(book)
        self.books.orders[slot].id = order_id
        self.books.orders[slot].remaining = quantity
        self.books._name(book, self.books._position(book, order_id), order_id, slot)
        self.books._append(book, self.books.level_for(cython.address(book.ladders[side - 1]), key, side), slot)

    def _take_from(self, book: cython.pointer[Book], slot: u32, quantity: u64) -> None:
        """Take lots off an order, and remove it if none are left."""
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        if order.remaining == quantity:
            self.books._remove(book, slot, self.books._position(book, order.id))
        else:
            level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
            order.remaining -= quantity
            level.quantity -= quantity

    # ------------------------------------------------------------------ the order that takes

    def _crosses(self, book: cython.pointer[Book], side: u32, key: i64) -> cython.bint:
        """Would an order trade with the best one of the other side?"""
        return self.books._meets(book, cython.address(book.ladders[2 - side]), ~key)

    def _settle(self) -> None:
        """After a change: drop the taker if it is gone; let it rest if it may and nothing is left to trade with.

        Its level cannot exist yet: it would have crossed the other side.
        """
        if not self.taking:
            return
        if self.taker_left == 0:
            self.taking = cython.NULL
        elif self.taker_rests and not self._crosses(self.taking, self.taker_side, self.taker_key):
            self._rest(self.taking, self.taker_side, self.taker_id, self.taker_key, self.taker_left)
            self.taking = cython.NULL

    # ------------------------------------------------------------------ snapshots

    def write_book(self, book: cython.pointer[Book], orders: cython.pointer[SnapshotOrder], count: u64) -> u64:
        """Append the orders of a book to ``count`` written ones: the new count.

        The taker comes last.
        """
        side: u32
        for side in range(BID, ASK + 1):
            ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
            level: u32 = ladder.best
            while level != NIL:
                price: i64 = key_of(side, self.books.levels[level].key)
                slot: u32 = self.books.levels[level].head
                while slot != NIL:
                    order: cython.pointer[Order] = cython.address(self.books.orders[slot])
                    self._write(cython.address(orders[count]), book, side, order.id, price, order.remaining)
                    count += 1
                    slot = order.next
                level = self.books.level_behind(ladder, level)
        if self.taking and self.taking.instrument == book.instrument:
            price = key_of(self.taker_side, self.taker_key)
            self._write(cython.address(orders[count]), book, self.taker_side, self.taker_id, price, self.taker_left)
            orders[count].taking = MAY_REST if self.taker_rests else ONLY_TAKES
            count += 1
        return count

    def _write(
        self,
        order: cython.pointer[SnapshotOrder],
        book: cython.pointer[Book],
        side: u32,
        order_id: u64,
        price: i64,
        quantity: u64,
    ) -> None:
        """Fill one zeroed order of a snapshot."""
        order.type = SNAPSHOT_ORDER
        order.side = side
        order.instrument = book.instrument
        order.order_id = order_id
        order.price = price
        order.quantity = quantity

    def load_run(self, orders: cython.pointer[cython.const[SnapshotOrder]], count: u64) -> i64:
        """Load orders: ``count``, or -1 - index of one that does not fit; then ``fault`` says why."""
        i: u64
        for i in range(count):
            self.fault = self._load(cython.address(orders[i]))
            if self.fault != NONE:
                return -1 - cython.cast(i64, i)
        return cython.cast(i64, count)

    def _load(self, order: cython.pointer[cython.const[SnapshotOrder]]) -> u32:
        """Load one order of a snapshot: NONE, or why it does not fit. A taker is the last of its book."""
        book: cython.pointer[Book] = self.books.book_of(order.instrument)
        if not book:
            return UNKNOWN_INSTRUMENT
        if order.taking > ONLY_TAKES or (self.taking and self.taking.instrument == order.instrument):
            return WOULD_CROSS
        key: i64 = key_of(order.side, order.price)
        rests: cython.bint = order.taking != ONLY_TAKES
        fault: u32 = self._refuse(book, order.side, order.order_id, key, order.quantity, rests)
        if fault != NONE:
            return fault
        takes: cython.bint = not rests or self._crosses(book, order.side, key)
        if takes != (order.taking != RESTS) or (takes and self.taking):
            return WOULD_CROSS
        self._enter(book, order.side, order.order_id, key, order.quantity, rests)
        return NONE

    def clear(self) -> None:
        """Remove all orders. The next report must be the first."""
        remove_all(self.books)
        self.taking = cython.NULL
        self.books.seq_num = 0
