"""Call phases: orders are collected without matching, and an uncross trades all that can at one price."""

from __future__ import annotations

import cython

if not cython.compiled:  # the compiled form cimports them in call.pxd
    from pricetime.core.auction import Auction
    from pricetime.core.book import Books
    from pricetime.core.layout import *
    from pricetime.native.bits import prefetch
    from pricetime.native.integers import u128


@cython.cclass
class Calls(Auction):
    """A book with auctions."""

    # ------------------------------------------------------------------ phases

    def begin_phase(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        if c.flags >= books.phase_count:
            books._reject(c, INVALID_PHASE)
        elif books.phases[c.flags].matches and book.venue.collecting:
            books._reject(c, MUST_UNCROSS)
        else:
            self._enter_phase(books, book, c.flags)
            self._note_row(book, c)
            self.cascade(books, book)

    def _note_row(self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """A command that begins a phase says when its row of the schedule was due. One of the operator, which does not,
        takes the place of the rows before it."""
        more: cython.pointer[VenueBook] = book.venue
        if c.quantity != 0:
            more.scheduled_ns = max(more.scheduled_ns, c.quantity)
        elif more.scheduled_ns != 0:
            more.scheduled_ns = max(more.scheduled_ns, c.timestamp)

    def _enter_phase(self, books: Books, book: cython.pointer[Book], phase: u32) -> None:
        """Begin a phase, which orders that waited for it join in order of entry."""
        self.change_phase(books, book, phase, NONE)
        if book.rule.auction == 0:
            return
        place: u32 = FOR_OPEN if book.rule.auction == AT_THE_OPEN else FOR_CLOSE
        bids: cython.pointer[Level] = cython.address(books.levels[self.queue_of(book, place, BID)])
        asks: cython.pointer[Level] = cython.address(books.levels[self.queue_of(book, place, ASK)])
        while bids.head != NIL or asks.head != NIL:
            slot: u32 = bids.head
            if slot == NIL or (asks.head != NIL and books.extras[asks.head].entered < books.extras[slot].entered):
                slot = asks.head
            self.enter_waiting(books, book, slot)

    # ------------------------------------------------------------------ the price

    def indicate(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        if not book.rule.collects:
            books._reject(c, NOT_IN_PHASE)
            return
        self.find_price(books, book)
        self._report_auction(books, book, INDICATIVE)

    def _report_auction(self, books: Books, book: cython.pointer[Book], kind: u32) -> None:
        """Report where the auction trades, with its surplus. Numbers beyond 64 bits are reported as the largest."""
        if not self.found:
            books._report(book.instrument, kind, 0, NO_AUCTION_PRICE, 0, 0, 0, 0)
            self._keep_indication(book, kind, 0, 0, 0, 0)
            return
        surplus: u64 = narrowed(self.surplus)
        volume: u64 = narrowed(self.volume)
        books._report(book.instrument, kind, self.surplus_side, NONE, 0, surplus, self.price, volume)
        self._keep_indication(book, kind, self.surplus_side, surplus, self.price, volume)

    def _keep_indication(
        self, book: cython.pointer[Book], kind: u32, side: u32, surplus: u64, price: i64, quantity: u64
    ) -> None:
        """Keep the last report about an auction, for subscribers that join later."""
        kept: cython.pointer[Indication] = cython.address(book.venue.indication)
        kept.price = price
        kept.quantity = quantity
        kept.surplus = surplus
        kept.side = side
        kept.kind = kind
        kept.priced = self.found

    # ------------------------------------------------------------------ the uncross

    def uncross(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        if not book.rule.collects:
            books._reject(c, NOT_IN_PHASE)
            return
        if c.flags >= books.phase_count:
            books._reject(c, INVALID_PHASE)
            return
        self.find_price(books, book)
        while self.first != NIL:  # again after they entered: one may have found no level
            self._enter_stops(books, book)
            self.find_price(books, book)
        self._report_auction(books, book, UNCROSSED)
        if self.found:
            self._trade_at(books, book)
            book.venue.reference = self.price
            book.venue.has_reference = 1
        side: u32
        for side in range(BID, ASK + 1):
            self._clear_queue(books, book, side)
            self._clear_levels(books, book, side)
        book.venue.collecting = 0
        self._enter_phase(books, book, c.flags)
        self._note_row(book, c)
        self.cascade(books, book)

    def _enter_stops(self, books: Books, book: cython.pointer[Book]) -> None:
        """Let the stop orders that take part enter, in the order in which they were triggered."""
        slot: u32 = self.first
        while slot != NIL:
            behind: u32 = self.next_stop(slot)
            self.enter_waiting(books, book, slot)
            slot = behind

    def _trade_at(self, books: Books, book: cython.pointer[Book]) -> None:
        """Every trade at one price, by priority on both sides."""
        left: u128 = self.volume
        price: i64 = self.price
        buyer: u32 = self._first(books, book, BID)
        seller: u32 = self._first(books, book, ASK)
        while left != 0:
            size: u64 = min(books.orders[buyer].remaining, books.orders[seller].remaining)
            left -= size
            buyer_id: u64 = books.orders[buyer].id
            seller_id: u64 = books.orders[seller].id
            books._refer_pair(buyer, seller)
            books._report(book.instrument, AUCTION_TRADE, 0, NONE, buyer_id, seller_id, price, size)
            buyer = self._fill_in_auction(books, book, BID, buyer, size)
            seller = self._fill_in_auction(books, book, ASK, seller, size)
        self.note_trade(book, price)
        self._refresh_first(books, book, BID)
        self._refresh_first(books, book, ASK)

    def _first(self, books: Books, book: cython.pointer[Book], side: u32) -> u32:
        """The order of a side that trades next, NIL for none: market orders, better prices, time."""
        slot: u32 = books.levels[self.queue_of(book, IN_CALL, side)].head
        best: u32 = book.ladders[side - 1].best
        return slot if slot != NIL or best == NIL else books.levels[best].head

    def _fill_in_auction(self, books: Books, book: cython.pointer[Book], side: u32, slot: u32, size: u64) -> u32:
        """Take lots that trade off the first order of a side: what an iceberg displays goes first.

        Returns the order that trades next. What the orders behind it will touch is prefetched.
        """
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        if size != order.remaining:
            shown: u64 = self.shown(books, slot)
            self.fill(books, book, slot, size)
            self.take(books, book, slot, size, size - shown if size > shown else 0)
            return slot
        behind: u32 = order.next
        further: u32 = books.orders[behind].next
        prefetch(cython.address(books.orders[further]))
        prefetch(cython.address(books.extras[further]))
        prefetch(cython.address(books.extras[further].later))
        prefetch(cython.address(books.owner_links[further]))
        prefetch(cython.address(book.ids[books._home_of(book, books.orders[behind].id)]))
        prefetch(cython.address(books.extras[books.extras[behind].later].earlier))
        prefetch(cython.address(books.extras[books.extras[behind].earlier].later))
        prefetch(cython.address(books.owner_links[books.owner_links[behind].next]))
        prefetch(cython.address(books.owner_links[books.owner_links[behind].prev]))
        self._remove_first(books, book, slot)
        return behind if behind != NIL else self._first(books, book, side)

    def _remove_first(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """``remove`` for the first order of a level or queue, in fewer steps."""
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        number: u32 = order.level
        level: cython.pointer[Level] = cython.address(books.levels[number])
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        if extra.special:
            self.forget(books, book, slot, level.place)
            self.clear(books, slot)
        extra.filled = 0
        if order.owner != 0:
            books._leave_owner(slot)
        books._erase(book, books._position(book, order.id))
        level.count -= 1
        level.quantity -= order.remaining
        level.head = order.next
        if order.next != NIL:
            books.orders[order.next].prev = NIL
        elif level.place == AT_LEVEL:
            books._drop_level(cython.address(book.ladders[level.side - 1]), number)
        else:
            level.tail = NIL
        books._free_slot(book, slot)

    def _refresh_first(self, books: Books, book: cython.pointer[Book], side: u32) -> None:
        """Display the next slice of the order that would trade next, if its slice is used up."""
        slot: u32 = self._first(books, book, side)
        if slot != NIL and self.is_due(books, book, slot):
            self.refresh(books, book, slot)

    # ------------------------------------------------------------------ after the trades

    def _clear_queue(self, books: Books, book: cython.pointer[Book], side: u32) -> None:
        """Market orders are cancelled. A market-to-limit order becomes a limit order at the auction price."""
        queue: cython.pointer[Level] = cython.address(books.levels[self.queue_of(book, IN_CALL, side)])
        while queue.head != NIL:
            slot: u32 = queue.head
            if books.cold[slot].order_type == MARKET:
                self.end(books, book, slot, CANCELLED, MARKET_REMAINDER)
            elif not self.found or self.is_for_auction(books, slot):
                self.end(books, book, slot, CANCELLED, AUCTION_REMAINDER)
            else:
                self.leave(books, book, slot)
                books.cold[slot].order_type = LIMIT
                books.extras[slot].price = self.price
                left: u64 = books.orders[slot].remaining
                self.report_order(books, book, REPLACED, slot, left, PRICED, books.orders[slot].id)
                self.rest(books, book, slot)

    def _clear_levels(self, books: Books, book: cython.pointer[Book], side: u32) -> None:
        """Cancel the limit orders of a side that were for this auction only."""
        ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
        level: u32 = ladder.best
        while level != NIL and book.venue.for_auction != 0:
            worse: u32 = books.level_behind(ladder, level)
            slot: u32 = books.levels[level].head
            while slot != NIL:
                behind: u32 = books.orders[slot].next
                if self.is_for_auction(books, slot):
                    self.end(books, book, slot, CANCELLED, AUCTION_REMAINDER)
                slot = behind
            level = worse


def narrowed(lots: u128) -> u64:
    """A number of lots, the largest of 64 bits if it is above."""
    return cython.cast(u64, lots) if lots >> 64 == 0 else cython.cast(u64, -1)
