"""The price of an auction, over the levels of a book.

The rules are those of ``reference/auction.py``: the candidate with the most volume, of these the one with the smallest
surplus, then the end that the surplus presses to, otherwise the one nearest to the reference price.

Candidates are met from the highest price to the lowest. On the way down more lots buy and fewer sell, so two sums say
what could trade at each of them. Above the highest bid and below the lowest ask nothing can trade but market orders.
Sums have 128 bits: a side can have more than 2**64 lots.

Stop orders that take part (``cme``) stay where they wait: two lists of links say which ones do, in which order, and by
their limits. Only a book with such stop orders touches this memory.
"""

from __future__ import annotations

from typing import Any

import cython

from pricetime.native.arrays import Block

if not cython.compiled:  # the compiled form cimports them in auction.pxd
    from pricetime.core.book import Books, place_of
    from pricetime.core.layout import *
    from pricetime.core.waiting import Waiting
    from pricetime.native.bits import leading_zeros
    from pricetime.native.integers import i128, u128


@cython.cclass
class Auction(Waiting):
    """Where an auction would trade. Its numbers are those of the last book that was asked for."""

    if not cython.compiled:
        links: Any  # a compiled class has its fields before they are set
        distance: Any
        stops: Any
        market: Any
        _sorted: Any

    def __init__(self, slots: cython.size_t) -> None:
        """``slots``: of orders, 0 if no book lets stop orders take part. Raises MemoryError."""
        self.slots = slots
        self._memory = Block(2 * (slots + 1) * cython.sizeof(u32), "the stop orders of an auction")
        self.links = cython.cast(cython.pointer[u32], self._memory.memory)
        if not cython.compiled:
            self.stops, self.market, self._sorted = [0, 0], [0, 0], [0] * 32

    # ------------------------------------------------------------------ stop orders inside the auction

    def find_price(self, books: Books, book: cython.pointer[Book]) -> None:
        """Determine the price, once every stop order that it triggers takes part if the venue lets them.

        Afterwards ``first`` is the first of these; ``next_stop`` follows it.
        """
        self.first = self.last = self.stops[0] = self.stops[1] = NIL
        self.market[0] = self._lots_of_queue(books, book.venue.queues[0])
        self.market[1] = self._lots_of_queue(books, book.venue.queues[1])
        self._find_price(books, book)
        if not book.venue.rule.stops_inside:
            return
        self.buy_level = book.venue.stops[0].best
        self.sell_level = book.venue.stops[1].best
        while self.found and self._let_join(books, book):
            self._find_price(books, book)

    def next_stop(self, slot: u32) -> u32:
        """The stop order that takes part after this one, NIL after the last."""
        return self.links[self.slots + slot]

    def _let_join(self, books: Books, book: cython.pointer[Book]) -> cython.bint:
        """Let the stop orders take part that the price triggers: buys from the lowest trigger price, then sells.

        Returns whether there are any.
        """
        before: u32 = self.last
        stops: cython.pointer[Ladder] = cython.address(book.venue.stops[0])
        buys: u32 = NIL
        sells: u32 = NIL
        while self.buy_level != NIL and ~books.levels[self.buy_level].key <= self.price:
            buys = self._let_level_join(books, self.buy_level, buys)
            self.buy_level = books.level_behind(stops, self.buy_level)
        stops = cython.address(book.venue.stops[1])
        while self.sell_level != NIL and books.levels[self.sell_level].key >= self.price:
            sells = self._let_level_join(books, self.sell_level, sells)
            self.sell_level = books.level_behind(stops, self.sell_level)
        self.stops[0] = self._merge(books, book, self.stops[0], self._sort(books, book, buys))
        self.stops[1] = self._merge(books, book, self.stops[1], self._sort(books, book, sells))
        return self.last != before

    def _let_level_join(self, books: Books, level: u32, chain: u32) -> u32:
        """Let the orders of one trigger price take part, in their order. Those with a limit go before ``chain``."""
        side: u32 = books.levels[level].side
        slot: u32 = books.levels[level].head
        while slot != NIL:
            if self.last == NIL:
                self.first = slot
            else:
                self.links[self.slots + self.last] = slot
            self.last = slot
            self.links[self.slots + slot] = NIL
            if books.cold[slot].order_type == STOP and books.extras[slot].protection == 0:
                self.market[side - 1] += books.orders[slot].remaining
            else:
                self.links[slot] = chain
                chain = slot
            slot = books.orders[slot].next
        return chain

    def stop_limit(self, books: Books, book: cython.pointer[Book], slot: u32) -> i64:
        """The limit that a waiting stop order has once it is triggered, of one that has a limit then."""
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        if books.cold[slot].order_type == STOP_LIMIT:
            return extra.price
        return self.protected(books, book, self.side_of(books, slot), extra.trigger_price, extra.protection)

    def _sort(self, books: Books, book: cython.pointer[Book], chain: u32) -> u32:
        """Sort a chain of stop orders by limit, the highest first. O(orders log orders)."""
        runs: u32
        for runs in range(32):  # a sorted run of 2**i orders, or NIL
            self._sorted[runs] = NIL
        one: u32
        while chain != NIL:
            one = chain
            chain = self.links[one]
            self.links[one] = NIL
            runs = 0
            while self._sorted[runs] != NIL:
                one = self._merge(books, book, self._sorted[runs], one)
                self._sorted[runs] = NIL
                runs += 1
            self._sorted[runs] = one
        for runs in range(32):
            chain = self._merge(books, book, self._sorted[runs], chain)
        return chain

    def _merge(self, books: Books, book: cython.pointer[Book], one: u32, two: u32) -> u32:
        """Merge two chains that are sorted by limit, the highest first."""
        first: u32 = NIL
        last: u32 = NIL
        taken: u32
        while one != NIL or two != NIL:
            if two == NIL or (one != NIL and self.stop_limit(books, book, one) >= self.stop_limit(books, book, two)):
                taken = one
                one = self.links[one]
            else:
                taken = two
                two = self.links[two]
            if last == NIL:
                first = taken
            else:
                self.links[last] = taken
            last = taken
        return first

    # ------------------------------------------------------------------ the walk over the candidates

    def _find_price(self, books: Books, book: cython.pointer[Book]) -> None:
        """Determine the price with the stop orders that take part so far."""
        self.found = False
        self.volume = self.surplus = 0
        self.surplus_side = 0
        if not self._first_candidate(books, book):
            return
        above: i64 = 0
        tick: u64 = book.tick_size
        first: cython.bint = True
        while self.sellers != 0 and self._next_candidate(books, book):
            gap: u64 = cython.cast(u64, cython.cast(u64, above) - cython.cast(u64, self.candidate))
            if book.venue.rule.every_tick and not first and gap > tick:
                ticks: i64 = cython.cast(i64, tick)
                self._consider(book, self.candidate + ticks, above - ticks)
            self._buy_at(books, book)
            self._consider(book, self.candidate, self.candidate)
            self._sell_above(books, book)
            above = self.candidate
            first = False
        if self.found:
            self._settle(book)

    def _first_candidate(self, books: Books, book: cython.pointer[Book]) -> cython.bint:
        """Go to the highest price at which anything can trade. Returns whether there can be one."""
        bids: cython.pointer[Ladder] = cython.address(book.ladders[0])
        asks: cython.pointer[Ladder] = cython.address(book.ladders[1])
        self.bid, self.buy_stop = bids.best, self.stops[0]
        self.ask = self.sell_stop = NIL
        self.reference_next = False
        self.buyers, self.sellers = self.market[0], self.market[1]
        limits: cython.bint = self.bid != NIL or self.buy_stop != NIL
        top: i64 = cython.cast(i64, (cython.cast(u64, 1) << 63) - 1)
        if self.buyers == 0:
            if not limits:
                return False
            self._next_candidate(books, book)
            top = self.candidate
        level: u32 = asks.best
        while level != NIL and ~books.levels[level].key <= top:
            self.sellers += books.levels[level].quantity
            self.ask = level
            level = books.level_behind(asks, level)
        slot: u32 = self.stops[1]
        while slot != NIL:
            if self.sell_stop == NIL and self.stop_limit(books, book, slot) <= top:
                self.sell_stop = slot
            if self.sell_stop != NIL:
                self.sellers += books.orders[slot].remaining
            slot = self.links[slot]
        limits = limits or asks.best != NIL or self.stops[1] != NIL
        self.reference_next = book.venue.has_reference and (book.venue.rule.with_reference or not limits)
        self.reference_next = self.reference_next and book.venue.reference <= top
        return True

    def _next_candidate(self, books: Books, book: cython.pointer[Book]) -> cython.bint:
        """Go to the highest candidate that was not met yet. Returns whether there is one."""
        found: cython.bint = self.reference_next
        if found:
            self.candidate = book.venue.reference
        if self.bid != NIL and (not found or books.levels[self.bid].key > self.candidate):
            self.candidate = books.levels[self.bid].key
            found = True
        if self.ask != NIL and (not found or ~books.levels[self.ask].key > self.candidate):
            self.candidate = ~books.levels[self.ask].key
            found = True
        if self.buy_stop != NIL and (not found or self.stop_limit(books, book, self.buy_stop) > self.candidate):
            self.candidate = self.stop_limit(books, book, self.buy_stop)
            found = True
        if self.sell_stop != NIL and (not found or self.stop_limit(books, book, self.sell_stop) > self.candidate):
            self.candidate = self.stop_limit(books, book, self.sell_stop)
            found = True
        return found

    def _buy_at(self, books: Books, book: cython.pointer[Book]) -> None:
        """From the candidate down the buyers with this limit buy too."""
        if self.bid != NIL and books.levels[self.bid].key == self.candidate:
            self.buyers += books.levels[self.bid].quantity
            self.bid = books.level_behind(cython.address(book.ladders[0]), self.bid)
        while self.buy_stop != NIL and self.stop_limit(books, book, self.buy_stop) == self.candidate:
            self.buyers += books.orders[self.buy_stop].remaining
            self.buy_stop = self.links[self.buy_stop]

    def _sell_above(self, books: Books, book: cython.pointer[Book]) -> None:
        """Below the candidate the sellers with this limit sell no more."""
        if self.reference_next and book.venue.reference == self.candidate:
            self.reference_next = False
        if self.ask != NIL and ~books.levels[self.ask].key == self.candidate:
            self.sellers -= books.levels[self.ask].quantity
            self.ask = level_ahead(books, cython.address(book.ladders[1]), self.ask)
        while self.sell_stop != NIL and self.stop_limit(books, book, self.sell_stop) == self.candidate:
            self.sellers -= books.orders[self.sell_stop].remaining
            self.sell_stop = self.links[self.sell_stop]

    # ------------------------------------------------------------------ the best candidates

    def _consider(self, book: cython.pointer[Book], low: i64, high: i64) -> None:
        """Compare the candidates from low to high, which all have the same volume and surplus, with the best so far."""
        volume: u128 = self.buyers
        surplus: u128 = 0
        side: u32 = 0
        if self.buyers > self.sellers:
            volume, surplus, side = self.sellers, self.buyers - self.sellers, BID
        elif self.buyers < self.sellers:
            surplus, side = self.sellers - self.buyers, ASK
        if volume == 0 or volume < self.volume or (volume == self.volume and surplus > self.surplus):
            return
        if volume > self.volume or surplus < self.surplus:
            self.found = False
            self.volume, self.surplus = volume, surplus
            self.highest = high
            self.all_buy = self.all_sell = True
        self.lowest = low
        self.all_buy = self.all_buy and side == BID
        self.all_sell = self.all_sell and side == ASK
        self._come_near(book, low, high, side)
        self.found = True

    def _come_near(self, book: cython.pointer[Book], low: i64, high: i64, side: u32) -> None:
        """Keep the candidate nearest to the reference price, the higher of two; without a reference the highest."""
        price: i64 = high
        distance: u64 = 0
        if book.venue.has_reference:
            price = nearest_to(book.venue.reference, low, high, book.tick_size)
            distance = apart(price, book.venue.reference)
        if not self.found or distance < self.distance:
            self.price, self.distance, self.surplus_side = price, distance, side

    def _settle(self, book: cython.pointer[Book]) -> None:
        """Choose among the best candidates. The one nearest to the reference price is chosen already."""
        more: cython.pointer[VenueBook] = book.venue
        percent: i64 = more.rule.percent if more.has_reference else 0
        if self.all_buy:
            self.surplus_side = BID
            self.price = self.highest
            if percent != 0:
                self.price = self._within(part_of(more.reference, 100 + percent, book.tick_size))
        elif self.all_sell:
            self.surplus_side = ASK
            self.price = self.lowest
            if percent != 0:
                self.price = self._within(part_of(more.reference, 100 - percent, book.tick_size))

    def _within(self, price: i128) -> i64:
        """The price, or the end of the best candidates that is nearest to it."""
        if price > self.highest:
            return self.highest
        return cython.cast(i64, price) if price >= self.lowest else self.lowest

    def _lots_of_queue(self, books: Books, queue: u32) -> u128:
        """The lots of the orders in a queue, which can be more than a level counts."""
        lots: u128 = 0
        slot: u32 = books.levels[queue].head
        while slot != NIL:
            lots += books.orders[slot].remaining
            slot = books.orders[slot].next
        return lots


