"""Checks every invariant of what a book has besides its levels: places, extras, orders that end, counters.

Like ``check.py`` it is slow, and trusts only the records.
"""

from __future__ import annotations

from typing import Any

import cython

from pricetime.core.book import Books

if not cython.compiled:  # the compiled form has them from check_venue.pxd
    from pricetime.core.book import key_of
    from pricetime.core.layout import *


def check_venue(books: Books, book: cython.pointer[Book], slots: list[Any]) -> cython.int:
    """Raises AssertionError naming the first invariant that does not hold. ``slots``: the orders of the book."""
    more: cython.pointer[VenueBook] = book.venue
    special = [slot for slot in slots if books.extras[slot].special]
    places = [books.levels[books.orders[slot].level].place for slot in slots]
    must(more.special == len(special), "a book counts its special orders")
    must(more.waiting == sum(place >= AT_TRIGGER for place in places), "a book counts the orders that wait")
    for_auction = sum(
        place == AT_LEVEL and _is_for_auction(books, slot) for slot, place in zip(slots, places, strict=True)
    )
    must(more.for_auction == for_auction, "a book counts the orders at a level that are for one auction")
    must(more.collecting or IN_CALL not in places, "market orders rest only while orders are collected")
    ruled = bool(more.always or more.collecting or special)
    must(bool(book.ruled) == ruled, "a book is ruled if something in it needs the rules")
    numbers = {books.extras[slot].entered for slot in special}
    must(len(numbers) == len(special) and max(numbers, default=0) <= more.entries, "entry numbers are given once")
    for slot in slots:
        _check_extra(books, slot)
    _check_heap(books, book, [slot for slot in slots if books.cold[slot].time_in_force == GTD])
    _check_days(books, book, {slot for slot in slots if books.cold[slot].time_in_force == DAY})
    return 0


def must(holds: Any, what: str) -> None:
    if not holds:
        raise AssertionError(f"broken: {what}")


def _is_for_auction(books: Books, slot: u32) -> Any:
    instructions: u32 = books.cold[slot].instructions
    return bool(books.cold[slot].time_in_force == GFA or instructions & (AT_THE_OPEN | AT_THE_CLOSE))


def _check_extra(books: Books, slot: u32) -> cython.int:
    """The extras of an order fit its place and its terms."""
    extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
    place: u32 = books.levels[books.orders[slot].level].place
    time: u32 = books.cold[slot].time_in_force
    special = bool(place != AT_LEVEL or extra.display or time == DAY or time == GTD or _is_for_auction(books, slot))
    must(bool(extra.special) == special, f"order {slot} is special if its terms or its place are")
    must(bool(extra.entered) == special, f"order {slot} has an entry number if it is special")
    must(special or extra.cancels == 0, f"order {slot} does not count mass cancels unless it is special")
    must(extra.unnamed == 0, f"order {slot} has its id in the table")
    must(bool(extra.expiry_ns) == bool(extra.heap) == (time == GTD), f"order {slot} has an expiry time if it is GTD")
    _check_place(books, slot, place)
    return 0


def _check_place(books: Books, slot: u32, place: u32) -> cython.int:
    """An order has the type, the instructions and the hidden lots of its place."""
    extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
    level: cython.pointer[Level] = cython.address(books.levels[books.orders[slot].level])
    kind: u32 = books.cold[slot].order_type
    bits: u32 = books.cold[slot].instructions
    left = books.orders[slot].remaining
    if place >= AT_TRIGGER:
        must(extra.hidden == left, f"order {slot} waits, so the market sees nothing of it")
    elif extra.display == 0:
        must(extra.hidden == 0, f"order {slot} hides nothing unless it is an iceberg")
    must(place >= AT_TRIGGER or extra.hidden < left, f"order {slot} displays a lot")
    fits = {
        AT_LEVEL: kind == LIMIT,
        IN_CALL: kind == MARKET or kind == MARKET_TO_LIMIT,
        AT_TRIGGER: kind == STOP or kind == STOP_LIMIT,
        FOR_OPEN: bits & AT_THE_OPEN,
        FOR_CLOSE: bits & AT_THE_CLOSE,
        FOR_WHOLE: bits & ALL_OR_NONE,
    }
    must(fits[place], f"order {slot} is one for its place")
    if place == AT_TRIGGER:
        must(level.key == key_of(3 - level.side, extra.trigger_price), f"order {slot} waits at its trigger price")
    else:
        must(extra.trigger_price == 0 and extra.protection == 0, f"order {slot} waits for no trigger price")
    if place == AT_LEVEL or place == FOR_WHOLE or place == IN_CALL:
        must(extra.price == 0, f"order {slot} has its price from its level, or none")
    return 0


