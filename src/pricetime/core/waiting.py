"""Orders that wait unseen: for their trigger price, for an auction, or until they can trade whole.

A stop order is triggered by a trade or by the best quote, as the venue says. Triggered ones enter one at a time, behind
what rests: the *cascade* after a command. All-or-none orders are tried after it: each has the last priority at its
price, and may trade with all that rests and with all-or-none orders of the other side that are not larger than what is
missing.
"""

from __future__ import annotations

import cython

if not cython.compiled:  # the compiled form cimports them in waiting.pxd
    from pricetime.core.book import Books, key_of
    from pricetime.core.layout import *
    from pricetime.core.trading import Trading, minus, plus


@cython.cclass
class Waiting(Trading):
    """A book in which orders can wait."""

    # ------------------------------------------------------------------ the cascade

    def cascade(self, books: Books, book: cython.pointer[Book]) -> None:
        """After a command that may trade: let waiting orders enter until no more of them can."""
        more: cython.pointer[VenueBook] = book.venue
        if more.waiting != 0:
            self._trigger_stops(books, book)
            whole: u32 = self._next_whole(books, book)
            while whole != NIL:
                self._makers_for(books, book, whole, True)
                self.enter_waiting(books, book, whole)
                self._trigger_stops(books, book)
                whole = self._next_whole(books, book)
        more.traded = 0

    def _trigger_stops(self, books: Books, book: cython.pointer[Book]) -> None:
        """Let stop orders enter, one at a time, until no trade triggers any more or a price range ends the phase."""
        if book.has_last:
            # Stop orders that were entered or moved since the last trade are compared with it too.
            self.note_trade(book, book.last_price)
        slot: u32 = self._next_triggered(books, book)
        while slot != NIL:
            self.enter_waiting(books, book, slot)
            slot = self._next_triggered(books, book)
        book.venue.traded = 0

    def _next_triggered(self, books: Books, book: cython.pointer[Book]) -> u32:
        """The first stop order that the trades of this command, or the best quotes now, trigger. NIL for none."""
        if not book.rule.matches:
            return NIL
        side: u32
        for side in range(BID, ASK + 1):
            ladder: cython.pointer[Ladder] = cython.address(book.venue.stops[side - 1])
            if ladder.best != NIL and self._is_triggered(book, side, key_of(3 - side, ladder.best_key)):
                return books.levels[ladder.best].head
        return NIL

    def _is_triggered(self, book: cython.pointer[Book], side: u32, trigger_price: i64) -> cython.bint:
        """Has a trade of this command, or does the best quote, reach the trigger price of a stop order that waits?"""
        more: cython.pointer[VenueBook] = book.venue
        if more.rule.stop_trigger == BEST_QUOTE:
            return self.is_reached(book, side, trigger_price)
        if not more.traded:
            return False
        return trigger_price <= more.highest if side == BID else trigger_price >= more.lowest

    def is_reached(self, book: cython.pointer[Book], side: u32, trigger_price: i64) -> cython.bint:
        """Has the last trade, or the best quote, reached a trigger price?"""
        price: i64 = book.last_price
        if book.venue.rule.stop_trigger == BEST_QUOTE:
            makers: cython.pointer[Ladder] = cython.address(book.ladders[2 - side])
            if makers.best == NIL:
                return True
            price = key_of(3 - side, makers.best_key)
        elif not book.has_last:
            return False
        return price >= trigger_price if side == BID else price <= trigger_price

    def enter_waiting(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """A waiting order becomes one that the market sees: it trades, rests, or is cancelled."""
        self.leave(books, book, slot)
        self.begin(books, book, slot)
        kind: u32 = books.cold[slot].order_type
        if kind == STOP or kind == STOP_LIMIT:
            self._convert_stop(books, book, slot)
        left: u64 = books.orders[slot].remaining
        hidden: u64 = books.extras[slot].hidden
        self.report_order(books, book, TRIGGERED, slot, left, self.entry_reason(books, book, slot), hidden)
        self.execute_order(books, book, slot)

    def _convert_stop(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """A stop order becomes a limit or market order."""
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        cold: cython.pointer[OrderCold] = cython.address(books.cold[slot])
        if cold.order_type == STOP and extra.protection == 0:
            cold.order_type = MARKET
        else:
            if cold.order_type == STOP:
                side: u32 = self.side_of(books, slot)
                extra.price = self.protected(books, book, side, extra.trigger_price, extra.protection)
            cold.order_type = LIMIT
        extra.trigger_price = 0
        extra.protection = 0

    def protected(self, books: Books, book: cython.pointer[Book], side: u32, price: i64, points: u32) -> i64:
        """The limit so many ticks worse than a price, at most the end of the price band."""
        end: i64 = books._band_end(book, side)
        return min(plus(price, points), end) if side == BID else max(minus(price, points), end)

    # ------------------------------------------------------------------ all-or-none orders

    def _next_whole(self, books: Books, book: cython.pointer[Book]) -> u32:
        """The first all-or-none order that can trade whole, NIL for none: better prices first, then by entry."""
        if not book.rule.matches:
            return NIL
        side: u32
        for side in range(BID, ASK + 1):
            ladder: cython.pointer[Ladder] = cython.address(book.venue.whole[side - 1])
            level: u32 = ladder.best
            while level != NIL:
                slot: u32 = books.levels[level].head
                while slot != NIL:
                    if self._makers_for(books, book, slot, False):
                        return slot
                    slot = books.orders[slot].next
                level = books.level_behind(ladder, level)
        return NIL

    def _makers_for(self, books: Books, book: cython.pointer[Book], slot: u32, show: cython.bint) -> cython.bint:
        """Can an all-or-none order trade whole? ``show``: it can, so let all-or-none orders that it needs rest."""
        side: u32 = self.side_of(books, slot)
        resting: cython.pointer[Ladder] = cython.address(book.ladders[2 - side])
        waiting: cython.pointer[Ladder] = cython.address(book.venue.whole[2 - side])
        limit: i64 = ~key_of(side, self.price_of(books, slot))
        low: i64 = self.range_low(book)
        high: i64 = self.range_high(book)
        left: u64 = books.orders[slot].remaining
        rests: u32 = resting.best
        waits: u32 = waiting.best
        while rests != NIL or waits != NIL:
            here: u32 = NIL  # the levels at the better of the two prices
            there: u32 = NIL
            if waits == NIL or (rests != NIL and books.levels[rests].key >= books.levels[waits].key):
                here = rests
            if rests == NIL or (waits != NIL and books.levels[waits].key >= books.levels[rests].key):
                there = waits
            key: i64 = books.levels[here if here != NIL else there].key
            price: i64 = key_of(3 - side, key)
            if key < limit or price < low or price > high:
                return False
            if here != NIL:
                rests = books.level_behind(resting, here)
                left = self._whole_at(books, book, slot, books.levels[here].head, left, False)
            if left != 0 and there != NIL and left != cython.cast(u64, -1):
                waits = books.level_behind(waiting, there)
                left = self._whole_at(books, book, slot, books.levels[there].head, left, show)
            if left == 0 or left == cython.cast(u64, -1):
                return left == 0
        return False

    def _whole_at(
        self, books: Books, book: cython.pointer[Book], slot: u32, maker: u32, left: u64, show: cython.bint
    ) -> u64:
        """What is missing of an all-or-none order behind a queue from ``maker`` on.

        The largest number if it cannot trade past an order of its owner.
        """
        waits: cython.bint = self.waits(books, maker)
        while maker != NIL and left != 0:
            behind: u32 = books.orders[maker].next
            size: u64 = books.orders[maker].remaining
            if self.mode_of(books, book, slot, maker) != OFF:
                return cython.cast(u64, -1)
            if not waits or size <= left:
                left -= min(left, size)
                if show:
                    self._show(books, book, maker)
            maker = behind
        return left

    def _show(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Let an all-or-none order rest, for the order that takes it at once."""
        self.leave(books, book, slot)
        self.hide(books, book, slot, 0)
        self.report_order(books, book, TRIGGERED, slot, books.orders[slot].remaining, NONE, 0)
        self.rest(books, book, slot)
