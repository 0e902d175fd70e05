# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A copy of the books, rebuilt from the feed like a subscriber's. Snapshots for subscribers are taken from it.

So a snapshot never stops the engine, and it holds exactly what a subscriber would have. The feed store does not
overwrite reports that the replica has not applied yet.
"""

from __future__ import annotations

import time

import cython
import numpy as np

from pricetime.core.snapshot import Snapshot
from pricetime.errors import UnknownInstrument
from pricetime.types import SNAPSHOT_ORDER

#: Wait when the replica is up to date, in seconds.
IDLE_WAIT_S = 0.002

#: Delay between attempts to read a book in seconds, and how many attempts wait for a command in progress to finish.
RETRY_S, MOST_RETRIES = 0.0002, 100


@cython.final
@cython.cclass
class Replica:
    """Applies the feed in ``run``, which needs its own thread; other threads call ``snapshot``, ``depths``, ``totals``.

    ``builder``: the books after the last report in the store.
    """

    def __init__(self, store, builder):
        self.store = store
        self.builder = builder
        self.latch = Latch()
        self.next = self.builder.seq_num + 1
        self.ended = 0
        self.broken = False

    def run(self):
        """Apply the reports of the feed until ``end``; waits IDLE_WAIT_S when there are none."""
        while not self._is_ended():
            with cython.nogil:
                while self.step() == RUN and not self._is_ended():
                    if self.store.newest() - self.next < self.store.capacity // 4:
                        yield_processor()  # other threads are more urgent, unless the feed store is getting full
            time.sleep(IDLE_WAIT_S)

    def _is_ended(self):
        return load_u32(cython.address(self.ended), ACQUIRE) != 0

    def prefault(self):
        """Take the memory for the first orders. No order waits for this thread, but one may wait for its processor."""
        self.builder.prefault(FIRST_ORDERS)

    def end(self):
        """Make ``run`` return. Callable from any thread."""
        store(cython.address(self.ended), 1, RELEASE)

    def step(self):
        """Apply the next reports. Returns how many; 0 if there are none or a thread is reading the books."""
        if not self.latch.enter():
            return 0
        count: u64 = self._apply(RUN)
        self.latch.leave()
        return count

    def _apply(self, most):
        """Apply at most ``most`` reports; the caller holds the latch. Returns how many."""
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
        """Sequence number of the last applied report. Readable from any thread."""
        return self.next - 1

    def snapshot(self):
        """A snapshot of the books, which names the last report of the feed that it contains, and the checksum.

        First applies all reports that are published now. Raises RuntimeError if the replica is broken, which would be a
        defect of the exchange.
        """
        wanted: u64 = self.store.newest()
        while True:
            if self.broken:
                raise RuntimeError(
                    "the replica received a report that does not match its books: no snapshot is possible"
                )
            if self.next >= wanted and self.latch.enter():
                break
            self.step()
        try:
            # The store holds all reports that are not applied, so it knows the checksum before the next one.
            return self.builder.snapshot()._replace(checksum=self.store.checksum_before(self.next))
        finally:
            self.latch.leave()

    def instruments(self):
        """A ``Snapshot`` of the instruments and their phases, without an order: O(instruments). From any thread."""
        while not self.latch.enter():
            time.sleep(RETRY_S)
        try:
            known = tuple(self.builder.instruments.values())
            return Snapshot(self.next - 1, known, np.empty(0, SNAPSHOT_ORDER), 0, 0)
        finally:
            self.latch.leave()

    # ------------------------------------------------------------------ depth and totals

    def depths(self, instruments, levels):
        """The best levels of several books at one moment: {instrument: (phase, bids, asks)}, arrays as of ``depth``.

        None if the replica is busy, broken or within a command: try again. Waits less than a millisecond, without the
        GIL. O(instruments * levels). Raises UnknownInstrument.
        """
        held: cython.bint
        with cython.nogil:
            held = self._enter_between_commands()
        if not held:
            return None
        try:
            found = {}
            for instrument in instruments:
                book = self.builder.book(instrument)
                found[instrument] = (book.phase, *book.depth(levels))
            return found
        finally:
            self.latch.leave()

    def _enter_between_commands(self):
        """Take the latch between two commands. The applying thread releases it every few microseconds."""
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
        """State of a book, and for bids and for asks a tuple (orders, levels, lots as float, best price or None).

        Waits for the replica, and up to 20 ms for an aggressing order to finish its trades. O(levels) without the GIL,
        while the replica waits. Raises UnknownInstrument.
        """
        retries = 0
        while True:
            if self.latch.enter():
                if not self.builder.rebuilt.taking or retries >= MOST_RETRIES:
                    break
                self.latch.leave()
            retries += 1
            time.sleep(RETRY_S)
        try:
            self.builder.book(instrument)  # raises UnknownInstrument
        except UnknownInstrument:
            self.latch.leave()
            raise
        book: cython.pointer[Book] = self.builder.rebuilt.books.book_of(instrument)
        orders: u64[2]
        lots: cython.double[2]
        best: i64[2]
        levels: u32[2]
        phase: u32 = book.phase
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
        return phase, sides[0], sides[1]

    def _add_up(self, ladder, orders, lots):
        """Add up the orders and lots of one side."""
        orders[0] = 0
        lots[0] = 0
        level: u32 = ladder.best
        while level != NIL:
            queue: cython.pointer[Level] = cython.address(self.builder.rebuilt.books.levels[level])
            orders[0] += queue.count
            lots[0] += queue.quantity
            level = self.builder.rebuilt.books.level_behind(ladder, level)
