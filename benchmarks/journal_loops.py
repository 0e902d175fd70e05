# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The engine's work with a journal as loops without the GIL: append alone, and append, match and link."""

from __future__ import annotations

import resource

import cython
import numpy as np
from cython.cimports.pricetime.native.arrays import records_of


def append_paced(writer, commands, batch, gap_ticks):
    """Append commands in batches, each ``gap_ticks`` after the one before or as soon as possible.

    Returns the ticks of each batch as u32, the page faults of this thread, and the ticks that it waited for room.
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
    before = faults_so_far()
    with cython.nogil:
        _append_paced(mine, first, count, step, gap, out, stalled)
    return ticks, faults_so_far() - before, stalled[0]


def faults_so_far():
    """Return the page faults of this thread; the first store into a page of a file counts as a major one."""
    used = resource.getrusage(resource.RUSAGE_THREAD)
    return used.ru_minflt + used.ru_majflt


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
            if writer.failed():
                return done
            yield_processor()
            stalled[0] += read_ticks() - before
        done += put
        number += 1
    return done


def match(engine, commands, batch, writer=None):
    """Execute commands in batches, through the journal if given; return (ns, ns of it waiting for room).

    With a journal the checksum of the reports is computed too, as for checkpoints.
    """
    mine: Engine = engine
    books: Books = mine.books
    count: u64 = len(commands)
    step: u64 = batch
    first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
    mine.make_room(count)
    stalled: u64[1]
    stalled[0] = 0
    began: u64 = monotonic_ns()
    if writer is None:
        with cython.nogil:
            _match(books, first, count, step)
    else:
        journal: Writer = writer
        with cython.nogil:
            _match_journaled(books, journal, first, count, step, stalled)
    return monotonic_ns() - began, stalled[0]


def _match(books, commands, count, batch):
    done: u64 = 0
    while done < count:
        step: u64 = min(batch, count - done)
        books.report_count = 0
        books.run(commands + done, step, cython.NULL)
        done += step


def _match_journaled(books, writer, commands, count, batch, stalled):
    report_checksum: u32 = 0
    done: u64 = 0
    i: u64
    while done < count:
        step: u64 = writer.append(commands + done, min(batch, count - done), books.seq_num, report_checksum)
        if step == 0:
            if writer.failed():
                return done
            before: u64 = monotonic_ns()
            yield_processor()
            stalled[0] += monotonic_ns() - before
            continue
        books.report_count = 0
        books.run(commands + done, step, cython.NULL)
        for i in range(books.report_count):
            report_checksum = link(
                report_checksum, cython.cast(cython.pointer[cython.const[u64]], cython.address(books.reports[i])), 6
            )
        done += step
    return done
