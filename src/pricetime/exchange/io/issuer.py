"""Issues the commands that belong to no client, besides mass cancels, and finds the reports that answer them.

These are commands of the control thread about phases, auctions and prices, and those that the event loop issues by
itself: expiry and indicative prices.
"""

from __future__ import annotations

import cython

from pricetime.exchange.state.matcher import Matcher
from pricetime.exchange.state.sequencer import Sequencer


@cython.final
@cython.cclass
class Issuer:
    """Used by the event loop only. ``matcher`` executes the commands, and has their reports until they are routed."""

    if not cython.compiled:
        awaited = cython.NULL

    def __init__(self, sequencer: Sequencer, matcher: Matcher) -> None:
        self.sequencer = sequencer
        self.matcher = matcher
        self.first = self.count = 0

    def room(self) -> u64:
        """How many commands can be issued now."""
        return min(self.sequencer.room(), cython.cast(u64, MOST_AWAITED - self.count))

    def issue(
        self, kind: u32, instrument: u32, flags: u32, tag: u32, price: i64, quantity: u64, timestamp: u64, number: u64
    ) -> cython.bint:
        """Number a command. False if there is no room. ``number``: of its answer; 0: no answer is wanted."""
        if self.room() == 0 or not self.sequencer.issue(kind, 0, instrument, flags, tag, timestamp, price, quantity):
            return False
        if number == 0 and kind != EXPIRE:
            return True
        slot: u32 = (self.first + self.count) & (MOST_AWAITED - 1)
        awaited: cython.pointer[Awaited] = cython.address(self.awaited[slot])
        awaited.sequence = self.sequencer.sequence
        awaited.number = number
        awaited.kind = kind
        awaited.instrument = instrument
        self.count += 1
        return True

    def answered(self) -> cython.pointer[Awaited]:
        """The oldest command, if its reports are routed and it was not released; otherwise NULL."""
        if self.count == 0 or self.awaited[self.first].sequence > self.sequencer.answered:
            return cython.NULL
        return cython.address(self.awaited[self.first])

    def release(self) -> None:
        """Forget the oldest command."""
        self.first = (self.first + 1) & (MOST_AWAITED - 1)
        self.count -= 1

    def report_of(self, awaited: cython.pointer[Awaited]) -> cython.pointer[cython.const[Report]]:
        """The report that states what an answered command did, or rejects it.

        Call it before the next batch is executed. The reports of what an expiry triggers follow its report; of other
        commands it is among the first.
        """
        place: u64 = self.sequencer.place(awaited.sequence)
        first: u64 = self.sequencer.bounds[place]
        last: u64 = self.sequencer.bounds[place + 1] - 1
        block: cython.pointer[Report] = self.matcher.block
        kind: u32 = self._stating(awaited.kind)
        if awaited.kind == EXPIRE:
            while last > first and block[last].kind != kind and block[last].kind != REJECTED:
                last -= 1
            return cython.address(block[last])
        while first < last and block[first].kind != kind and block[first].kind != REJECTED:
            first += 1
        return cython.address(block[first])

    def _stating(self, kind: u32) -> u32:
        """The kind of report that states the result of a command."""
        if kind == SET_PHASE:
            return PHASE_CHANGED
        if kind == UNCROSS:
            return UNCROSSED
        if kind == EXPIRE:
            return EXPIRY_DONE
        return PRICE_SET if kind == SET_PRICE else INDICATIVE