def _check_heap(books: Books, book: cython.pointer[Book], slots: list[Any]) -> cython.int:
    """The heap has each GTD order once, and none ends before the one above it."""
    heap: list[Any] = [book.venue.heap[position].slot for position in range(1, book.venue.heap_count + 1)]
    must(sorted(heap) == sorted(slots), "the heap has the GTD orders and no others")
    ends: list[Any] = [(books.extras[slot].expiry_ns, books.extras[slot].entered) for slot in heap]
    for position, slot in enumerate(heap, start=1):
        entry: cython.pointer[Expiring] = cython.address(book.venue.heap[position])
        end = (entry.expiry_ns, entry.entered)
        must(books.extras[slot].heap == position, f"order {slot} knows its position in the heap")
        must(end == ends[position - 1], f"order {slot} has its expiry time in the heap")
        must(ends[(position + 2) // 4 - 1 if position > 1 else 0] <= end, f"order {slot} ends after the one above it")
    return 0


def _check_days(books: Books, book: cython.pointer[Book], due: set[Any]) -> cython.int:
    """The list of DAY orders has each of them once, in order of entry."""
    listed: set[Any] = set()
    before: u32 = NIL
    slot: u32 = book.venue.first_day
    while slot != NIL:
        must(slot not in listed and slot in due, f"order {slot} is in the list of DAY orders once")
        listed.add(slot)
        must(books.extras[slot].earlier == before, f"order {slot} knows the DAY order before it")
        must(books.extras[slot].entered > books.extras[before].entered, f"order {slot} is listed in order of entry")
        before = slot
        slot = books.extras[slot].later
    must(book.venue.last_day == before, "a book knows its last DAY order")
    must(listed == due, "the DAY orders are in their list, and no others")
    return 0


def check_extras(books: Books, seen_orders: dict[Any, Any]) -> cython.int:
    """The sums over all books, and the extras of slots that are not in use."""
    refreshes = unlevelled = 0
    slot: u32
    index: u32
    for index in range(books.book_count):
        book: cython.pointer[Book] = cython.address(books.books[index])
        must(book.venue.traded == 0, "no command is unfinished")
    for slot in range(1, books.fresh_order):
        extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
        if slot in seen_orders:
            place: u32 = books.levels[books.orders[slot].level].place
            unlevelled = unlevelled + (place != AT_LEVEL)
        else:
            numbers = (extra.price, extra.trigger_price, extra.display, extra.hidden, extra.expiry_ns, extra.filled)
            links = (extra.entered, extra.cancels, extra.protection, extra.heap, extra.later, extra.earlier)
            flags = (extra.unnamed, extra.special)
            must(not any((*numbers, *links, *flags)), f"the free slot {slot} has no extras")
    must(books.unlevelled == unlevelled, "the orders that are not at a level are counted")
    for index in range(books.book_count):
        refreshes = refreshes + _refreshes_of(books, cython.address(books.books[index]))
    must(books.refreshes == refreshes, "the refreshes that are left are counted")
    return 0


def _refreshes_of(books: Books, book: cython.pointer[Book]) -> Any:
    """How often the icebergs of a book can still be refreshed."""
    total = 0
    position: u64
    for position in range(book.id_entries + book.id_entries // 2 + 1):
        slot: u32 = book.ids[position].slot
        if slot != NIL and books.extras[slot].display != 0:
            extra: cython.pointer[OrderExtra] = cython.address(books.extras[slot])
            waits = books.levels[books.orders[slot].level].place >= AT_TRIGGER
            total = total + _refreshes_left(extra.hidden, extra.display, waits, book.venue.rule.minimum_display)
    return total


def _refreshes_left(hidden: Any, display: Any, waits: Any, least: Any) -> Any:
    """How often an iceberg can be refreshed. One that waits has yet to begin its first slice."""
    behind = hidden - min(hidden, display) if waits else hidden
    return -(-behind // (display - min(max(least, 1), display) + 1))
