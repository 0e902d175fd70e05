"""How an order trades in a ruled book: with whom, at which prices, and what becomes of its remainder.

An incoming order has a slot before it trades, and is in no place: a new order, a stop order that is triggered, or one
that is replaced and loses its place. An iceberg trades in slices: each is like an order of the display quantity, and
the next follows when it is used up.
"""

from __future__ import annotations

import cython

if not cython.compiled:  # the compiled form cimports them in trading.pxd
    from pricetime.core.book import Books, key_of, may_rest
    from pricetime.core.layout import *
    from pricetime.core.places import Places


@cython.cclass
class Trading(Places):
    """The orders in their places, and incoming ones that trade with them."""

    # ------------------------------------------------------------------ terms

    def is_unpriced(self, books: Books, slot: u32) -> cython.bint:
        """Is it an order that names no price?"""
        kind: u32 = books.cold[slot].order_type
        return kind == MARKET or kind == MARKET_TO_LIMIT or kind == STOP

    def stays(self, books: Books, book: cython.pointer[Book], slot: u32) -> cython.bint:
        """May the remainder of an incoming order rest in this phase?"""
        cold: cython.pointer[OrderCold] = cython.address(books.cold[slot])
        if book.rule.collects:
            return True
        return not self.is_unpriced(books, slot) and may_rest(cold.order_type, cold.time_in_force)

    def entry_reason(self, books: Books, book: cython.pointer[Book], slot: u32) -> u32:
        """What the report says that makes an order known to the market."""
        if book.rule.collects and self.is_unpriced(books, slot):
            return AT_MARKET
        return NONE if self.stays(books, book, slot) else NEVER_RESTS

    def limit_of(self, books: Books, book: cython.pointer[Book], slot: u32) -> i64:
        """The worst price at which an incoming order may trade."""
        if self.is_unpriced(books, slot):
            return books._band_end(book, self.side_of(books, slot))
        return books.extras[slot].price

    def mode_of(self, books: Books, book: cython.pointer[Book], slot: u32, maker: u32) -> u32:
        """The self-trade mode of an order and one that it meets: OFF unless they have the same owner."""
        owner: u32 = books.orders[slot].owner
        if owner == 0 or owner != books.orders[maker].owner:
            return OFF
        mode: u32 = books.cold[slot].self_trade
        return mode if mode != 0 else book.self_trade

    # ------------------------------------------------------------------ price ranges

    def range_low(self, book: cython.pointer[Book]) -> i64:
        """The lowest price of the trades of an order that enters now."""
        more: cython.pointer[VenueBook] = book.venue
        low: i64 = minus(0, cython.cast(u64, 1) << 63)
        if more.rule.static_range != 0 and more.has_reference:
            low = minus(more.reference, more.rule.static_range)
        if more.rule.dynamic_range != 0 and book.has_last:
            low = max(low, minus(book.last_price, more.rule.dynamic_range))
        return low

    def range_high(self, book: cython.pointer[Book]) -> i64:
        """The highest price of the trades of an order that enters now."""
        more: cython.pointer[VenueBook] = book.venue
        high: i64 = plus(0, cython.cast(u64, 1) << 63)
        if more.rule.static_range != 0 and more.has_reference:
            high = plus(more.reference, more.rule.static_range)
        if more.rule.dynamic_range != 0 and book.has_last:
            high = min(high, plus(book.last_price, more.rule.dynamic_range))
        return high

    def can_trade(self, books: Books, book: cython.pointer[Book], slot: u32, need: u64) -> cython.bint:
        """Could so many lots of an incoming order trade? Counts what its self-trade mode and the ranges let it take.

        An iceberg shows what is hidden behind all that is in the queue now.
        """
        side: u32 = self.side_of(books, slot)
        makers: cython.pointer[Ladder] = cython.address(book.ladders[2 - side])
        limit: i64 = ~key_of(side, self.limit_of(books, book, slot))
        low: i64 = self.range_low(book)
        high: i64 = self.range_high(book)
        passed: u64 = 0
        level: u32 = makers.best if book.rule.matches else NIL
        while level != NIL and books.levels[level].key >= limit:
            price: i64 = key_of(3 - side, books.levels[level].key)
            if price < low or price > high:
                return False
            passed = self._lots_at(books, book, slot, level, passed, need)
            if passed >= need:
                return passed == need
            level = books.level_behind(makers, level)
        return False

    def _lots_at(self, books: Books, book: cython.pointer[Book], slot: u32, level: u32, passed: u64, need: u64) -> u64:
        """The lots that trade before and at a level, at most ``need``, if ``passed`` do before.

        The largest number if an order there keeps the incoming one from trading that much.
        """
        queue: cython.pointer[Level] = cython.address(books.levels[level])
        if books.orders[slot].owner == 0:
            return need if need - passed <= queue.quantity else passed + queue.quantity
        hidden: u64 = 0
        maker: u32 = queue.head
        while maker != NIL:
            left: u64 = books.orders[maker].remaining
            mode: u32 = self.mode_of(books, book, slot, maker)
            if mode == OFF:
                hidden += books.extras[maker].hidden
                left -= books.extras[maker].hidden
                if need - passed <= left:
                    return need
                passed += left
            elif mode != CANCEL_OLDEST and (mode != CANCEL_SMALLER or left > books.orders[slot].remaining - passed):
                return cython.cast(u64, -1)
            maker = books.orders[maker].next
        return need if need - passed <= hidden else passed + hidden

    # ------------------------------------------------------------------ trading

    def execute_order(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Let an incoming order trade with all that it meets; then its remainder rests or is cancelled."""
        stays: cython.bint = self.stays(books, book, slot)
        breaches: cython.bint = self.match(books, book, slot)
        interrupts: cython.bint = breaches and book.venue.rule.on_breach == INTERRUPT
        if interrupts:
            self.change_phase(books, book, VOLATILITY_AUCTION, OUTSIDE_RANGE)
        if books.orders[slot].remaining == 0:
            self.discard(books, book, slot)
        elif stays and (interrupts or not breaches):
            self.rest(books, book, slot)
        elif breaches:
            self.drop(books, book, slot, OUTSIDE_RANGE)
        else:
            self.drop(books, book, slot, MARKET_REMAINDER if self.is_unpriced(books, slot) else IOC_REMAINDER)

    def drop(self, books: Books, book: cython.pointer[Book], slot: u32, reason: u32) -> None:
        """Cancel an incoming order, or its remainder, before it rests."""
        left: u64 = books.orders[slot].remaining
        self.report_order(books, book, CANCELLED, slot, left, reason, books.extras[slot].hidden)
        self.discard(books, book, slot)

    def match(self, books: Books, book: cython.pointer[Book], slot: u32) -> cython.bint:
        """Trade until nothing is left or nothing is met. Returns whether a price range stopped it."""
        if not book.rule.matches:
            return False
        side: u32 = self.side_of(books, slot)
        makers: cython.pointer[Ladder] = cython.address(book.ladders[2 - side])
        limit: i64 = ~key_of(side, self.limit_of(books, book, slot))
        low: i64 = self.range_low(book)  # from the last trade before this order
        high: i64 = self.range_high(book)
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        while order.remaining != 0 and makers.best != NIL and makers.best_key >= limit:
            price: i64 = key_of(3 - side, makers.best_key)
            if price < low or price > high:
                return True
            maker: u32 = books.levels[makers.best].head
            mode: u32 = self.mode_of(books, book, slot, maker)
            if mode == OFF:
                self._trade(books, book, slot, maker, price)
            else:
                self._prevent(books, book, slot, maker, mode)
        return False

    def _trade(self, books: Books, book: cython.pointer[Book], slot: u32, maker: u32, price: i64) -> None:
        """One trade of an incoming order, of at most the slices of both orders."""
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        size: u64 = min(self.shown(books, slot), self.shown(books, maker))
        books._refer(maker)
        maker_id: u64 = books.orders[maker].id
        books._report(book.instrument, TRADE, self.side_of(books, slot), NONE, order.id, maker_id, price, size)
        order.remaining -= size
        self.fill(books, book, slot, size)
        self.note_trade(book, price)
        if size == books.orders[maker].remaining:
            self.remove(books, book, maker)
        else:
            self.fill(books, book, maker, size)
            self.take(books, book, maker, size, 0)
            if self.is_due(books, book, maker):
                self.refresh(books, book, maker)
        if order.remaining != 0 and self.shown(books, slot) == 0:
            self.begin_slice(books, book, slot)

    def fill(self, books: Books, book: cython.pointer[Book], slot: u32, quantity: u64) -> None:
        """Count lots of an order that have traded, in a book that needs the count."""
        if book.venue.rule.replace_total:
            books.extras[slot].filled += quantity

    def note_trade(self, book: cython.pointer[Book], price: i64) -> None:
        """Remember the price of a trade."""
        more: cython.pointer[VenueBook] = book.venue
        more.lowest = min(price, more.lowest) if more.traded else price
        more.highest = max(price, more.highest) if more.traded else price
        more.traded = 1
        book.last_price = price
        book.has_last = 1

    def _prevent(self, books: Books, book: cython.pointer[Book], slot: u32, maker: u32, mode: u32) -> None:
        """Two orders of one owner meet: take from each what the mode says, from the incoming order first."""
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        resting: u64 = books.orders[maker].remaining
        if mode == CANCEL_SMALLER:
            mode = CANCEL_OLDEST if resting <= order.remaining else CANCEL_NEWEST
        from_maker: u64 = 0
        from_order: u64 = 0
        if mode == DECREMENT:
            from_maker = from_order = min(order.remaining, resting)
        if mode == CANCEL_OLDEST or mode == CANCEL_BOTH:
            from_maker = resting
        if mode == CANCEL_NEWEST or mode == CANCEL_BOTH:
            from_order = order.remaining
        if from_order != 0:
            hidden: u64 = min(books.extras[slot].hidden, from_order)
            order.remaining -= from_order
            books.extras[slot].hidden -= hidden
            kind: u32 = REDUCED if order.remaining != 0 else CANCELLED
            self.report_order(books, book, kind, slot, from_order, SELF_TRADE, hidden)
        if from_maker != 0:
            self.cut(books, book, maker, from_maker, REDUCED, SELF_TRADE)

    # ------------------------------------------------------------------ slices of icebergs

    def shown(self, books: Books, slot: u32) -> u64:
        """Lots that the market sees."""
        return books.orders[slot].remaining - books.extras[slot].hidden

    def is_due(self, books: Books, book: cython.pointer[Book], slot: u32) -> cython.bint:
        """Is the slice of an iceberg used up, or less than the venue's minimum with more behind it?"""
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        least: u64 = max(book.venue.rule.minimum_display, cython.cast(u64, 1))
        return extra.hidden != 0 and self.shown(books, slot) < min(least, extra.display)

    def begin(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Display the next slice of an order, all lots of an order that does not hide any."""
        left: u64 = books.orders[slot].remaining
        display: u64 = books.extras[slot].display
        self.hide(books, book, slot, left - min(left, display if display != 0 else left))

    def begin_slice(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """The same, with its report."""
        self.begin(books, book, slot)
        self.report_order(books, book, REFRESHED, slot, self.shown(books, slot), NONE, 0)

    def refresh(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Display the next slice of a resting iceberg, at the back of its level.

        One that an unfinished mass cancel has yet to visit ends instead when its slice is used up.
        """
        owned: u32 = books.owner_links[slot].list
        if books.orders[slot].owner != 0 and books.owner_lists[owned].walked:
            walk: cython.pointer[Walk] = books._walk_of(owned)
            meant: cython.bint = books.will_cancel(walk, book.instrument, self.side_of(books, slot), slot)
            if meant and books.extras[slot].cancels < walk.number:
                if self.shown(books, slot) == 0:
                    walk.cancelled += 1
                    self.end(books, book, slot, CANCELLED, walk.reason)
                return
        self.to_the_back(books, book, slot)
        self.begin_slice(books, book, slot)

    # ------------------------------------------------------------------ resting

    def rest(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Put the remainder of an incoming order in its place. One that waited may find no level."""
        if self.is_unpriced(books, slot):
            self.join(books, book, slot, IN_CALL, 0)
            return
        side: u32 = self.side_of(books, slot)
        key: i64 = key_of(side, books.extras[slot].price)
        level: u32 = books.level_at(cython.address(book.ladders[side - 1]), key)
        reason: u32 = books._refuse_rest(level, books.orders[slot].remaining)
        if reason != NONE:
            self.drop(books, book, slot, reason)
            return
        if books._refuse_price(book, key_of(side, key)) != NONE:
            book.older_rules = 1  # a stop order with protection, or one at an auction price
        self.join(books, book, slot, AT_LEVEL, key)
        if self.is_due(books, book, slot):
            self.begin_slice(books, book, slot)

    # ------------------------------------------------------------------ phases

    def change_phase(self, books: Books, book: cython.pointer[Book], phase: u32, reason: u32) -> None:
        """Begin a phase and report it."""
        books.set_phase(book, phase)
        books._report(book.instrument, PHASE_CHANGED, 0, reason, 0, 0, 0, phase)


def minus(price: i64, distance: u64) -> i64:
    """A price minus a distance; the lowest price if that is below it."""
    lowest: i64 = cython.cast(i64, cython.cast(u64, 1) << 63)
    room: u64 = cython.cast(u64, cython.cast(u64, price) - cython.cast(u64, lowest))
    return lowest if distance > room else cython.cast(i64, cython.cast(u64, price) - distance)


def plus(price: i64, distance: u64) -> i64:
    """A price plus a distance; the highest price if that is above it."""
    return ~minus(~price, distance)
