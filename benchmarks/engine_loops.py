# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Loops without the GIL around the books: from memory or a ring, in batches or one by one, with a journal or without.

The clock of single orders is the processor's time stamp counter, or the system clock without one. It is read once
between two orders: the end of one is the start of the next, so nothing in the loop is left out. Every figure includes
one reading, 10 to 20 ns.
"""

from __future__ import annotations

import time

import cython
import numpy as np


def ticks_per_ns(seconds=0.1):
    """Return the ticks of the clock in one ns, measured with the system clock."""
    start_ns = time.perf_counter_ns()
    start: u64 = read_ticks()
    time.sleep(seconds)
    end_ns = time.perf_counter_ns()
    end: u64 = read_ticks()
    return (end - start) / (end_ns - start_ns)


def _short(ticks):
    return cython.cast(u32, min(ticks, cython.cast(u64, 0xFFFFFFFF)))


# ---------------------------------------------------------------------- one by one


def time_each(book, commands):
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


def _time_each(books, commands, count, ticks):
    i: u64
    before: u64 = read_ticks()
    for i in range(count):
        books.execute(cython.address(commands[i]))
        after: u64 = read_ticks()
        ticks[i] = _short(after - before)
        before = after


def time_each_from(engine, ring, count):
    """The same with commands from a ring that holds them all, in an ``Engine``: taken, executed, slot released."""
    mine: Engine = engine
    books: Books = mine.books
    source: Ring = ring
    n: u64 = count
    ticks = np.full(n, 0, np.uint32)  # prefaults its pages before the timing
    out: cython.pointer[u32] = cython.cast(cython.pointer[u32], records_of(ticks))
    mine.make_room(n)
    with cython.nogil:
        _time_each_from(books, source, n, out)
    return ticks


def _time_each_from(books, ring, count, ticks):
    i: u64
    before: u64 = read_ticks()
    for i in range(count):
        books.report_count = 0
        if ring.peek(1) == 0:
            break
        books.execute(cython.cast(cython.pointer[Command], ring.peeked(0)))
        ring.release(1)
        after: u64 = read_ticks()
        ticks[i] = _short(after - before)
        before = after


# ---------------------------------------------------------------------- into the journal


def append_paced(writer, commands, batch, gap_ticks):
    """Append commands in batches, each ``gap_ticks`` after the one before or as soon as possible.

    Returns the ticks of each batch as u32, and the ticks that it waited for room.
    The clock is read right before and right after an append, so its own cost is in every figure.
    """
    mine: Writer = writer
    count: u64 = len(commands)
    step: u64 = batch
    gap: u64 = gap_ticks
    ticks = np.full((count + step - 1) // step, 0, np.uint32)  # prefaults its pages before the timing
    first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
    out: cython.pointer[u32] = cython.cast(cython.pointer[u32], records_of(ticks))
    stalled: u64[1]
    with cython.nogil:
        _append_paced(mine, first, count, step, gap, out, stalled)
    return ticks, stalled[0]


def _append_paced(writer, commands, count, batch, gap_ticks, ticks, stalled):
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


# ---------------------------------------------------------------------- in batches


def fill(ring, commands, idle):
    """Put every command into the ring, as soon as there is room."""
    mine: Ring = ring
    patience: Idle = idle
    count: u64 = len(commands)
    first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
    with cython.nogil:
        _fill(mine, first, count, patience)


def _fill(ring, commands, count, idle):
    tries: u64 = 0
    done: u64 = 0
    i: u64
    while done < count:
        free: u64 = ring.claim(min(count - done, cython.cast(u64, BATCH)))
        if free == 0:
            idle.step(tries)
            tries += 1
            continue
        tries = 0
        for i in range(free):
            cython.cast(cython.pointer[Command], ring.claimed(i))[0] = commands[done + i]
        ring.commit(free)
        done += free


def match_from(engine, ring, count, idle, writer=None):
    """Take ``count`` commands from the ring, up to BATCH at once, and execute them in place; return (ns, reports).

    With a ``writer`` a batch is in the journal before it is executed, and the checksum of its reports is computed, as
    for checkpoints. Fewer are executed if the journal fails.
    """
    mine: Engine = engine
    books: Books = mine.books
    source: Ring = ring
    patience: Idle = idle
    journal: Writer = writer
    n: u64 = count
    mine.make_room(n)
    reports: u64 = books.seq_num
    began: u64 = monotonic_ns()
    with cython.nogil:
        _match_from(books, journal, source, n, patience)
    return monotonic_ns() - began, books.seq_num - reports


def _match_from(books, writer, ring, count, idle):
    report_checksum: u32 = 0
    tries: u64 = 0
    i: u64
    while count != 0 and not (writer is not None and writer.has_failed()):
        there: u64 = ring.peek(min(count, cython.cast(u64, BATCH)))
        there = min(there, ring.peeked_run())
        first: cython.pointer[Command] = cython.cast(cython.pointer[Command], ring.peeked(0))
        if there != 0 and writer is not None:
            there = writer.append(first, there, books.seq_num, report_checksum)
        if there == 0:
            idle.step(tries)
            tries += 1
            continue
        tries = 0
        books.report_count = 0
        books.run(first, there, cython.NULL)
        if writer is not None:
            for i in range(books.report_count):
                report_checksum = link(
                    report_checksum, cython.cast(cython.pointer[cython.const[u64]], cython.address(books.reports[i])), 6
                )
        ring.release(there)
        count -= there
