"""Expiry: ends orders whose time has come, in parts, so that other clients never wait for many of them.

At an interval it looks which instruments have such orders: GTD orders whose expiry time is reached, and DAY orders in
phase CLOSED. One command expires a limited number of orders of one instrument. The instruments alternate.
"""

from __future__ import annotations

from collections.abc import Iterable

import cython

from pricetime.core.instrument import MAX_INSTRUMENTS
from pricetime.exchange.io.control_channel import ControlChannel
from pricetime.exchange.io.issuer import Issuer
from pricetime.exchange.io.number_queue import NumberQueue
from pricetime.exchange.state.matcher import Matcher


@cython.final
@cython.cclass
class Expiries:
    """``instruments``: all of them. ``interval_ns``: how often it looks. Used by the event loop only.

    Raises MemoryError.
    """

    def __init__(
        self, instruments: Iterable[int], matcher: Matcher, issuer: Issuer, channel: ControlChannel, interval_ns: int
    ) -> None:
        self.books = matcher.engine.books
        self.issuer = issuer
        self.channel = channel
        self.interval_ns = interval_ns
        self.next_ns = 0
        known = sorted(instruments)
        self.count = self.scanned = len(known)
        most: cython.size_t = MAX_INSTRUMENTS
        self.due = NumberQueue(most)
        self.numbers = cython.cast(cython.pointer[u32], reserve(most * cython.sizeof(u32)))
        self.expiries = cython.cast(cython.pointer[Expiry], reserve(most * cython.sizeof(Expiry)))
        if not self.numbers or not self.expiries:
            raise MemoryError("no room for the expiry of orders")
        for place, number in enumerate(known):
            self.numbers[place] = number
            self.expiries[number].state = EXPIRY_IDLE  # takes its page from the system now

    def __dealloc__(self) -> None:
        most: cython.size_t = MAX_INSTRUMENTS
        release(self.numbers, most * cython.sizeof(u32))
        release(self.expiries, most * cython.sizeof(Expiry))

    def request(self, instrument: u32, number: u64) -> None:
        """Expire what is due now. The answer has ``number``. The control thread makes one request of an instrument at a
        time."""
        e: cython.pointer[Expiry] = cython.address(self.expiries[instrument])
        e.number = number
        e.again = e.state == EXPIRY_ISSUED
        self._begin(instrument)

    def _begin(self, instrument: u32) -> None:
        """Queue the first part of an expiry, unless one is in progress."""
        e: cython.pointer[Expiry] = cython.address(self.expiries[instrument])
        if e.state == EXPIRY_IDLE:
            e.expired = 0
            e.state = EXPIRY_DUE
            self.due.push(instrument)

    def proceed(self, now_ns: u64, timestamp: u64) -> None:
        """Look for orders that are due, and issue one part."""
        if self.scanned < self.count:
            self._scan(timestamp)
        elif now_ns >= self.next_ns:
            self.next_ns = now_ns + self.interval_ns
            self.scanned = 0
        if self.due.count == 0:
            return
        instrument: u32 = self.due.pop()
        if self.issuer.issue(EXPIRE, instrument, 0, EXPIRY_PART, 0, timestamp, timestamp, 0):
            self.expiries[instrument].state = EXPIRY_ISSUED
        else:
            self.due.push(instrument)

    def _scan(self, timestamp: u64) -> None:
        """Begin the expiry of the next instruments of this round that have something due."""
        last: u32 = min(self.count, self.scanned + SCANNED)
        place: u32
        for place in range(self.scanned, last):
            instrument: u32 = self.numbers[place]
            if self.expiries[instrument].state == EXPIRY_IDLE and has_due(self.books.book_of(instrument), timestamp):
                self._begin(instrument)
        self.scanned = last

    def finish_part(self, instrument: u32, report: cython.pointer[cython.const[Report]]) -> None:
        """A part is done: queue the next one, or answer the request."""
        e: cython.pointer[Expiry] = cython.address(self.expiries[instrument])
        e.expired += report.quantity if report.kind == EXPIRY_DONE else 0
        if report.reason == UNFINISHED or e.again:
            e.again = 0
            e.state = EXPIRY_DUE
            self.due.push(instrument)
            return
        e.state = EXPIRY_IDLE
        if e.number != 0:
            self.channel.answer(e.number, report, e.expired)
            e.number = 0
