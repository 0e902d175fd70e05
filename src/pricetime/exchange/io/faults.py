"""Fault injection: drops, duplicates and reorders datagrams of the feed, to test subscribers."""

from __future__ import annotations

import cython

if cython.compiled:
    from cython.cimports.libc.string import memcpy


@cython.final
@cython.cclass
class Faults:
    """``drop``, ``duplicate``, ``reorder``: fractions of the datagrams, 0 to 1. The same seed gives the same faults."""

    if not cython.compiled:
        late = cython.NULL

    def __init__(self, drop: float, duplicate: float, reorder: float, seed: int) -> None:
        self.drop, self.duplicate, self.reorder = (int(part * 2**32) for part in (drop, duplicate, reorder))
        self.state = (seed * 0x9E3779B97F4A7C15 + 1) % 2**64 or 1
        self.held = self.dropped = self.duplicated = self.reordered = 0

    def _draw(self) -> u64:
        """A random number below 2**32 (xorshift64*)."""
        self.state ^= self.state >> 12
        self.state ^= self.state << 25
        self.state ^= self.state >> 27
        factor: u64 = 0x2545F4914F6CDD1D
        return self.state * factor >> 32

    def send(self, fd: cython.int, first: cython.pointer[cython.const[Report]], count: u64) -> cython.bint:
        """Send one datagram, or inject a fault. A reordered one is sent after the next. False: the socket is full."""
        if self._draw() < self.drop:
            self.dropped += 1
            return True
        if self.held == 0 and self._draw() < self.reorder:
            memcpy(self.late, first, count * REPORT_BYTES)
            self.held = count
            self.reordered += 1
            return True
        if not self._send_now(fd, first, count):
            return False
        if self._draw() < self.duplicate:
            self.duplicated += 1
            self._send_now(fd, first, count)
        self.send_held(fd)
        return True

    def send_held(self, fd: cython.int) -> None:
        """Send the datagram that is held back, if there is one."""
        if self.held != 0:
            self._send_now(fd, self.late, self.held)
            self.held = 0

    def _send_now(self, fd: cython.int, first: cython.pointer[cython.const[Report]], count: u64) -> cython.bint:
        return send(fd, first, count * REPORT_BYTES, MSG_DONTWAIT) > 0
