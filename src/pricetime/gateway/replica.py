# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The books once more, rebuilt from the feed as any subscriber does: what snapshots are taken from.

So a snapshot never stops the engine, and what it says is what a subscriber would have. The feed's store waits for
the replica before it overwrites what is not applied yet.
"""

from __future__ import annotations

import time

import cython

NAP_SECONDS = 0.002


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
        while load_u32(cython.address(self.ended), ACQUIRE) == 0:
            work: u64
            with cython.nogil:
                work = self.step()
            if work < RUN:
                time.sleep(NAP_SECONDS)

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
            if not self.broken:
                self.broken = self.builder.apply_run(self.store.at(self.next), count) < 0
            self.next += count
            self.store.keep_from(self.next)
        return count

    def snapshot(self):
        """What ``BookBuilder.snapshot`` gives: the books after a certain report of the feed, which it names.

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
            return self.builder.snapshot()
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
                while self.builder.rebuilt.crossing != NIL and self._apply(1) != 0:
                    pass
                if self.builder.rebuilt.crossing == NIL and not self.broken:
                    return True
                self.latch.leave()
                return False
            left -= 1
            pause()
        return False
