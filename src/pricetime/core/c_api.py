"""The C API: books for compiled callers, without the GIL and without Python objects.

The signatures are in ``c_api.pxd``. ``books`` is the pointer that ``open_books`` returned.
"""

from __future__ import annotations

import cython

from pricetime.core.instrument import MAX_INSTRUMENTS, Instrument
from pricetime.native.spread import id_multiplier

if cython.compiled:
    from cython.cimports.cpython.ref import Py_DECREF, Py_INCREF
else:
    from pricetime.core.book import Books, key_of
    from pricetime.core.layout import *
    from pricetime.native.uncompiled import Py_DECREF, Py_INCREF


def open_books(instruments: u32, capacity: u64, level_capacity: u64) -> cython.p_void:
    """Make empty books for the instruments 0 to ``instruments`` - 1 over one pool. NULL if that is impossible.

    Both capacities are from 1 to 2**31. The caller owns the books and closes them.
    """
    try:
        if not 0 < instruments <= MAX_INSTRUMENTS or not 0 < capacity <= 1 << 31 or not 0 < level_capacity <= 1 << 31:
            return cython.NULL
        books = Books([Instrument(i) for i in range(instruments)], capacity, level_capacity, id_multiplier())
    except Exception:
        return cython.NULL
    Py_INCREF(books)
    return cython.cast(cython.p_void, books)


def close_books(books: cython.p_void) -> None:
    """Free the books. The pointer must not be used afterwards."""
    Py_DECREF(cython.cast(object, books))


def report_bound(books: Books, count: u64) -> u64:
    """Most reports that the next ``count`` commands can make, but for icebergs among them: see ``commands_left``."""
    return books.report_bound(count, 0, books.order_count) + books.wanted


def run_commands(
    books: Books,
    commands: cython.pointer[cython.const[Command]],
    count: u64,
    reports: cython.pointer[Report],
    room: u64,
) -> i64:
    """Execute commands in order: number of reports, or -1 with nothing executed if ``room`` is below the bound.

    It stops before an iceberg that the room is too small for: see ``commands_left``.
    """
    bound: u64 = report_bound(books, count)
    if room < bound:
        return -1
    books.spare = room - bound + books.wanted
    if books.wanted != 0:
        books.resume()
    books.reports = reports
    books.report_count = 0
    if count == 1:
        books.execute(cython.address(commands[0]))  # nothing to prefetch for
    else:
        books.run(commands, count, cython.NULL)
    return books.report_count


def commands_left(books: Books) -> u64:
    """How many of the last run's commands were not executed, because an iceberg could make more reports than fit.

    The caller takes the reports, and runs these with the room that ``report_bound`` says then.
    """
    return books.skipped


def best_price(books: Books, instrument: u32, side: u32, price: cython.pointer[i64]) -> cython.bint:
    """Write the best price of a side to ``price``. False if the side is empty."""
    book: cython.pointer[Book] = books.book_of(instrument)
    if not book or (side != BID and side != ASK) or book.ladders[side - 1].best == NIL:
        return False
    price[0] = key_of(side, book.ladders[side - 1].best_key)
    return True


def depth(
    books: Books,
    instrument: u32,
    side: u32,
    levels: u64,
    prices: cython.pointer[i64],
    quantities: cython.pointer[u64],
    counts: cython.pointer[u32],
) -> u64:
    """Write the best levels of a side into three arrays of ``levels`` entries: number of levels written."""
    book: cython.pointer[Book] = books.book_of(instrument)
    if not book or (side != BID and side != ASK):
        return 0
    ladder: cython.pointer[Ladder] = cython.address(book.ladders[side - 1])
    level: u32 = ladder.best
    found: u64 = 0
    while level != NIL and found < levels:
        queue: cython.pointer[Level] = cython.address(books.levels[level])
        prices[found] = key_of(side, queue.key)
        quantities[found] = queue.quantity - books.hidden[level]
        counts[found] = queue.count
        found += 1
        level = books.level_behind(ladder, level)
    return found


def resting_orders(books: Books) -> u64:
    """Resting orders over all instruments."""
    return books.order_count


def digest(books: Books, instrument: u32) -> u64:
    """The digest of one book, as ``OrderBook.digest``; 0 for an unknown instrument."""
    book: cython.pointer[Book] = books.book_of(instrument)
    return books.digest(book) if book else 0
