# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The two sides of a ring as loops without the GIL, one thread each: produce and consume, ping and echo.

A record is 64 bytes: its number, and seven words derived from it. The producer writes all of them into the slot and the
consumer compares all of them there, so records that are lost, duplicated, torn or read too early are counted.
"""

from __future__ import annotations

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.ring.idle import Idle
from pricetime.ring.ring import Ring


def produce(ring: Ring, first: u64, count: u64, batch: u64, idle: Idle) -> None:
    """Put records ``first`` to ``first + count - 1``, ``batch`` at a time if there is room."""
    with cython.nogil:
        _produce(ring, first, count, batch, idle)


def consume(ring: Ring, first: u64, count: u64, batch: u64, idle: Idle, stall_every: u64 = 0, stall_ns: u64 = 0) -> int:
    """Get as many records, ``batch`` at a time if available; return how many were wrong.

    Pauses after every ``stall_every`` records.
    """
    with cython.nogil:
        wrong: u64 = _consume(ring, first, count, batch, idle, stall_every, stall_ns)
    return wrong


def _write(slot: cython.p_void, number: u64) -> None:
    words: cython.pointer[u64] = cython.cast(cython.pointer[u64], slot)
    i: cython.int
    for i in range(WORDS):
        words[i] = number + i * (number >> 3)


def _differs(slot: cython.p_void, number: u64) -> u64:
    words: cython.pointer[u64] = cython.cast(cython.pointer[u64], slot)
    difference: u64 = 0
    i: cython.int
    for i in range(WORDS):
        difference |= words[i] ^ (number + i * (number >> 3))
    return difference


def _produce(ring: Ring, first: u64, count: u64, batch: u64, idle: Idle) -> None:
    i: u64
    tries: u64 = 0
    end: u64 = first + count
    while first != end:
        free: u64 = ring.claim(min(batch, end - first))
        if free == 0:
            idle.step(tries)
            tries += 1
            continue
        tries = 0
        for i in range(free):
            _write(ring.claimed(i), first + i)
        ring.commit(free)
        first += free


def _consume(ring: Ring, first: u64, count: u64, batch: u64, idle: Idle, stall_every: u64, stall_ns: u64) -> u64:
    i: u64
    wrong: u64 = 0
    tries: u64 = 0
    word: u32 = 0
    until_stall: u64 = stall_every
    end: u64 = first + count
    while first != end:
        there: u64 = ring.peek(min(batch, end - first))
        if there == 0:
            idle.step(tries)
            tries += 1
            continue
        tries = 0
        for i in range(there):
            wrong += _differs(ring.peeked(i), first + i) != 0
        ring.release(there)
        first += there
        if stall_every and until_stall <= there:
            sleep_while(cython.address(word), 0, stall_ns, False)
            until_stall = stall_every
        elif stall_every:
            until_stall -= there
    return wrong


# ---------------------------------------------------------------------- round trip


def ping(there: Ring, back: Ring, count: u64, idle: Idle) -> NDArray[np.uint32]:
    """Put ``count`` records, each after the one before has returned; return the ticks of each round trip."""
    ticks = np.zeros(count, np.uint32)
    out: cython.pointer[u32] = cython.cast(cython.pointer[u32], records_of(ticks))
    with cython.nogil:
        _ping(there, back, count, out, idle)
    return ticks


def echo(there: Ring, back: Ring, count: u64, idle: Idle) -> None:
    """Send ``count`` records back as they arrive."""
    with cython.nogil:
        _echo(there, back, count, idle)


def _ping(there: Ring, back: Ring, count: u64, ticks: cython.pointer[u32], idle: Idle) -> None:
    i: u64
    for i in range(count):
        before: u64 = read_ticks()
        _put_one(there, i, idle)
        _get_one(back, idle)
        ticks[i] = cython.cast(u32, min(read_ticks() - before, cython.cast(u64, 0xFFFFFFFF)))


def _echo(there: Ring, back: Ring, count: u64, idle: Idle) -> None:
    done: u64 = 0
    while done < count:
        _put_one(back, _get_one(there, idle), idle)
        done += 1


def _put_one(ring: Ring, number: u64, idle: Idle) -> None:
    tries: u64 = 0
    while ring.claim(1) == 0:
        idle.step(tries)
        tries += 1
    _write(ring.claimed(0), number)
    ring.commit(1)


def _get_one(ring: Ring, idle: Idle) -> u64:
    tries: u64 = 0
    while ring.peek(1) == 0:
        idle.step(tries)
        tries += 1
    number: u64 = cython.cast(cython.pointer[u64], ring.peeked(0))[0]
    ring.release(1)
    return number
