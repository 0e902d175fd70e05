# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Measure what only compiled code can: the time of each single order, and the bytes in use by a book.

The clock is the processor's time stamp counter, or the system clock without one. It is read once between two orders:
the end of one is the start of the next, so nothing in the loop is left out. Every figure includes one reading;
``overhead`` returns its cost.
"""

from __future__ import annotations

import time

import cython
import numpy as np
from cython.cimports.pricetime.core.order_book import OrderBook
from cython.cimports.pricetime.native.arrays import records_of


def time_each(book, commands):
    """Execute commands (COMMAND, shape (n,)); return the clock ticks of each as u32 of the same shape."""
    ticks = np.zeros(len(commands), np.uint32)
    count: u64 = len(commands)
    first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
    out: cython.pointer[u32] = cython.cast(cython.pointer[u32], records_of(ticks))
    if isinstance(book, Arena):
        arena: Arena = book
        arena.make_room(count)
        with cython.nogil:
            _time_each(arena, first, count, out)
    else:
        order_book: OrderBook = book
        books: Books = order_book._books
        order_book._engine.make_room(count)
        with cython.nogil:
            _time_each(books, first, count, out)
    return ticks


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _time_each(book: AnyBook, commands: cython.pointer[Command], count: u64, ticks: cython.pointer[u32]) -> cython.void:
    i: u64
    before: u64 = read_ticks()
    for i in range(count):
        book.execute(cython.address(commands[i]))
        after: u64 = read_ticks()
        ticks[i] = cython.cast(u32, min(after - before, cython.cast(u64, 0xFFFFFFFF)))
        before = after


def ticks_per_ns(seconds=0.1):
    """Return the ticks of the clock in one ns, measured with the system clock."""
    start_ns = time.perf_counter_ns()
    start: u64 = read_ticks()
    time.sleep(seconds)
    end_ns = time.perf_counter_ns()
    end: u64 = read_ticks()
    return (end - start) / (end_ns - start_ns)


def overhead(readings=100_001):
    """Return the median of the ticks between two consecutive readings of the clock."""
    gaps = np.zeros(readings, np.uint32)
    count: u64 = readings
    out: cython.pointer[u32] = cython.cast(cython.pointer[u32], records_of(gaps))
    i: u64
    before: u64 = read_ticks()
    for i in range(count):
        after: u64 = read_ticks()
        out[i] = cython.cast(u32, after - before)
        before = after
    return float(np.median(gaps))


def used_bytes(book):
    """Return the bytes that a book uses for orders, order ids and levels, by its own count."""
    n: u64
    if isinstance(book, Arena):
        arena: Arena = book
        n = cython.cast(u64, arena.fresh_order) * (cython.sizeof(Order) + cython.sizeof(OrderCold))
        n += (cython.cast(u64, arena.id_mask) + 1) * cython.sizeof(IdEntry)
        n += cython.cast(u64, arena.fresh_level) * cython.sizeof(Level)
        return n + arena.index_bytes()
    books: Books = cython.cast(OrderBook, book)._books
    n = cython.cast(u64, books.fresh_order) * (cython.sizeof(Order) + cython.sizeof(OrderCold))
    n += books.books[0].id_entries * cython.sizeof(IdEntry)
    n += cython.cast(u64, books.fresh_level) * cython.sizeof(Level)
    return n + cython.cast(u64, books.fresh_node) * cython.sizeof(Node)
