"""Orders that end at a time or with the day, and prices that a command sets.

GTD orders are in a heap of each book, by expiry time and entry number. So the next one that ends is found at once, and
an order that is cancelled leaves in a few steps. Each entry has 4 entries below it, and keeps the fields that the heap
compares. DAY orders are in a list in order of entry.
"""

from __future__ import annotations

import cython

if not cython.compiled:  # the compiled form cimports them in expiry.pxd
    from pricetime.core.book import Books
    from pricetime.core.call import Calls
    from pricetime.core.layout import *
    from pricetime.native.bits import prefetch


@cython.cclass
class Expiry(Calls):
    """A book in which orders end."""

    def expire(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """End what has expired at the time in ``quantity``, at most ``tag`` orders; the report says if there are more.

        By expiry time and entry number; in phase CLOSED then the orders for the day, by entry number.
        """
        most: u64 = c.tag if c.tag != 0 else cython.cast(u64, -1)
        ended: u64 = 0
        part: u32 = 1
        while part != 0:
            part = self._take_out(books, book, c.quantity, min(most - ended, cython.cast(u64, TOGETHER)))
            self._end_together(books, book, part)
            ended += part
        while has_due(book, c.quantity) and ended < most:
            prefetch(cython.address(books.extras[books.extras[book.venue.first_day].later]))
            self.end(books, book, book.venue.first_day, EXPIRED, DAY_ENDED)
            ended += 1
        more: u32 = UNFINISHED if has_due(book, c.quantity) else NONE
        books._report(c.instrument, EXPIRY_DONE, 0, more, c.order_id, 0, 0, ended)
        self.cascade(books, book)

    def _take_out(self, books: Books, book: cython.pointer[Book], now_ns: u64, most: u64) -> u32:
        """Take orders that end at a time out of the heap: how many. The entries behind it keep them, last one first.

        Meanwhile the processor loads the fields of all of them.
        """
        heap: cython.pointer[Expiring] = book.venue.heap
        count: u32 = 0
        while count < most and book.venue.heap_count != 0 and heap[1].expiry_ns <= now_ns:
            slot: u32 = heap[1].slot
            prefetch(cython.address(books.orders[slot]))
            prefetch(cython.address(books.extras[slot]))
            prefetch(cython.address(books.extras[slot].special))
            prefetch(cython.address(books.cold[slot]))
            prefetch(cython.address(books.owner_links[slot]))
            self._leave_heap(books, book, slot)
            heap[book.venue.heap_count + 1].slot = slot
            count += 1
        return count

    def _end_together(self, books: Books, book: cython.pointer[Book], count: u32) -> None:
        """End the orders that were taken out of the heap: see ``_take_out``."""
        behind: u32 = book.venue.heap_count
        i: u32
        for i in range(count):
            slot: u32 = book.venue.heap[behind + count - i].slot
            prefetch(cython.address(book.ids[books._home_of(book, books.orders[slot].id)]))
            prefetch(cython.address(books.levels[books.orders[slot].level]))
            prefetch(cython.address(books.hidden[books.orders[slot].level]))
            prefetch(cython.address(books.orders[books.orders[slot].prev]))
            prefetch(cython.address(books.orders[books.orders[slot].next]))
            prefetch(cython.address(books.owner_links[books.owner_links[slot].prev]))
            prefetch(cython.address(books.owner_links[books.owner_links[slot].next]))
        for i in range(count):
            self.end(books, book, book.venue.heap[behind + count - i].slot, EXPIRED, EXPIRY_REACHED)

    # ------------------------------------------------------------------ orders that can end

    def date(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        if books.cold[slot].time_in_force == GTD:
            book.venue.heap_count += 1
            self._put(books, book.venue.heap, slot, book.venue.heap_count)
            self._sift_up(books, book.venue.heap, book.venue.heap_count)
        elif books.cold[slot].time_in_force == DAY:
            self._append_day(books, book, slot)

    def undate(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        if extra.heap != 0:
            self._leave_heap(books, book, slot)
        elif extra.later != NIL or extra.earlier != NIL or book.venue.first_day == slot:
            self._leave_day(books, book, slot)

    def _append_day(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        more: cython.pointer[VenueBook] = book.venue
        books.extras[slot].later = NIL
        books.extras[slot].earlier = more.last_day
        if more.last_day == NIL:
            more.first_day = slot
        else:
            books.extras[more.last_day].later = slot
        more.last_day = slot

    def _leave_day(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        more: cython.pointer[VenueBook] = book.venue
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        if extra.earlier == NIL:
            more.first_day = extra.later
        else:
            books.extras[extra.earlier].later = extra.later
        if extra.later == NIL:
            more.last_day = extra.earlier
        else:
            books.extras[extra.later].earlier = extra.earlier
        extra.later = extra.earlier = NIL

    # ------------------------------------------------------------------ the heap

    def _ends_before(self, one: cython.pointer[Expiring], two: cython.pointer[Expiring]) -> cython.bint:
        """Does an order end before a different one?"""
        if one.expiry_ns != two.expiry_ns:
            return one.expiry_ns < two.expiry_ns
        return one.entered < two.entered

    def _move(self, books: Books, heap: cython.pointer[Expiring], position: u64, new: u64) -> None:
        """Move an entry of the heap."""
        heap[new].expiry_ns = heap[position].expiry_ns
        heap[new].entered = heap[position].entered
        heap[new].slot = heap[position].slot
        books.extras[heap[new].slot].heap = cython.cast(u32, new)

    def _put(self, books: Books, heap: cython.pointer[Expiring], slot: u32, position: u64) -> None:
        heap[position].expiry_ns = books.extras[slot].expiry_ns
        heap[position].entered = books.extras[slot].entered
        heap[position].slot = slot
        books.extras[slot].heap = cython.cast(u32, position)

    def _sift_up(self, books: Books, heap: cython.pointer[Expiring], position: u64) -> None:
        """Move an entry up until it ends after the one above it. It is in position 0 while others move."""
        self._move(books, heap, position, 0)
        while position > 1 and self._ends_before(cython.address(heap[0]), cython.address(heap[(position + 2) // 4])):
            self._move(books, heap, (position + 2) // 4, position)
            position = (position + 2) // 4
        self._move(books, heap, 0, position)

    def _sift_down(self, books: Books, heap: cython.pointer[Expiring], position: u64, count: u64) -> None:
        """Move an entry down until those below it end after it. It is in position 0 while others move."""
        self._move(books, heap, position, 0)
        child: u64 = 4 * position - 2
        while child <= count:
            first: u64 = child
            other: u64
            if 4 * child + 13 <= count:  # what the next step compares
                for other in range(4 * child - 2, 4 * child + 14, 2):
                    prefetch(cython.address(heap[other]))
            for other in range(child + 1, min(child + 3, count) + 1):
                if self._ends_before(cython.address(heap[other]), cython.address(heap[first])):
                    first = other
            if not self._ends_before(cython.address(heap[first]), cython.address(heap[0])):
                break
            self._move(books, heap, first, position)
            position = first
            child = 4 * position - 2
        self._move(books, heap, 0, position)

    def _leave_heap(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        """Take an order out of the heap: the last one fills its position."""
        heap: cython.pointer[Expiring] = book.venue.heap
        position: u64 = books.extras[slot].heap
        last: u64 = book.venue.heap_count
        book.venue.heap_count -= 1
        books.extras[slot].heap = 0
        if position == last:
            return
        self._move(books, heap, last, position)
        if position > 1 and self._ends_before(
            cython.address(heap[position]), cython.address(heap[(position + 2) // 4])
        ):
            self._sift_up(books, heap, position)
        else:
            self._sift_down(books, heap, position, last - 1)

    # ------------------------------------------------------------------ prices

    def set_price(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """Set one price of the instrument. Orders that rest outside a new price band stay."""
        reason: u32 = self._refuse_price_of(book, c)
        if reason != NONE:
            books._reject(c, reason)
            return
        more: cython.pointer[VenueBook] = book.venue
        high: i64 = books._band_end(book, BID)
        if c.flags == REFERENCE:
            more.reference = c.price
            more.has_reference = 1
        elif c.flags == LAST:
            book.last_price = c.price
            book.has_last = 1
        elif c.flags == LOW:
            book.band = cython.cast(u64, cython.cast(u64, high) - cython.cast(u64, c.price))
            book.low_price = c.price
            more.low_set = 1
        else:
            book.band = cython.cast(u64, cython.cast(u64, c.price) - cython.cast(u64, book.low_price))
            more.high_set = 1
        if c.flags >= LOW:
            book.older_rules = 1
        books._report(book.instrument, PRICE_SET, 0, NONE, 0, 0, c.price, c.flags)
        self.cascade(books, book)

    def _refuse_price_of(self, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> u32:
        """Why a price cannot be set, NONE if it can."""
        if c.flags < REFERENCE or c.flags > HIGH:
            return MALFORMED
        if book.tick_size != 1 and c.price % cython.cast(i64, book.tick_size) != 0:
            return INVALID_PRICE
        if c.flags == LOW and c.price > cython.cast(i64, cython.cast(u64, book.low_price) + book.band):
            return INVALID_PRICE
        return INVALID_PRICE if c.flags == HIGH and c.price < book.low_price else NONE


def has_due(book: cython.pointer[Book], now_ns: u64) -> cython.bint:
    """Is there an order that ends at a time: a GTD order, or in phase CLOSED one for the day?"""
    more: cython.pointer[VenueBook] = book.venue
    if more.heap_count != 0 and more.heap[1].expiry_ns <= now_ns:
        return True
    return book.phase == CLOSED and more.first_day != NIL
