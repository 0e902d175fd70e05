"""``VenueRules``: how a ruled book executes commands about one order. What it accepts, and what happens then.

The checks are in the order of ``reference/``: the first that fails gives the reason. All come before the first change.
"""

from __future__ import annotations

import cython

if not cython.compiled:  # the compiled form cimports them in venue.pxd
    from pricetime.core.book import Books, key_of, may_rest, refuse_terms
    from pricetime.core.expiry import Expiry
    from pricetime.core.layout import *


@cython.final
@cython.cclass
class VenueRules(Expiry):
    """All rules of venues."""

    def execute(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        if c.type == NEW_ORDER:
            self.new_order(books, book, c, cython.NULL)
        elif c.type == CANCEL_ORDER or c.type == REDUCE_ORDER:
            self._reduce(books, book, c)
        elif c.type == REPLACE_ORDER or c.type == REPLACE_ORDER_AS:
            self.replace_order(books, book, c, cython.NULL)
        else:
            books._execute_other(book, c)

    def tell(self, books: Books, book: cython.pointer[Book], slot: u32) -> None:
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        more: u64 = extra.hidden
        reason: u32 = NONE
        if self.waits(books, slot):
            more = cython.cast(u64, extra.trigger_price)
            reason = WAITS
        self.report_order(books, book, OPEN_ORDER, slot, books.orders[slot].remaining, reason, more)

    def _reduce(self, books: Books, book: cython.pointer[Book], c: cython.pointer[cython.const[Command]]) -> None:
        """Execute CANCEL_ORDER or REDUCE_ORDER."""
        reduces: cython.bint = c.type == REDUCE_ORDER
        reason: u32 = books.refuse_size(book, 0, c.quantity) if reduces else NONE
        if reason == NONE:
            reason = books.refuse_phase(book, c.type)
        slot: u32 = books.find(book, c.order_id)
        if reason == NONE and (slot == NIL or (c.owner != 0 and c.owner != books.orders[slot].owner)):
            reason = UNKNOWN_ORDER
        if reason != NONE:
            books._reject(c, reason)
            return
        if reduces:
            self.cut(books, book, slot, min(c.quantity, books.orders[slot].remaining), REDUCED, NONE)
        else:
            self.end(books, book, slot, CANCELLED, NONE)
        self.cascade(books, book)

    # ------------------------------------------------------------------ new orders: checks

    def _refuse_fields(
        self,
        books: Books,
        book: cython.pointer[Book],
        c: cython.pointer[cython.const[Command]],
        more: cython.pointer[cython.const[OrderExtension]],
    ) -> u32:
        """Why a new order is rejected in every phase, whatever rests; NONE if it is not."""
        if c.side != BID and c.side != ASK:
            return INVALID_SIDE
        reason: u32 = refuse_terms(c.order_type, c.time_in_force, c.instructions)
        if reason != NONE:
            return reason
        whole: cython.bint = c.instructions & ALL_OR_NONE and not book.venue.rule.all_or_none
        if whole or not book.kinds >> (c.order_type * 8 + c.time_in_force) & 1:
            return NOT_SUPPORTED
        if c.flags > CANCEL_SMALLER:
            return INVALID_SELF_TRADE
        priced: cython.bint = c.order_type == LIMIT or c.order_type == STOP_LIMIT
        reason = books.refuse_size(book, c.price if priced else 0, c.quantity)
        if reason != NONE:
            return reason
        if not more:
            if is_stop(c.order_type):
                return INVALID_TRIGGER_PRICE
            return INVALID_EXPIRY if c.time_in_force == GTD else NONE
        return self._refuse_extension(book, c, more)

    def _refuse_extension(
        self,
        book: cython.pointer[Book],
        c: cython.pointer[cython.const[Command]],
        more: cython.pointer[cython.const[OrderExtension]],
    ) -> u32:
        """The rows of ``reference.terms.FIELDS`` in their order."""
        kind: u32 = c.order_type
        time: u32 = c.time_in_force
        tick: i64 = cython.cast(i64, book.tick_size)
        if (more.trigger_price != 0 and not is_stop(kind)) or more.trigger_price % tick != 0:
            return INVALID_TRIGGER_PRICE
        for_auction: cython.bint = c.instructions & (AT_THE_OPEN | AT_THE_CLOSE)
        if more.display_quantity > c.quantity or more.display_quantity % book.lot_size != 0:
            return INVALID_DISPLAY_QUANTITY
        if more.display_quantity != 0:
            priced: cython.bint = kind == LIMIT or kind == STOP_LIMIT or more.protection != 0
            if not priced or time >= IOC or for_auction or c.instructions & ALL_OR_NONE:
                return INVALID_DISPLAY_QUANTITY
        if more.minimum_quantity > c.quantity or more.minimum_quantity % book.lot_size != 0:
            return INVALID_MINIMUM_QUANTITY
        if more.minimum_quantity != 0 and (
            kind > MARKET or time == FOK or time == GFA or c.instructions & ~cython.cast(u32, EXTENDED)
        ):
            return INVALID_MINIMUM_QUANTITY
        if (more.expiry_ns != 0) if time != GTD else (more.expiry_ns <= c.timestamp):
            return INVALID_EXPIRY
        if more.protection != 0 and (
            (kind != MARKET and kind != STOP) or more.protection % book.tick_size != 0 or for_auction
        ):
            return INVALID_PROTECTION
        return refuse_ratio(book, c.quantity, more.display_quantity)

    def _refuse_in_phase(
        self,
        book: cython.pointer[Book],
        c: cython.pointer[cython.const[Command]],
        more: cython.pointer[cython.const[OrderExtension]],
    ) -> u32:
        """Why the phase does not accept an order, NONE if it does."""
        if not book.rule.accepts >> NEW_ORDER & 1:
            return book.rule.reason
        if not book.rule.collects:
            return NOT_IN_PHASE if c.time_in_force == GFA else NONE
        at_once: cython.bint = c.time_in_force == IOC or c.time_in_force == FOK
        if at_once or c.instructions & (POST_ONLY | ALL_OR_NONE):
            return NOT_IN_PHASE
        if more and (more.minimum_quantity != 0 or (c.order_type == MARKET and more.protection != 0)):
            return NOT_IN_PHASE
        return NONE

    def _refuse_in_book(
        self,
        books: Books,
        book: cython.pointer[Book],
        c: cython.pointer[cython.const[Command]],
        more: cython.pointer[cython.const[OrderExtension]],
        kind: u32,
        price: i64,
    ) -> u32:
        """Why an order is rejected because of its price or of what rests, NONE if it is not.

        ``kind``, ``price``: what it has once it enters.
        """
        side: u32 = c.side
        priced: cython.bint = kind == LIMIT or kind == STOP_LIMIT
        reason: u32 = books._refuse_price(book, price) if priced else NONE
        if reason != NONE:
            return reason
        if books.find(book, c.order_id) != NIL:
            return DUPLICATE_ORDER_ID
        if books.limited:
            reason = books._refuse_owner(book, c.owner, side, price, priced, c.quantity)
            if reason != NONE:
                return reason
        rejects: cython.bint = is_stop(kind) and book.venue.rule.stop_at_entry == REJECT
        if rejects and self.is_reached(book, side, more.trigger_price):
            return TRIGGERS_AT_ONCE
        key: i64 = key_of(side, price)
        if c.instructions & POST_ONLY and books._meets(book, cython.address(book.ladders[2 - side]), ~key):
            return WOULD_CROSS
        waits: cython.bint = is_stop(kind) or self._waits_for_auction(book, c.instructions)
        rests: cython.bint = book.rule.collects or (priced and may_rest(kind, c.time_in_force))
        if waits or rests:
            reason = books._refuse_slot(book, c.owner)
            if reason == NONE:
                display: u64 = more.display_quantity if more else 0
                reason = self._refuse_refreshes(books, book, 0, c.quantity, display)
            if reason == NONE and priced and not waits and not c.instructions & ALL_OR_NONE:
                level: u32 = books.level_at(cython.address(book.ladders[side - 1]), key)
                reason = books._refuse_rest(level, c.quantity)
        return reason

    def _waits_for_auction(self, book: cython.pointer[Book], instructions: u32) -> cython.bint:
        """Is it an order for an auction that is not the phase of the book?"""
        asked: u32 = instructions & (AT_THE_OPEN | AT_THE_CLOSE)
        return asked != 0 and book.rule.auction != asked

    def _refuse_refreshes(
        self, books: Books, book: cython.pointer[Book], leaving: u64, quantity: u64, display: u64
    ) -> u32:
        """May an iceberg be refreshed so often, with all others? ``leaving``: how often the one before it could."""
        if display == 0:
            return NONE
        own: u64 = self.refreshes(book, quantity, display)
        return REFRESHES_FULL if books.refreshes - leaving + own > books.refresh_limit else NONE

    # ------------------------------------------------------------------ new orders: what happens

    def new_order(
        self,
        books: Books,
        book: cython.pointer[Book],
        c: cython.pointer[cython.const[Command]],
        more: cython.pointer[cython.const[OrderExtension]],
    ) -> None:
        if c.instructions & EXTENDED and not more:
            books._keep(c)
            return
        kind: u32 = c.order_type
        price: i64 = c.price if kind == LIMIT or kind == STOP_LIMIT else 0
        reason: u32 = self._refuse_fields(books, book, c, more)
        if reason == NONE:
            reason = self._refuse_in_phase(book, c, more)
        if reason == NONE and book.rule.matches and (kind == MARKET_TO_LIMIT or kind == MARKET):
            protection: u32 = more.protection if more else 0
            makers: cython.pointer[Ladder] = cython.address(book.ladders[2 - c.side])
            best: i64 = key_of(3 - c.side, makers.best_key)
            if kind == MARKET and protection != 0:
                if makers.best == NIL:
                    reason = NO_REFERENCE_PRICE
                else:
                    price = self.protected(books, book, c.side, best, protection)
                kind = LIMIT
            elif kind == MARKET_TO_LIMIT and makers.best != NIL:
                price = best
                kind = LIMIT
        if reason == NONE:
            reason = self._refuse_in_book(books, book, c, more, kind, price)
        if reason != NONE:
            books._reject(c, reason)
        elif not more or books.has_spare(self.refreshes(book, c.quantity, more.display_quantity), True):
            self._accept(books, book, c, more, kind, price)
            self.cascade(books, book)

    def _accept(
        self,
        books: Books,
        book: cython.pointer[Book],
        c: cython.pointer[cython.const[Command]],
        more: cython.pointer[cython.const[OrderExtension]],
        kind: u32,
        price: i64,
    ) -> None:
        """Let an order wait, or let it trade and rest."""
        books.last_reference += 1
        slot: u32 = books._fill_slot(book, c, c.quantity)
        books.cold[slot].order_type = kind
        self.take_off(books, book, slot, c.side, price)
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        extra.unnamed = 1
        minimum: u64 = 0
        if more:
            minimum = more.minimum_quantity
            extra.display = more.display_quantity
            extra.expiry_ns = more.expiry_ns
            if is_stop(kind):
                extra.trigger_price = more.trigger_price
                extra.protection = more.protection
        waits: cython.bint = self._waits_for_auction(book, c.instructions)
        if waits or is_stop(kind) or c.instructions & ALL_OR_NONE:
            self.report_order(books, book, ACCEPTED, slot, c.quantity, WAITS, c.quantity)
            place: u32 = FOR_OPEN if c.instructions & AT_THE_OPEN else FOR_CLOSE
            if not waits:
                place = AT_TRIGGER if is_stop(kind) else FOR_WHOLE
            self.join(books, book, slot, place, waiting_key(place, c.side, price, extra.trigger_price))
            return
        self.begin(books, book, slot)
        self.report_order(books, book, ACCEPTED, slot, c.quantity, self.entry_reason(books, book, slot), extra.hidden)
        if c.time_in_force == FOK and not self.can_trade(books, book, slot, c.quantity):
            self.drop(books, book, slot, FOK_UNFILLABLE)
        elif minimum != 0 and not self.can_trade(books, book, slot, minimum):
            self.drop(books, book, slot, MINIMUM_UNFILLABLE)
        else:
            self.execute_order(books, book, slot)

    # ------------------------------------------------------------------ replaces

    def replace_order(
        self,
        books: Books,
        book: cython.pointer[Book],
        c: cython.pointer[cython.const[Command]],
        more: cython.pointer[cython.const[OrderExtension]],
    ) -> None:
        owner: u32 = c.owner
        new_id: u64 = c.order_id
        if c.type == REPLACE_ORDER_AS:
            owner = 0
            new_id = c.owner | (cython.cast(u64, c.tag) << 32)
        elif c.instructions & EXTENDED and not more:
            books._keep(c)
            return
        slot: u32 = books.find(book, c.order_id)
        unpriced: cython.bint = slot != NIL and self.is_unpriced(books, slot)
        price: i64 = 0 if unpriced else c.price
        reason: u32 = INVALID_MINIMUM_QUANTITY if more and more.minimum_quantity != 0 else NONE
        if reason == NONE:
            reason = books.refuse_size(book, price, c.quantity)
        if reason == NONE:
            reason = books.refuse_phase(book, REPLACE_ORDER)
        if reason == NONE and not unpriced:
            reason = books._refuse_price(book, price)
        if reason == NONE and (slot == NIL or (owner != 0 and owner != books.orders[slot].owner)):
            reason = UNKNOWN_ORDER
        if reason == NONE:
            reason = self._refuse_changes(books, book, slot, c, more)
        if reason == NONE and new_id != c.order_id and books.find(book, new_id) != NIL:
            reason = DUPLICATE_ORDER_ID
        filled: u64 = books.extras[slot].filled if slot != NIL else 0
        if reason == NONE and filled >= c.quantity:
            self.end(books, book, slot, CANCELLED, TRADED_MORE)
            self.cascade(books, book)
            return
        if reason == NONE:
            reason = self._refuse_new_terms(books, book, slot, more, price, c.quantity - filled)
        if reason != NONE:
            books._reject(c, reason)
            return
        display: u64 = more.display_quantity if more else books.extras[slot].display
        if display == 0 or books.has_spare(self.refreshes(book, c.quantity - filled, display), more != cython.NULL):
            self._replace(books, book, slot, new_id, more, price, c.quantity - filled)
            self.cascade(books, book)

    def _refuse_changes(
        self,
        books: Books,
        book: cython.pointer[Book],
        slot: u32,
        c: cython.pointer[cython.const[Command]],
        more: cython.pointer[cython.const[OrderExtension]],
    ) -> u32:
        """Why an order cannot have the fields of a replace: none turns it into a different kind of order."""
        old: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        kind: u32 = books.cold[slot].order_type
        display: u64 = old.display
        if more:
            if is_stop(kind):
                if more.trigger_price % cython.cast(i64, book.tick_size) != 0:
                    return INVALID_TRIGGER_PRICE
                moves: cython.bint = more.trigger_price != old.trigger_price
                rejects: cython.bint = moves and book.venue.rule.stop_at_entry == REJECT
                if rejects and self.is_reached(book, self.side_of(books, slot), more.trigger_price):
                    return TRIGGERS_AT_ONCE
            elif more.trigger_price != 0:
                return INVALID_TRIGGER_PRICE
            display = more.display_quantity
        switched: cython.bint = display == 0 or old.display == 0
        if display != old.display and (switched or display > c.quantity or display % book.lot_size != 0):
            return INVALID_DISPLAY_QUANTITY
        grows: cython.bint = c.quantity > books.orders[slot].remaining
        if (grows or display != old.display) and refuse_ratio(book, c.quantity, display) != NONE:
            return INVALID_DISPLAY_QUANTITY
        if more:
            timed: cython.bint = books.cold[slot].time_in_force == GTD
            if (more.expiry_ns <= c.timestamp) if timed else (more.expiry_ns != 0):
                return INVALID_EXPIRY
            switched = (more.protection != 0) != (old.protection != 0)
            if switched or more.protection % book.tick_size != 0:
                return INVALID_PROTECTION
        return NONE

    def _refuse_new_terms(
        self,
        books: Books,
        book: cython.pointer[Book],
        slot: u32,
        more: cython.pointer[cython.const[OrderExtension]],
        price: i64,
        quantity: u64,
    ) -> u32:
        """Why a replace is rejected because of limits or of what rests, NONE if it is not."""
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        side: u32 = self.side_of(books, slot)
        place: u32 = self.place_of(books, slot)
        if books.limited:
            larger: u64 = quantity if quantity > order.remaining else 0
            moves: cython.bint = price != self.price_of(books, slot)
            reason: u32 = books._refuse_owner(book, order.owner, side, price, moves, larger)
            if reason != NONE:
                return reason
        key: i64 = key_of(side, price)
        makers: cython.pointer[Ladder] = cython.address(book.ladders[2 - side])
        if books.cold[slot].instructions & POST_ONLY and books._meets(book, makers, ~key):
            return WOULD_CROSS
        display: u64 = more.display_quantity if more else books.extras[slot].display
        left: u64 = self.refreshes_left(books, book, slot)
        if self._refuse_refreshes(books, book, left, quantity, display) != NONE:
            return REFRESHES_FULL
        if place != AT_LEVEL or self._keeps_place(books, book, slot, key, quantity):
            return NONE
        return books._refuse_move(book, slot, key, quantity)

    def _keeps_place(self, books: Books, book: cython.pointer[Book], slot: u32, key: i64, quantity: u64) -> cython.bint:
        """Does a replaced order keep its place in the queue? ``key``: of its new level, ignored for a queue."""
        level: cython.pointer[Level] = cython.address(books.levels[books.orders[slot].level])
        levelled: cython.bint = level.place == AT_LEVEL or level.place == AT_TRIGGER or level.place == FOR_WHOLE
        if levelled and key != level.key:
            return False
        if quantity > books.orders[slot].remaining or book.replace_policy == ALWAYS_LOSE:
            return False
        return books.extras[slot].display == 0 or level.place != AT_LEVEL or book.venue.rule.keeps_place

    def _replace(
        self,
        books: Books,
        book: cython.pointer[Book],
        slot: u32,
        new_id: u64,
        more: cython.pointer[cython.const[OrderExtension]],
        price: i64,
        quantity: u64,
    ) -> None:
        """Give an order its new terms. It keeps its place, or leaves it and enters again."""
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        old_id: u64 = order.id
        side: u32 = self.side_of(books, slot)
        place: u32 = self.place_of(books, slot)
        trigger_price: i64 = more.trigger_price if more else extra.trigger_price
        key: i64 = waiting_key(place, side, price, trigger_price)
        keeps: cython.bint = self._keeps_place(books, book, slot, key, quantity)
        books._rename(book, slot, new_id)
        if keeps:
            self._trim(books, book, slot, more, quantity)
        else:
            self.leave(books, book, slot)
            order.remaining = quantity
        if more:
            extra.trigger_price = trigger_price
            extra.protection = more.protection
        if not keeps:
            if more:
                extra.display = more.display_quantity
                extra.expiry_ns = more.expiry_ns
            if place < AT_TRIGGER:
                self.begin(books, book, slot)
        if not keeps or (place != AT_LEVEL and place != FOR_WHOLE):
            extra.price = price
        reason: u32 = WAITS if place >= AT_TRIGGER else AT_MARKET if place == IN_CALL else KEPT_PLACE if keeps else NONE
        shown: u64 = quantity if place >= AT_TRIGGER else self.shown(books, slot)
        self.report_order(books, book, REPLACED, slot, shown, reason, old_id)
        if extra.display != 0 and place < AT_TRIGGER:
            self.report_order(books, book, HIDDEN, slot, extra.hidden, NONE, 0)
        if keeps:
            return
        if place >= AT_TRIGGER:
            self.join(books, book, slot, place, key)
        else:
            self.execute_order(books, book, slot)

    def _trim(
        self,
        books: Books,
        book: cython.pointer[Book],
        slot: u32,
        more: cython.pointer[cython.const[OrderExtension]],
        quantity: u64,
    ) -> None:
        """Give an order that keeps its place no more lots, hidden ones go first, and its other terms."""
        order: cython.pointer[Order] = cython.address(books.orders[slot])
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        less: u64 = order.remaining - quantity
        if less != 0:
            self.take(books, book, slot, less, min(extra.hidden, less))
        if not more:
            return
        books.refreshes -= self.refreshes_left(books, book, slot)
        extra.display = more.display_quantity
        books.refreshes += self.refreshes_left(books, book, slot)
        if more.expiry_ns != extra.expiry_ns:
            self.undate(books, book, slot)
            extra.expiry_ns = more.expiry_ns
            self.date(books, book, slot)


def is_stop(kind: u32) -> cython.bint:
    """Is it an order that waits for its trigger price?"""
    return kind == STOP or kind == STOP_LIMIT


def waiting_key(place: u32, side: u32, price: i64, trigger_price: i64) -> i64:
    """The key of an order in a place with levels."""
    return key_of(3 - side, trigger_price) if place == AT_TRIGGER else key_of(side, price)


def refuse_ratio(book: cython.pointer[Book], quantity: u64, display: u64) -> u32:
    """Does an iceberg display as large a share as the venue wants?"""
    ratio: u64 = book.venue.rule.iceberg_ratio
    return INVALID_DISPLAY_QUANTITY if display != 0 and ratio != 0 and (quantity - 1) // ratio >= display else NONE
