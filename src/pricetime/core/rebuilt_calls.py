"""Call phases of books that reports keep up to date: phases, auction trades, and where an auction would trade.

Market orders of a call phase have no price: they are in a queue of each side, apart from the levels.
"""

from __future__ import annotations

import cython

from pricetime.core.book import Books
from pricetime.core.places import Places

if not cython.compiled:  # the compiled form cimports them in rebuilt_calls.pxd
    from pricetime.core.book import key_of
    from pricetime.core.layout import *


@cython.cclass
class RebuiltCalls:
    """The books, and what the reports of call phases do to them. ``Rebuilt`` adds those of all other commands."""

    def __init__(self, books: Books) -> None:
        self.books = books
        assert isinstance(self.books.rules, Places)
        self.places = self.books.rules

    def begin_phase(self, book: cython.pointer[Book], phase: u32) -> None:
        """Begin a phase. What was collected is gone when orders match again."""
        if self.books.phases[phase].matches:
            book.venue.collecting = 0
        self.books.set_phase(book, phase)

    def is_collected(self, book: cython.pointer[Book]) -> cython.bint:
        """Do orders rest that would have traded if orders matched?"""
        bids: cython.pointer[Ladder] = cython.address(book.ladders[0])
        asks: cython.pointer[Ladder] = cython.address(book.ladders[1])
        if bids.best != NIL and asks.best != NIL and bids.best_key >= ~asks.best_key:
            return True
        buyers: u32 = self.books.levels[book.venue.queues[0]].count
        return buyers + self.books.levels[book.venue.queues[1]].count != 0

    def trade_in_auction(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """Take lots from buyer and seller: at most what each displays, because hidden lots of icebergs trade too."""
        if not book.rule.collects:
            return INVALID_PHASE
        if r.quantity == 0:
            return INVALID_QUANTITY
        buyer: u32 = self.books.find(book, r.order_id)
        seller: u32 = self.books.find(book, r.maker_id)
        fault: u32 = self._refuse_party(buyer, BID, r.price)
        if fault == NONE:
            fault = self._refuse_party(seller, ASK, r.price)
        if fault != NONE:
            return fault
        if buyer != NIL:
            self.take_displayed(book, buyer, r.quantity)
        if seller != NIL:
            self.take_displayed(book, seller, r.quantity)
        return NONE

    def _refuse_party(self, slot: u32, side: u32, price: i64) -> u32:
        """Why an order cannot trade in an auction at this price, NONE if it can or displays nothing."""
        if slot == NIL:
            return NONE
        level: cython.pointer[Level] = cython.address(self.books.levels[self.books.orders[slot].level])
        if level.side != side:
            return INVALID_SIDE
        if level.place == AT_LEVEL and level.key < key_of(side, price):
            return INVALID_PRICE
        return NONE

    def take_displayed(self, book: cython.pointer[Book], slot: u32, quantity: u64) -> None:
        """Take lots that trade off an order, at most all that it displays. ``Rebuilt`` does it."""

    def indicate(self, book: cython.pointer[Book], r: cython.pointer[cython.const[Report]]) -> u32:
        """Keep where the auction trades or would trade."""
        if not book.rule.collects:
            return INVALID_PHASE
        if r.side > ASK:
            return INVALID_SIDE
        indication: cython.pointer[Indication] = cython.address(book.venue.indication)
        indication.price = r.price
        indication.quantity = r.quantity
        indication.surplus = r.maker_id
        indication.side = r.side
        indication.kind = r.kind
        indication.priced = r.reason != NO_AUCTION_PRICE
        return NONE


def changes_books(kind: u32) -> cython.bint:
    """Is a report of this kind about the books? Others answer one owner or the operator."""
    if kind <= OPEN_ORDERS_END:
        return kind == PHASE_CHANGED or kind <= EXPIRED
    return kind != EXPIRY_DONE and kind != PRICE_SET and kind != HIDDEN


def is_full(fault: u32) -> cython.bint:
    """Does an order find no level?"""
    return fault == LEVELS_FULL or fault == LEVEL_QUANTITY_FULL
