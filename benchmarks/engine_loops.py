# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Loops without the GIL: commands into a book one by one, and in batches into a journal.

The clock of single orders is the processor's time stamp counter, or the system clock without one. It is read once
between two orders: the end of one is the start of the next, so nothing in the loop is left out. Every figure includes
one reading, 10 to 20 ns.
"""

from __future__ import annotations

import time
from typing import Any

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.core.book import Books
from pricetime.core.order_book import OrderBook
from pricetime.log.writer import Writer


def ticks_per_ns(seconds: float = 0.1) -> float:
    """Return the ticks of the clock in one ns, measured with the system clock."""
    start_ns = time.perf_counter_ns()
    start: u64 = read_ticks()
    time.sleep(seconds)
    end_ns = time.perf_counter_ns()
    end: u64 = read_ticks()
    return (end - start) / (end_ns - start_ns)


def _short(ticks: u64) -> u32:
    return cython.cast(u32, min(ticks, cython.cast(u64, 0xFFFFFFFF)))


# ---------------------------------------------------------------------- one by one


def time_each(book: Any, commands: NDArray[np.void]) -> NDArray[np.uint32]:
    """Execute commands (COMMAND, shape (n,)) in an ``OrderBook``; return the clock ticks of each, u32, same shape."""
    ticks = np.zeros(len(commands), np.uint32)
    count: u64 = len(commands)
    first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
    out: cython.pointer[u32] = cython.cast(cython.pointer[u32], records_of(ticks))
    mine: OrderBook = book
    books: Books = mine._books
    mine._shared.make_room(count)
    with cython.nogil:
        _time_each(books, first, count, out)
    return ticks


def _time_each(
    books: Books, commands: cython.pointer[cython.const[Command]], count: u64, ticks: cython.pointer[u32]
) -> None:
    i: u64
    before: u64 = read_ticks()
    for i in range(count):
        books.execute(cython.address(commands[i]))
        after: u64 = read_ticks()
        ticks[i] = _short(after - before)
        before = after


# ---------------------------------------------------------------------- into the journal


def append_paced(
    writer: Writer, commands: NDArray[np.void], batch: int, gap_ticks: int
) -> tuple[NDArray[np.uint32], int]:
    """Append commands in batches, each ``gap_ticks`` after the one before or as soon as possible.

    Returns the ticks of each batch as u32, and the ticks that it waited for room.
    The clock is read right before and right after an append, so its own cost is in every figure.
    """
    count: u64 = len(commands)
    step: u64 = batch
    gap: u64 = gap_ticks
    ticks = np.full((count + step - 1) // step, 0, np.uint32)  # prefaults its pages before the timing
    first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
    out: cython.pointer[u32] = cython.cast(cython.pointer[u32], records_of(ticks))
    stalled: u64[1]
    with cython.nogil:
        _append_paced(writer, first, count, step, gap, out, stalled)
    return ticks, stalled[0]


def _append_paced(
    writer: Writer,
    commands: cython.pointer[cython.const[Command]],
    count: u64,
    batch: u64,
    gap_ticks: u64,
    ticks: cython.pointer[u32],
    stalled: cython.pointer[u64],
) -> u64:
    stalled[0] = 0
    done: u64 = 0
    number: u64 = 0
    due: u64 = read_ticks()
    while done < count:
        while read_ticks() < due:
            pause()
        due += gap_ticks
        wanted: u64 = min(batch, count - done)
        put: u64 = 0
        while put < wanted:
            before: u64 = read_ticks()
            now: u64 = writer.append(commands + done + put, wanted - put, 0, 0)
            after: u64 = read_ticks()
            put += now
            if now != 0:
                ticks[number] += cython.cast(u32, min(after - before, cython.cast(u64, 0x7FFFFFFF)))
                continue
            if writer.has_failed():
                return done
            yield_processor()
            stalled[0] += read_ticks() - before
        done += put
        number += 1
    return done
