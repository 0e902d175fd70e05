# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Loops without the GIL for the engine and its ring: fill the ring, execute from it in batches, or one by one."""

from __future__ import annotations

import cython
import numpy as np
from cython.cimports.pricetime.native.arrays import records_of


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
    """Take ``count`` commands from the ring in batches and execute them in place; return (ns, reports).

    With a ``writer`` a batch is in the journal before it is executed, and the checksum of its reports is computed.
    Fewer are executed if the journal fails.
    """
    mine: Engine = engine
    books: Books = mine.books
    source: Ring = ring
    patience: Idle = idle
    n: u64 = count
    mine.make_room(n)
    reports: u64 = books.seq_num
    began: u64 = monotonic_ns()
    if writer is None:
        with cython.nogil:
            _match_from(books, source, n, patience)
    else:
        journal: Writer = writer
        with cython.nogil:
            _match_journaled_from(books, source, n, patience, journal)
    return monotonic_ns() - began, books.seq_num - reports


def _match_from(books, ring, count, idle):
    tries: u64 = 0
    while count != 0:
        there: u64 = ring.peek(min(count, cython.cast(u64, BATCH)))
        if there == 0:
            idle.step(tries)
            tries += 1
            continue
        tries = 0
        there = min(there, ring.peeked_run())
        _match(books, cython.cast(cython.pointer[Command], ring.peeked(0)), there, there)
        ring.release(there)
        count -= there


def _match_journaled_from(books, ring, count, idle, writer):
    tries: u64 = 0
    stalled: u64[1]
    stalled[0] = 0
    while count != 0 and not writer.failed():
        there: u64 = ring.peek(min(count, cython.cast(u64, BATCH)))
        if there == 0:
            idle.step(tries)
            tries += 1
            continue
        tries = 0
        there = min(there, ring.peeked_run())
        first: cython.pointer[Command] = cython.cast(cython.pointer[Command], ring.peeked(0))
        _match_journaled(books, writer, first, there, there, stalled)
        ring.release(there)
        count -= there


def time_each(engine, ring, count):
    """Take ``count`` commands one by one from a ring that holds them all; return the ticks of each as u32.

    Each is measured from the end of the previous command: taking it from the ring, executing it, writing its reports,
    releasing its slot, and reading the clock.
    """
    mine: Engine = engine
    books: Books = mine.books
    source: Ring = ring
    n: u64 = count
    ticks = np.full(n, 0, np.uint32)  # prefaults its pages before the timing
    out: cython.pointer[u32] = cython.cast(cython.pointer[u32], records_of(ticks))
    mine.make_room(n)
    with cython.nogil:
        _time_each(books, source, n, out)
    return ticks


def _time_each(books, ring, count, ticks):
    i: u64
    before: u64 = read_ticks()
    for i in range(count):
        books.report_count = 0
        if ring.peek(1) == 0:
            break
        books.execute(cython.cast(cython.pointer[Command], ring.peeked(0)))
        ring.release(1)
        after: u64 = read_ticks()
        ticks[i] = cython.cast(u32, min(after - before, cython.cast(u64, 0xFFFFFFFF)))
        before = after
