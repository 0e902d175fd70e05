"""Books that reports keep up to date, without matching rules: they add orders and take lots away.

Each report is checked against the books before anything changes. Nothing here allocates or uses a Python object, and
every report takes a bounded number of steps.

A taker is kept outside the books until it rests or is gone. So the books are not crossed while orders match, and at
each report they equal those of the exchange at that point. Two commands differ between their reports: one that
refreshes an iceberg which the taker used up, and one with all-or-none orders, which rest crossed until they trade.
"""

from __future__ import annotations

import cython

from pricetime.core.book import Books
from pricetime.core.rebuilt_calls import RebuiltCalls

if not cython.compiled:  # the compiled form has them from rebuilt.pxd
    from pricetime.core.book import key_of
    from pricetime.core.layout import *
    from pricetime.core.rebuilt_calls import changes_books, is_full
    from pricetime.native.bits import prefetch


@cython.final
@cython.cclass
class Rebuilt(RebuiltCalls):
    """Applies reports to books. For compiled callers; Python code uses ``BookBuilder``."""

    def __init__(self, books: Books, passive: bool = False) -> None:
        """``books``: empty, with as much room as those of the exchange that makes the reports.

        ``passive``: every order rests at once, also one that crosses the other side.
        """
        RebuiltCalls.__init__(self, books)
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
        if r.type != EXECUTION_REPORT or r.kind == 0:
            return MALFORMED
        if self.taking and not self._goes_on(r):
            return COMMAND_GOES_ON
        fault: u32 = NONE
        if r.kind <= EXPIRED or changes_books(r.kind):
            book: cython.pointer[Book] = self.books.book_of(r.instrument)
            if not book:
                return UNKNOWN_INSTRUMENT
            if r.kind == TRADE:
                fault = self._trade(book, r)
            elif r.kind == REPLACED:
                fault = self._replaced(book, r)
            elif r.kind <= EXPIRED or r.kind == TRIGGERED:
                fault = self._accept_or_take(book, r)
            else:
                fault = self._apply_other(book, r)
        if fault == NONE:
            self.books.seq_num = r.seq_num
        return fault

    def _apply_other(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """Apply a report of a kind that few commands make."""
        if r.kind == REFRESHED:
            return self._refresh(book, r)
        if r.kind == AUCTION_TRADE:
            return self.trade_in_auction(book, r)
        if r.kind == INDICATIVE or r.kind == UNCROSSED:
            return self.indicate(book, r)
        if r.kind == PHASE_CHANGED:
            return self._set_phase(book, r)
        return MALFORMED

    def _goes_on(self, r: cython.pointer[cython.const[Report]]) -> cython.bint:
        """Can this report belong to the taker's command?

        It trades, takes lots off the taker or off what it met, refreshes what it met, interrupts trading, or triggers
        the next of the all-or-none orders that trade together.
        """
        if r.instrument != self.taking.instrument:
            return False
        if r.kind == TRADE or r.kind == CANCELLED or r.kind == REDUCED or r.kind == PHASE_CHANGED or r.kind == HIDDEN:
            return True
        if r.kind == TRIGGERED:
            return self.taker_triggered and self.taker_rests and r.order_id != self.taker_id
        return r.kind == REFRESHED and r.order_id != self.taker_id

    def _accept_or_take(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """A report whose ``maker_id`` is the hidden part of its quantity: only the displayed part counts.

        A report of the public feed has that part taken off already.
        """
        if r.maker_id > r.quantity:
            return INVALID_QUANTITY
        if r.maker_id != 0 and r.maker_id == r.quantity:
            return NONE
        if r.kind == ACCEPTED or r.kind == TRIGGERED:
            return self._accept(book, r, r.quantity - r.maker_id)
        return self._take(book, r, r.quantity - r.maker_id)

    def _accept(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]], quantity: u64) -> u32:
        """A new order, or one that waited: it rests at the back of its level, or is the taker."""
        if r.reason == AT_MARKET:
            return self._accept_unpriced(book, r.side, r.order_id, r.price, quantity)
        rests: cython.bint = r.reason != NEVER_RESTS
        key: i64 = key_of(r.side, r.price)
        fault: u32 = self._refuse(book, r.side, r.order_id, key, quantity, rests)
        if r.kind == TRIGGERED:
            return self._trigger(book, r, key, quantity, rests, fault)
        if fault == NONE:
            self.taker_triggered = False
            self._enter(book, r.side, r.order_id, key, quantity, rests, True)
        return fault

    def _trigger(
        self,
        book: cython.pointer[Book],
        r: cython.pointer[cython.const[Report]],
        key: i64,
        quantity: u64,
        rests: cython.bint,
        fault: u32,
    ) -> u32:
        """An order that waited enters, after those that trade with it. ``fault``: why it cannot be in the book."""
        if fault != NONE and not is_full(fault):
            return fault
        if self.taking:
            if self.books.order_count + 1 >= self.books.capacity or not self._taker_fits():
                return COMMAND_GOES_ON
            self._rest_taker()
        self.taker_triggered = True
        fits: cython.bint = rests and self._refuse_level(book, r.side, key, quantity) == NONE
        self._enter(book, r.side, r.order_id, key, quantity, rests, fits)
        return NONE

    def _accept_unpriced(self, book: cython.pointer[Book], side: u32, order_id: u64, price: i64, quantity: u64) -> u32:
        """A market order that rests in a call phase, apart from the levels."""
        if book.rule.matches:
            return INVALID_PHASE
        if price != 0:
            return INVALID_PRICE
        fault: u32 = self._refuse(book, side, order_id, 0, quantity, False)
        if fault == NONE and self.books.order_count == self.books.capacity:
            return ORDERS_FULL
        if fault == NONE:
            self._rest_unpriced(book, side, order_id, quantity)
        return fault

    def _trade(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """Take lots from maker and taker."""
        if self.taking and r.maker_id == self.taker_id:
            self._change_roles(book, r)
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

    def _take(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]], quantity: u64) -> u32:
        """Take lots from one order: all of them unless it is reduced."""
        if self.taking and r.order_id == self.taker_id:
            return self._take_from_taker(r, quantity)
        slot: u32 = self.books.find(book, r.order_id)
        if slot == NIL:
            return UNKNOWN_ORDER
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
        price: i64 = key_of(level.side, level.key) if level.place == AT_LEVEL else 0
        fault: u32 = self._refuse_take(r, quantity, level.side, price, order.remaining)
        if fault == NONE:
            self._take_from(book, slot, quantity)
            self._settle()
        return fault

    def _take_from_taker(self, r: cython.pointer[cython.const[Report]], quantity: u64) -> u32:
        """The same for the taker."""
        price: i64 = key_of(self.taker_side, self.taker_key)
        fault: u32 = self._refuse_take(r, quantity, self.taker_side, price, self.taker_left)
        if fault == NONE:
            self.taker_left -= quantity
            self._settle()
        return fault

    def _refuse_take(
        self, r: cython.pointer[cython.const[Report]], quantity: u64, side: u32, price: i64, remaining: u64
    ) -> u32:
        """Why a report cannot take lots from an order, NONE if it can."""
        if side != r.side:
            return INVALID_SIDE
        if price != r.price:
            return INVALID_PRICE
        if quantity == 0 or quantity > remaining or (quantity != remaining and r.kind != REDUCED):
            return INVALID_QUANTITY
        return NONE

    def _replaced(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """An order has a new price, quantity or id. Private reports are about orders that wait."""
        if r.reason == WAITS:
            return NONE
        slot: u32 = self.books.find(book, r.maker_id)
        if slot != NIL and self.books.levels[self.books.orders[slot].level].place != AT_LEVEL:
            return self._replace_unpriced(book, slot, r)
        if r.reason == AT_MARKET or r.reason == PRICED:
            return UNKNOWN_ORDER if slot == NIL else INVALID_PRICE
        keeps: cython.bint = r.reason == KEPT_PLACE
        return self._replace(book, r.maker_id, r.order_id, r.side, r.price, r.quantity, keeps)

    def _replace_unpriced(self, book: cython.pointer[Book], slot: u32, r: cython.pointer[cython.const[Report]]) -> u32:
        """A market order of a call phase changes, or gets the auction price."""
        priced: cython.bint = r.reason == PRICED
        if not priced and (r.reason != AT_MARKET or r.price != 0):
            return INVALID_PRICE
        if self.books.levels[self.books.orders[slot].level].side != r.side:
            return INVALID_SIDE
        if r.quantity == 0 or r.quantity >> 63 != 0 or (priced and r.quantity > self.books.orders[slot].remaining):
            return INVALID_QUANTITY
        if r.order_id != r.maker_id and self.books.find(book, r.order_id) != NIL:
            return DUPLICATE_ORDER_ID
        self._take_from(book, slot, self.books.orders[slot].remaining)
        if priced:
            key: i64 = key_of(r.side, r.price)
            fits: cython.bint = self._refuse_level(book, r.side, key, r.quantity) == NONE
            self._enter(book, r.side, r.order_id, key, r.quantity, True, fits)
        else:
            self._rest_unpriced(book, r.side, r.order_id, r.quantity)
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
        """Change an order at a level: it keeps its place, goes to the back of a level, or becomes the taker."""
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
            self._enter(book, side, new_id, key, quantity, True, True)
        return fault

    def _refresh(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """An iceberg begins a slice, at the back of its level, whether lots of the last one are left or not.

        One with nothing left that would trade is the taker, or the taker rested because it met nothing else: the
        next trade says which of the two.
        """
        slot: u32 = self.books.find(book, r.order_id)
        key: i64 = key_of(r.side, r.price)
        if slot == NIL:
            fault: u32 = self._refuse(book, r.side, r.order_id, key, r.quantity, True)
            if self.taking:
                if fault == NONE:
                    self._rest(book, r.side, r.order_id, key, r.quantity)
                return fault
            if is_full(fault) and self._crosses(book, r.side, key):
                fault = NONE
            if fault == NONE:
                self.taker_triggered = False
                self._enter(book, r.side, r.order_id, key, r.quantity, True, True)
            return fault
        level: cython.pointer[Level] = cython.address(self.books.levels[self.books.orders[slot].level])
        if level.side != r.side:
            return INVALID_SIDE
        if level.place != AT_LEVEL or level.key != key:
            return INVALID_PRICE
        if r.quantity == 0 or r.quantity >> 63 != 0:
            return INVALID_QUANTITY
        fault = self.books._refuse_move(book, slot, key, r.quantity)
        if fault == NONE:
            self.books._remove(book, slot, self.books._position(book, r.order_id))
            self._rest(book, r.side, r.order_id, key, r.quantity)
        return fault

    def _set_phase(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """Begin a phase. Orders match only in a book that is not crossed and has no market orders left."""
        if r.quantity >= self.books.phase_count:
            return INVALID_PHASE
        if self.taking and not self.books.phases[r.quantity].collects:
            return COMMAND_GOES_ON
        if self.books.phases[r.quantity].matches and self.is_collected(book):
            return WOULD_CROSS
        self.begin_phase(book, cython.cast(u32, r.quantity))
        self._settle()
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
        return self._refuse_level(book, side, key, quantity)

    def _refuse_level(self, book: cython.pointer[Book], side: u32, key: i64, quantity: u64) -> u32:
        """Why an order cannot rest at a level, NONE if it can."""
        return self.books._refuse_rest(self.books.level_at(cython.address(book.ladders[side - 1]), key), quantity)

    def _enter(
        self,
        book: cython.pointer[Book],
        side: u32,
        order_id: u64,
        key: i64,
        quantity: u64,
        rests: cython.bint,
        fits: cython.bint,
    ) -> None:
        """Add an order: it rests, unless it never does, crosses the other side, or its level has no room for it.

        The next report cancels an order without room.
        """
        if self.passive or (rests and fits and not self._crosses(book, side, key)):
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
        slot: u32 = self._named_slot(book, order_id, quantity)
        self.books._append(book, self.books.level_for(cython.address(book.ladders[side - 1]), key, side), slot)

    def _rest_unpriced(self, book: cython.pointer[Book], side: u32, order_id: u64, quantity: u64) -> None:
        """Put a market order behind those of its side. There is room."""
        slot: u32 = self._named_slot(book, order_id, quantity)
        self.books.cold[slot].order_type = MARKET
        self.places.take_off(self.books, book, slot, side, 0)
        self.places.join(self.books, book, slot, IN_CALL, 0)

    def _named_slot(self, book: cython.pointer[Book], order_id: u64, quantity: u64) -> u32:
        """A slot with an order that has its id but no place yet."""
        slot: u32 = self.books._take_slot(book)
        self.books.orders[slot].id = order_id
        self.books.orders[slot].remaining = quantity
        self.books._name(book, self.books._position(book, order_id), order_id, slot)
        return slot

    def take_displayed(self, book: cython.pointer[Book], slot: u32, quantity: u64) -> None:
        self._take_from(book, slot, min(quantity, cython.cast(u64, self.books.orders[slot].remaining)))

    def _take_from(self, book: cython.pointer[Book], slot: u32, quantity: u64) -> None:
        """Take lots off an order, and remove it if none are left."""
        order: cython.pointer[Order] = cython.address(self.books.orders[slot])
        level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
        if level.place != AT_LEVEL:
            if order.remaining == quantity:
                self.books.cold[slot].order_type = LIMIT  # as in every slot but those of market orders
            self.places.take(self.books, book, slot, quantity, 0)
        elif order.remaining == quantity:
            self.books._remove(book, slot, self.books._position(book, order.id))
        else:
            order.remaining -= quantity
            level.quantity -= quantity

    # ------------------------------------------------------------------ the order that takes

    def _crosses(self, book: cython.pointer[Book], side: u32, key: i64) -> cython.bint:
        """Would an order trade with the best one of the other side?"""
        return self.books._meets(book, cython.address(book.ladders[2 - side]), ~key)

    def _settle(self) -> None:
        """After a change: drop the taker if it is gone; let it rest if it may and nothing is left to trade with.

        Without room it stays the taker until the report that cancels it.
        """
        if not self.taking:
            return
        if self.taker_left == 0:
            self.taking = cython.NULL
        elif self.taker_rests and not self._taker_crosses() and self._taker_fits():
            self._rest_taker()

    def _taker_crosses(self) -> cython.bint:
        return self._crosses(self.taking, self.taker_side, self.taker_key)

    def _taker_fits(self) -> cython.bint:
        """Has the level of the taker room for it?"""
        return self._refuse_level(self.taking, self.taker_side, self.taker_key, self.taker_left) == NONE

    def _rest_taker(self) -> None:
        """The taker rests. There is room."""
        self._rest(self.taking, self.taker_side, self.taker_id, self.taker_key, self.taker_left)
        self.taking = cython.NULL

    def _change_roles(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> None:
        """A trade has the taker as its maker: an iceberg that was refreshed.

        The order that takes rested because the iceberg displayed nothing. It takes again, and the iceberg rests.
        Nothing changes if the trade cannot be of these two.
        """
        slot: u32 = self.books.find(book, r.order_id)
        if slot == NIL:
            return
        quantity: u64 = self.books.orders[slot].remaining
        level: cython.pointer[Level] = cython.address(self.books.levels[self.books.orders[slot].level])
        side: u32 = level.side
        key: i64 = level.key
        if side == self.taker_side or side != r.side or key_of(self.taker_side, self.taker_key) != r.price:
            return
        if r.quantity == 0 or r.quantity > min(quantity, self.taker_left):
            return
        if not self.taker_rests or level.place != AT_LEVEL or (level.count != 1 and not self._taker_fits()):
            return
        self._take_from(book, slot, quantity)
        self._rest_taker()
        self._enter(book, side, r.order_id, key, quantity, True, True)
