# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A minimal exchange: it answers every order with one report, in order, and does nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import cython
import numpy as np

from pricetime.native.arrays import Block


def echo(epoll_fd: cython.int, fds: Sequence[int], sizes: bytes) -> int:
    """Read from these connections until all are closed; return the bytes read. ``sizes``: bytes by type of message.

    The epoll must be empty. Every complete order gets an answer.
    """
    talks: Block = Block(MOST * cython.sizeof(Talk))
    buffer: Block = Block(READ_BYTES + LONGEST_ORDER)
    out: Block = Block(ROOM_BYTES)
    table: cython.const[u8][::1] = np.frombuffer(sizes, np.uint8)  # type: ignore[valid-type]
    first: cython.pointer[Talk] = cython.cast(cython.pointer[Talk], talks.memory)
    event: epoll_event
    for place, fd in enumerate(fds):
        first[place].fd = fd
        event.events = EPOLLIN
        event.number = place
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, cython.address(event))
    count: u32 = len(fds)
    with cython.nogil:
        n_bytes: u64 = _echo(
            epoll_fd, first, count, cython.address(table[0]), cython.cast(cython.pointer[u8], buffer.memory),
            cython.cast(cython.pointer[u8], out.memory),
        )  # fmt: skip
    return n_bytes


def _echo(
    epoll_fd: cython.int,
    talks: cython.pointer[Talk],
    open_count: u32,
    sizes: cython.pointer[cython.const[u8]],
    buffer: cython.pointer[u8],
    out: cython.pointer[u8],
) -> u64:
    ready: epoll_event[MOST]
    total: u64 = 0
    while open_count != 0:
        count: cython.int = epoll_wait(epoll_fd, ready, MOST, -1)
        n: cython.int
        for n in range(count):
            t: cython.pointer[Talk] = cython.address(talks[ready[n].number])
            if t.fd < 0:
                continue
            memcpy(buffer, t.kept, t.kept_bytes)
            n_bytes: cython.Py_ssize_t = recv(t.fd, buffer + t.kept_bytes, READ_BYTES, 0)
            if n_bytes <= 0:
                t.fd = -1
                open_count -= 1
                continue
            total += n_bytes
            length: u64 = _answer(t, sizes, buffer, t.kept_bytes + n_bytes, out)
            sent: u64 = 0
            while sent < length:
                taken: cython.Py_ssize_t = send(t.fd, out + sent, length - sent, MSG_NOSIGNAL)
                if taken <= 0:
                    break
                sent += taken
    return total


def _answer(
    t: cython.pointer[Talk],
    sizes: cython.pointer[cython.const[u8]],
    data: cython.pointer[cython.const[u8]],
    n_bytes: u64,
    out: cython.pointer[u8],
) -> u64:
    """Write the answers to complete messages; return their bytes."""
    used: u64 = 0
    written: u64 = 0
    while used < n_bytes and n_bytes - used >= sizes[data[used]]:
        kind: u32 = data[used]
        if kind <= 4:  # an order
            t.sequence += 1
            report: cython.pointer[Report] = cython.cast(cython.pointer[Report], out + written)
            memset(report, 0, cython.sizeof(Report))
            report.type = EXECUTION_REPORT
            report.kind = ACCEPTED if kind == 1 else CANCELLED if kind == 2 else REPLACED if kind == 3 else REDUCED
            report.seq_num = t.sequence
            report.order_id = cython.cast(cython.pointer[cython.const[CancelOrder]], data + used).order_id
            written += cython.sizeof(Report)
        used += sizes[kind]
    t.kept_bytes = n_bytes - used
    memcpy(t.kept, data + used, t.kept_bytes)
    return written