def apart(one: i64, two: i64) -> u64:
    """The distance of two prices."""
    distance: u64 = cython.cast(u64, cython.cast(u64, one) - cython.cast(u64, two))
    return distance if one > two else cython.cast(u64, 0 - distance)


def nearest_to(reference: i64, low: i64, high: i64, tick: u64) -> i64:
    """The price nearest to the reference among those from low to high a tick apart, the higher of two equally near."""
    if reference <= low:
        return low
    if reference >= high:
        return high
    below: u64 = apart(reference, low) % tick
    price: i64 = cython.cast(i64, cython.cast(u64, cython.cast(u64, reference) - below))
    if below == 0 or below < tick - below:
        return price
    return cython.cast(i64, cython.cast(u64, cython.cast(u64, price) + tick))


def part_of(reference: i64, percent: i64, tick: u64) -> i128:
    """This many percent of a price, as the nearest multiple of the tick, the higher of two equally near."""
    whole: i128 = cython.cast(i128, tick) * 200
    hundredths: i128 = cython.cast(i128, reference) * cython.cast(i128, percent) * 2 + cython.cast(i128, tick) * 100
    ticks: i128 = hundredths // whole
    ticks -= ticks * whole > hundredths  # division in C rounds towards 0
    return ticks * cython.cast(i128, tick)


def level_ahead(books: Books, ladder: cython.pointer[Ladder], level: u32) -> u32:
    """The next better level, NIL after the best. Amortised constant over a walk."""
    if level == ladder.best:
        return NIL
    place: u64 = place_of(books.levels[level].key)
    node: cython.pointer[Node] = cython.address(books.nodes[books._leaf_at(ladder, place)])
    above: u64 = node.map >> (place & 63) >> 1
    while above == 0:
        node = cython.address(books.nodes[node.parent])
        above = node.map >> (place >> node.shift & 63) >> 1
    child: u32 = node.children[(place >> node.shift & 63) + 1 + trailing_zeros(above)]
    while node.shift != 0:
        node = cython.address(books.nodes[child])
        child = node.children[trailing_zeros(node.map)]
    return child


def trailing_zeros(value: u64) -> u32:
    """How many of the low bits of a number other than 0 are 0."""
    return 63 - leading_zeros(value & ~(value - 1))
