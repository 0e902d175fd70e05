# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The books once more, rebuilt from the feed as any subscriber does: what snapshots are taken from.

So a snapshot never stops the engine, and what it says is what a subscriber would have. The feed's store waits for
the replica before it overwrites what is not applied yet.
"""

from __future__ import annotations

import time

import cython
import numpy as np

from pricetime.core.snapshot import Snapshot
from pricetime.errors import UnknownInstrument
from pricetime.types import SNAPSHOT_ORDER

NAP_SECONDS = 0.002

#: Between two looks whether a book can be looked at, and how often a command in progress is left to go on first.
LOOK_SECONDS, MOST_LOOKS = 0.0002, 100


@cython.final
@cython.cclass
class Replica:
    """``run`` is for a thread of its own; ``snapshot`` for any other. ``builder``: as the feed in the store has it."""

    def __init__(self, store, builder):
        self.store = store
        self.builder = builder
        self.latch = Latch()
        self.next = self.builder.seq_num + 1
        self.ended = 0
        self.broken = False

    def run(self):
        """Apply what the feed has, until ``end``; a nap where there is nothing."""
        while not self._is_ended():
            with cython.nogil:
                while self.step() == RUN and not self._is_ended():
                    if self.store.newest() - self.next < self.store.capacity // 4:
                        yield_processor()  # whoever waits for this processor is more urgent, until the feed may wait
            time.sleep(NAP_SECONDS)

    def _is_ended(self):
        return load_u32(cython.address(self.ended), ACQUIRE) != 0

    def prefault(self):
        """Take up what the first orders need: nobody waits for this thread, but others do for its processor."""
        self.builder.prefault(FIRST_ORDERS)

    def end(self):
        """Let ``run`` return. From any thread."""
        store(cython.address(self.ended), 1, RELEASE)

    def step(self):
        """Apply the next run of reports: how many, 0 when there is none or somebody looks at the books."""
        if not self.latch.enter():
            return 0
        count: u64 = self._apply(RUN)
        self.latch.leave()
        return count

    def _apply(self, most):
        """Apply so many reports at most, inside: how many."""
        count: u64 = min(self.store.run_from(self.next), most)
        if count != 0:
            first: cython.pointer[Report] = self.store.at(self.next)
            if not self.broken:
                self.broken = self.builder.apply_run(first, count) < 0
            self.next += count
            self.store.keep_from(self.next)
        return count

    @property
    def applied(self):
        """The number of the last report of the feed that was applied. From any thread."""
        return self.next - 1

    def snapshot(self):
        """What ``BookBuilder.snapshot`` gives, with the checksum: the books after a report of the feed, which it names.

        Waits until a run of reports is applied, and until the replica has all that is published now. Raises
        RuntimeError when the replica is broken, which would be a fault of the exchange.
        """
        wanted: u64 = self.store.newest()
        while True:
            if self.broken:
                raise RuntimeError("the replica met a report that does not fit: no snapshot can be given")
            if self.next >= wanted and self.latch.enter():
                break
            self.step()
        try:
            # The store keeps what is not applied, so it knows the checksum before the next report.
            return self.builder.snapshot()._replace(checksum=self.store.checksum_before(self.next))
        finally:
            self.latch.leave()

    def instruments(self):
        """A ``Snapshot`` of the instruments and their states, without an order: O(instruments). From any thread."""
        while not self.latch.enter():
            time.sleep(LOOK_SECONDS)
        try:
            known = tuple(self.builder.instruments.values())
            return Snapshot(self.next - 1, known, np.empty(0, SNAPSHOT_ORDER), 0, 0)
        finally:
            self.latch.leave()

    # ------------------------------------------------------------------ a look

    def depths(self, instruments, levels):
        """The best levels of some books at one moment: {instrument: (state, bids, asks)}, as ``depth`` has them.

        None when the replica is at work, broken, or in the middle of a command: ask again in a moment. Waits less than
        a millisecond, without the GIL. O(instruments * levels). Raises UnknownInstrument.
        """
        held: cython.bint
        with cython.nogil:
            held = self._hold()
        if not held:
            return None
        try:
            found = {}
            for instrument in instruments:
                book = self.builder.book(instrument)
                found[instrument] = (book.state, *book.depth(levels))
            return found
        finally:
            self.latch.leave()

    def _hold(self):
        """Enter, between two commands. A thread that applies leaves every few microseconds: that is waited for."""
        left: cython.int = TRIES
        while left != 0:
            if self.latch.enter():
                while self.builder.rebuilt.taking and self._apply(1) != 0:
                    pass
                if not self.builder.rebuilt.taking and not self.broken:
                    return True
                self.latch.leave()
                return False
            left -= 1
            pause()
        return False

    def totals(self, instrument):
        """What rests in the book of an instrument: its state, and for bids and asks a tuple each.

        (orders, levels, lots, best price or None); lots are a float. Waits until a run of reports is applied, and where
        a taker is in the middle of its trades, a little until it is through. O(levels), without the GIL, and for that
        long the replica waits. Raises UnknownInstrument.
        """
        looks = 0
        while True:
            if self.latch.enter():
                if not self.builder.rebuilt.taking or looks >= MOST_LOOKS:
                    break
                self.latch.leave()
            looks += 1
            time.sleep(LOOK_SECONDS)
        try:
            self.builder.book(instrument)  # is there one?
        except UnknownInstrument:
            self.latch.leave()
            raise
        book: cython.pointer[Book] = self.builder.rebuilt.books.book_of(instrument)
        orders: u64[2]
        lots: cython.double[2]
        best: i64[2]
        levels: u32[2]
        state: u32 = book.state
        side: cython.int
        with cython.nogil:
            for side in range(2):
                levels[side] = book.ladders[side].levels
                best[side] = key_of(side + BID, book.ladders[side].best_key)
                self._add_up(
                    cython.address(book.ladders[side]), cython.address(orders[side]), cython.address(lots[side])
                )
            self.latch.leave()
        sides = [(orders[side], levels[side], lots[side], best[side] if levels[side] else None) for side in range(2)]
        return state, sides[0], sides[1]

    def _add_up(self, ladder, orders, lots):
        """The orders and lots of one side."""
        orders[0] = 0
        lots[0] = 0
        level: u32 = ladder.best
        while level != NIL:
            queue: cython.pointer[Level] = cython.address(self.builder.rebuilt.books.levels[level])
            orders[0] += queue.count
            lots[0] += queue.quantity
            level = self.builder.rebuilt.books.level_behind(ladder, level)
