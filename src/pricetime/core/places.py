"""Where orders rest and wait, and how they come and go.

An order is in one *place*: at a level, among the market orders of a call phase, or waiting unseen: for its trigger
price, for an auction, or to trade whole. Each place has a level or a queue, which is a level without a price, for each
side. All of an order that waits is hidden.

An order that trades is in no place. Its level is then the queue of market orders of its side, which does not have it:
so the functions that say its side and price hold for it too.

An order with other than plain terms, or in a place other than a level, is *special*: it has extras (``OrderExtra``) and
an entry number, and its book is ruled while it has one. Extras of all other orders, and of free slots, are 0.
"""

from __future__ import annotations

import cython

if not cython.compiled:  # the compiled form cimports them in places.pxd
    from pricetime.core.book import Books, Rules, key_of
    from pricetime.core.layout import *


@cython.cclass
class Places(Rules):
    """The primitives on which the rules are built."""

    # ------------------------------------------------------------------ where an order is

    def place_of(self, books: Books, slot: u32) -> u32:
        """The place of an order; IN_CALL for one that is in none."""
        return books.levels[books.orders[slot].level].place

    def side_of(self, books: Books, slot: u32) -> u32:
        """The side of an order."""
        return books.levels[books.orders[slot].level].side

    def waits(self, books: Books, slot: u32) -> cython.bint:
        """Does an order wait unseen?"""
        return self.place_of(books, slot) >= AT_TRIGGER

    def is_for_auction(self, books: Books, slot: u32) -> cython.bint:
        """Is an order for one auction, so that its remainder is cancelled after it?"""
        instructions: u32 = books.cold[slot].instructions
        return books.cold[slot].time_in_force == GFA or instructions & (AT_THE_OPEN | AT_THE_CLOSE) != 0

    def price_of(self, books: Books, slot: u32) -> i64:
        """The price of an order, 0 if it names none."""
        level: cython.pointer[Level] = cython.address(books.levels[books.orders[slot].level])
        if level.place == AT_LEVEL or level.place == FOR_WHOLE:
            return key_of(level.side, level.key)
        return books.extras[slot].price

    def ladder_of(self, book: cython.pointer[Book], place: u32, side: u32) -> cython.pointer[Ladder]:
        """The levels of a place, NULL if it is a queue."""
        if place == AT_LEVEL:
            return cython.address(book.ladders[side - 1])
        if place == AT_TRIGGER:
            return cython.address(book.venue.stops[side - 1])
        if place == FOR_WHOLE:
            return cython.address(book.venue.whole[side - 1])
        return cython.NULL

    def queue_of(self, book: cython.pointer[Book], place: u32, side: u32) -> u32:
        """The queue of a place without levels."""
        first: u32 = 0 if place == IN_CALL else 2 if place == FOR_OPEN else 4
        return book.venue.queues[first + side - 1]

    # ------------------------------------------------------------------ orders come and go

    def take_off(self, books: Books, book: cython.pointer[Book], slot: u32, side: u32, price: i64) -> None:
        """Let an order be in no place, with this side and price."""
        books.orders[slot].level = self.queue_of(book, IN_CALL, side)
        books.extras[slot].price = price

    def join(self, books: Books, book: cython.pointer[Book], slot: u32, place: u32, key: i64) -> None:
        """Put an order, which is in no place, at the back of a level or queue, and of its owner's list.

        ``key``: of its level, ignored for a queue. Its hidden lots are those of its extras; all of one that waits. A
        special one gets an entry number, and its id enters the table if it is not there.
        """
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        side: u32 = self.side_of(books, slot)
        if extra.unnamed:
            extra.unnamed = 0
            order_id: u64 = books.orders[slot].id
            books._name(book, books._position(book, order_id), order_id, slot)
        ladder: cython.pointer[Ladder] = self.ladder_of(book, place, side)
        level: u32 = self.queue_of(book, place, side)
        if ladder:
            level = self._level_for(books, ladder, place, side, key)
        if place == AT_LEVEL or place == FOR_WHOLE:
            extra.price = 0
        books._append(book, level, slot)
        time: u32 = books.cold[slot].time_in_force
        for_auction: cython.bint = self.is_for_auction(books, slot)
        if place == AT_LEVEL and extra.display == 0 and time != DAY and time != GTD and not for_auction:
            return
        more: cython.pointer[VenueBook] = book.venue
        more.special += 1
        extra.special = 1
        extra.cancels = books.cancels
        books.unlevelled += place != AT_LEVEL
        if place >= AT_TRIGGER:
            extra.hidden = books.orders[slot].remaining
            more.waiting += 1
        elif place == AT_LEVEL:
            books.hidden[level] += extra.hidden
            more.for_auction += for_auction
        books.refreshes += self.refreshes_left(books, book, slot)
        self._enter(books, book, slot)
        books.weigh(book)

    def _level_for(self, books: Books, ladder: cython.pointer[Ladder], place: u32, side: u32, key: i64) -> u32:
        """The level of a key, made if the side has none there. Those of waiting orders count apart."""
        count: u32 = books.level_count
        level: u32 = books.level_for(ladder, key, side)
        if books.level_count != count:
            books.hidden[level] = 0
            if place != AT_LEVEL:
                books.levels[level].place = place
                books.level_count -= 1
                books.waiting_levels += 1
        return level

    def _enter(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Give a special order the next entry number, and its place among the orders that end."""
        book.venue.entries += 1
        books.extras[slot].entered = book.venue.entries
        self.date(books, book, slot)

    def leave(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Take an order out of its place and its owner's list. It keeps its slot, id, side, price and terms."""
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        level: cython.pointer[Level] = cython.address(books.levels[order.level])
        place: u32 = level.place
        if extra.special:
            self.forget(books, book, slot, place)
            books.weigh(book)
        if order.owner != 0:
            books._leave_owner(slot)
        side: u32 = level.side
        price: i64 = self.price_of(books, slot)
        self._unlink(books, book, place, side, slot)
        self.take_off(books, book, slot, side, price)

    def forget(self, books: Books, book: cython.pointer[Book], slot: u32, place: u32) -> None:
        """Take an order that leaves its place out of all that counts special orders."""
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        books.refreshes -= self.refreshes_left(books, book, slot)
        if place == AT_LEVEL:
            books.hidden[books.orders[slot].level] -= extra.hidden
            if book.venue.for_auction != 0:
                book.venue.for_auction -= self.is_for_auction(books, slot)
        elif place >= AT_TRIGGER:
            book.venue.waiting -= 1
        books.unlevelled -= place != AT_LEVEL
        self.undate(books, book, slot)
        extra.special = 0
        extra.entered = extra.cancels = 0
        book.venue.special -= 1

    def _unlink(self, books: Books, book: cython.pointer[Book], place: u32, side: u32, slot: u32) -> None:
        """Take an order out of its level or queue."""
        ladder: cython.pointer[Ladder] = self.ladder_of(book, place, side)
        if ladder:
            before: u32 = books.level_count
            books._unlink(ladder, slot)
            if place != AT_LEVEL and books.level_count != before:
                books.level_count += 1
                books.waiting_levels -= 1
            return
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        queue: cython.pointer[Level] = cython.address(books.levels[order.level])
        queue.count -= 1
        queue.quantity -= order.remaining
        if order.prev == NIL:
            queue.head = order.next
        else:
            books.orders[order.prev].next = order.next
        if order.next == NIL:
            queue.tail = order.prev
        else:
            books.orders[order.next].prev = order.prev

    def remove(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Remove an order that is in a place from the book."""
        self.leave(books, book, slot)
        self.discard(books, book, slot)

    def remove_all(self, books: Books) -> None:
        """Remove the orders of all books."""
        index: u32
        for index in range(books.book_count):
            self._remove_from(books, cython.address(books.books[index]))

    def _remove_from(self, books: Books, book: cython.pointer[Book]) -> None:
        """Remove the orders of a book."""
        place: u32
        side: u32
        for place in range(AT_LEVEL, FOR_WHOLE + 1):
            for side in range(BID, ASK + 1):
                ladder: cython.pointer[Ladder] = self.ladder_of(book, place, side)
                level: u32 = ladder.best if ladder else self.queue_of(book, place, side)
                while level != NIL and books.levels[level].count != 0:
                    slot: u32 = books.levels[level].head
                    if book.venue.special == 0:
                        books._remove(book, slot, books._position(book, books.orders[slot].id))
                    else:
                        self.remove(books, book, slot)
                    level = ladder.best if ladder else level

    def discard(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Free the slot of an order that is in no place, and its id."""
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        if not extra.unnamed:
            books._erase(book, books._position(book, books.orders[slot].id))
        self.clear(books, slot)
        extra.unnamed = 0
        books._free_slot(book, slot)

    def clear(self, books: Books, slot: u32) -> None:
        """Clear what the terms of an order in no place may have set, so that it can be a plain one."""
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        extra.price = extra.trigger_price = 0
        extra.display = extra.hidden = extra.expiry_ns = extra.filled = 0
        extra.protection = 0

    def to_the_back(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Move an order to the back of its level, and of its owner's list: it gets a new entry number."""
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        level: cython.pointer[Level] = cython.address(books.levels[order.level])
        place: u32 = level.place
        key: i64 = level.key
        self.leave(books, book, slot)
        self.join(books, book, slot, place, key)

    # ------------------------------------------------------------------ lots of an order

    def hide(self, books: Books, book: cython.pointer[Book], slot: u32, hidden: u64) -> None:
        """Set the hidden lots of an order that rests at a level or is in no place."""
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        if not extra.special:
            extra.hidden = hidden
        else:
            books.refreshes -= self.refreshes_left(books, book, slot)
            books.hidden[books.orders[slot].level] += hidden - extra.hidden
            extra.hidden = hidden
            books.refreshes += self.refreshes_left(books, book, slot)

    def take(self, books: Books, book: cython.pointer[Book], slot: u32, quantity: u64, hidden: u64) -> None:
        """Take lots off an order in a place, ``hidden`` of them not displayed, and remove it if none are left."""
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        if quantity == order.remaining:
            self.remove(books, book, slot)
            return
        level: cython.pointer[Level] = cython.address(books.levels[order.level])
        if level.place >= AT_TRIGGER:
            books.refreshes -= self.refreshes_left(books, book, slot)
            order.remaining -= quantity
            books.extras[slot].hidden = order.remaining
            books.refreshes += self.refreshes_left(books, book, slot)
        else:
            order.remaining -= quantity
            if hidden != 0:
                self.hide(books, book, slot, books.extras[slot].hidden - hidden)
        level.quantity -= quantity

    def cut(self, books: Books, book: cython.pointer[Book], slot: u32, quantity: u64, kind: u32, reason: u32) -> None:
        """Report that lots are taken off an order without a trade, the hidden ones first, and take them.

        ``kind``: REDUCED, reported as CANCELLED if nothing is left and it was not the owner who reduced it.
        """
        hidden: u64 = min(books.extras[slot].hidden, quantity)
        if kind == REDUCED and reason != NONE and quantity == books.orders[slot].remaining:
            kind = CANCELLED
        self.report_order(books, book, kind, slot, quantity, reason, hidden)
        self.take(books, book, slot, quantity, hidden)

    def end(self, books: Books, book: cython.pointer[Book], slot: u32, kind: u32, reason: u32) -> None:
        self.cut(books, book, slot, books.orders[slot].remaining, kind, reason)

    # ------------------------------------------------------------------ slices of icebergs

    def refreshes(self, book: cython.pointer[Book], quantity: u64, display: u64) -> u64:
        """How often an order of this quantity can be refreshed: that many lots at least trade between two refreshes."""
        if display == 0 or quantity <= display:
            return 0
        least: u64 = max(book.venue.rule.minimum_display, cython.cast(u64, 1))
        between: u64 = display - min(least, display) + 1
        return (quantity - display + between - 1) // between

    def refreshes_left(self, books: Books, book: cython.pointer[Book], slot: u32) -> u64:
        """How often an order in a place can still be refreshed; one that waits has yet to begin its first slice."""
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        if extra.display == 0:
            return 0
        if self.waits(books, slot):
            return self.refreshes(book, books.orders[slot].remaining, extra.display)
        return self.refreshes(book, extra.hidden + extra.display, extra.display)

    # ------------------------------------------------------------------ orders that end

    def date(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Put a special order, which has its entry number, among the orders that end: see ``expiry.py``."""

    def undate(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Take a special order out of the orders that end."""

    # ------------------------------------------------------------------ reports

    def report_order(
        self,
        books: Books,
        book: cython.pointer[Book],
        kind: u32,
        slot: u32,
        quantity: u64,
        reason: u32,
        maker_id: u64,
    ) -> None:
        """Report something about an order, at its price."""
        order_id: u64 = books.orders[slot].id
        books._refer(slot)
        price: i64 = self.price_of(books, slot)
        books._report(book.instrument, kind, self.side_of(books, slot), reason, order_id, maker_id, price, quantity)
