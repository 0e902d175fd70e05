"""The orders of a snapshot: written from rebuilt books, and loaded into them."""

from __future__ import annotations

import cython

from pricetime.core.rebuilt import Rebuilt

if not cython.compiled:  # the compiled form cimports them in snapshot_orders.pxd
    from pricetime.core.book import key_of
    from pricetime.core.layout import *
    from pricetime.core.rebuilt_calls import is_full


def write_book(rebuilt: Rebuilt, book: cython.pointer[Book], orders: cython.pointer[SnapshotOrder], count: u64) -> u64:
    """Append the orders of a book to ``count`` written ones: the new count.

    Market orders of a call phase come behind the levels, and the taker comes last.
    """
    side: u32
    slot: u32
    for side in range(BID, ASK + 1):
        ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
        level: u32 = ladder.best
        while level != NIL:
            price: i64 = key_of(side, rebuilt.books.levels[level].key)
            slot = rebuilt.books.levels[level].head
            while slot != NIL:
                order: cython.pointer[Order] = cython.address(rebuilt.books.orders[slot])
                _write(cython.address(orders[count]), book, side, order.id, price, order.remaining)
                count += 1
                slot = order.next
            level = rebuilt.books.level_behind(ladder, level)
    for side in range(BID, ASK + 1):
        slot = rebuilt.books.levels[book.venue.queues[side - 1]].head
        while slot != NIL:
            order = cython.address(rebuilt.books.orders[slot])
            _write(cython.address(orders[count]), book, side, order.id, 0, order.remaining)
            orders[count].taking = UNPRICED
            count += 1
            slot = order.next
    if rebuilt.taking and rebuilt.taking.instrument == book.instrument:
        price = key_of(rebuilt.taker_side, rebuilt.taker_key)
        _write(cython.address(orders[count]), book, rebuilt.taker_side, rebuilt.taker_id, price, rebuilt.taker_left)
        orders[count].taking = MAY_REST if rebuilt.taker_rests else ONLY_TAKES
        count += 1
    return count


def _write(
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


def load_run(rebuilt: Rebuilt, orders: cython.pointer[cython.const[SnapshotOrder]], count: u64) -> i64:
    """Load orders: ``count``, or -1 - index of one that does not fit; then ``fault`` says why.

    Orders rest crossed only while a command goes on: all-or-none orders that are about to trade.
    """
    i: u64
    crossing: i64 = -1
    for i in range(count):
        order: cython.pointer[cython.const[SnapshotOrder]] = cython.address(orders[i])
        rebuilt.fault = _load(rebuilt, order)
        if rebuilt.fault != NONE:
            return -1 - cython.cast(i64, i)
        key: i64 = key_of(order.side, order.price)
        if order.taking == RESTS and rebuilt._crosses(rebuilt.books.book_of(order.instrument), order.side, key):
            crossing = cython.cast(i64, i)
    index: u32
    for index in range(rebuilt.books.book_count):
        _note_collected(rebuilt, cython.address(rebuilt.books.books[index]))
    if crossing >= 0 and (not rebuilt.taking or rebuilt.taking.instrument != orders[crossing].instrument):
        rebuilt.fault = WOULD_CROSS
        return -1 - crossing
    return cython.cast(i64, count)


def _note_collected(rebuilt: Rebuilt, book: cython.pointer[Book]) -> None:
    """After a snapshot of a halted book: were orders collected before the halt?"""
    if not book.rule.matches and rebuilt.is_collected(book):
        book.venue.collecting = 1
        rebuilt.books.weigh(book)


def _load(rebuilt: Rebuilt, order: cython.pointer[cython.const[SnapshotOrder]]) -> u32:
    """Load one order of a snapshot: NONE, or why it does not fit. A taker is the last of its book."""
    book: cython.pointer[Book] = rebuilt.books.book_of(order.instrument)
    if not book:
        return UNKNOWN_INSTRUMENT
    if order.taking > UNPRICED or (rebuilt.taking and rebuilt.taking.instrument == order.instrument):
        return WOULD_CROSS
    if order.taking == UNPRICED:
        return rebuilt._accept_unpriced(book, order.side, order.order_id, order.price, order.quantity)
    key: i64 = key_of(order.side, order.price)
    rests: cython.bint = order.taking != ONLY_TAKES
    fault: u32 = rebuilt._refuse(book, order.side, order.order_id, key, order.quantity, rests)
    fits: cython.bint = fault == NONE
    if fault != NONE and not (order.taking == MAY_REST and is_full(fault)):
        return fault
    if order.taking == RESTS:
        rebuilt._rest(book, order.side, order.order_id, key, order.quantity)
        return NONE
    if rebuilt.taking or (rests and fits and not rebuilt._crosses(book, order.side, key)):
        return WOULD_CROSS
    rebuilt.taker_triggered = True
    rebuilt._enter(book, order.side, order.order_id, key, order.quantity, rests, fits)
    return NONE


def clear_books(rebuilt: Rebuilt) -> None:
    """Remove all orders. The next report must be the first."""
    index: u32
    for index in range(rebuilt.books.book_count):
        _remove_unpriced(rebuilt, cython.address(rebuilt.books.books[index]))
    rebuilt.places.remove_all(rebuilt.books)
    rebuilt.taking = cython.NULL
    rebuilt.books.seq_num = 0
    for index in range(rebuilt.books.book_count):
        rebuilt.books.venues[index].indication.kind = 0
        rebuilt.books.venues[index].collecting = 0


def _remove_unpriced(rebuilt: Rebuilt, book: cython.pointer[Book]) -> None:
    """Remove the market orders of a call phase."""
    side: u32
    for side in range(2):
        queue: cython.pointer[Level] = cython.address(rebuilt.books.levels[book.venue.queues[side]])
        while queue.head != NIL:
            rebuilt._take_from(book, queue.head, rebuilt.books.orders[queue.head].remaining)
