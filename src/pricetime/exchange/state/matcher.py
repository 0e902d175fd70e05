"""The matcher: executes batches of commands in the books, and keeps their reports until the router has routed them.

It makes no system call and allocates nothing after its construction.
"""

from __future__ import annotations

import cython

from pricetime.core.engine import Engine
from pricetime.core.places import Places
from pricetime.exchange.state.sequencer import Sequencer

if cython.compiled:
    from cython.cimports.libc.string import memmove


@cython.final
@cython.cclass
class Matcher:
    """Runs the books of ``engine``, which no other thread may use at the same time. Raises MemoryError.

    While the next batch is executed, as many reports may wait for the router as commands in ``sequencer``. ``traced``:
    keep the report checksum.
    """

    def __init__(self, engine: Engine, sequencer: Sequencer, traced: bool) -> None:
        self.engine = engine
        self.sequencer = sequencer
        self.books = self.engine.books
        assert isinstance(self.books.rules, Places)
        self.places = self.books.rules
        self.traced = traced
        self.report_checksum = 0
        self.waiting = self.sequencer.capacity
        self.count = self.routed = self.held = 0
        self.room = self.waiting + self._most_reports() + 1  # one may be kept
        self.block_bytes = self.room * (cython.sizeof(Report) + 2 * cython.sizeof(u64))
        self.block = cython.cast(cython.pointer[Report], reserve(self.block_bytes))
        if not self.block:
            raise MemoryError(f"no room for the reports of {BATCH} commands")
        self.references = cython.cast(cython.pointer[u64], self.block + self.room)
        self.buyers = self.references + self.room

    def __dealloc__(self) -> None:
        release(self.block, self.block_bytes)

    def _most_reports(self) -> u64:
        """Most reports of a batch: all orders may be in a call phase, and icebergs may have as many slices as they can.

        Each command may add as many slices again: the batch ends before a command that has too little room.
        """
        orders: u64 = self.books.capacity
        slices: u64 = self.books.refresh_limit
        return self.books.report_bound(BATCH, BATCH, 2 * orders) + 2 * REPORTS_PER_REFRESH * slices

    def prefault(self) -> None:
        """Take the memory for orders from the system. Before the first command."""
        self.books.prefault(self.books.capacity, FIRST_LEVELS)
        first: u64 = FIRST_BYTES
        prefault_pages(self.block, min(first, self.block_bytes))
        prefault_pages(self.references, min(first, self.block_bytes) // 7)

    def take_engine(self) -> None:
        """Reserve the engine for this matcher. Raises BookBusy if a call is in progress."""
        self.engine.enter()

    def leave_engine(self) -> None:
        self.engine.leave()

    def ready(self) -> u64:
        """How many of the sequencer's next commands can be executed now, at most BATCH."""
        if self.sequencer.executed == self.sequencer.sequence or not self._make_room():
            return 0
        batch: u64 = BATCH
        return min(batch, self.sequencer.run_from(self.sequencer.executed + 1, self.sequencer.sequence))

    def _make_room(self) -> cython.bint:
        """Is there room for the reports of one more batch?"""
        if self.sequencer.answered == self.sequencer.executed:
            self.drop(self.count)
        elif self.count > self.waiting:
            dropped: u64 = self.sequencer.bounds[self.sequencer.place(self.sequencer.answered + 1)]
            if 2 * dropped < self.count:
                return False  # so that each report is moved once on average
            self.drop(dropped)
            self.sequencer.shift(dropped)
        return self.count <= self.waiting

    def execute_next(self, count: u64) -> u64:
        """Execute the sequencer's next commands, at most ``ready()``, or fewer: see ``execute``. Returns how many.

        ``held`` are left, which the log has: they come next, without being appended again.
        """
        place: u64 = self.sequencer.place(self.sequencer.executed + 1)
        done: u64 = self.execute(
            cython.address(self.sequencer.commands[place]), count, cython.address(self.sequencer.bounds[place])
        )
        self.sequencer.executed += done
        self.held = (self.held if self.held != 0 else count) - done
        return done

    def execute(self, commands: cython.pointer[cython.const[Command]], count: u64, bounds: cython.pointer[u64]) -> u64:
        """Execute at most BATCH commands. Their reports follow those in ``block``, at most ``waiting``.

        ``bounds``: ``count + 1`` entries. Command ``i`` makes the reports from ``bounds[i]`` to ``bounds[i + 1]``.
        Returns how many it has executed: at least one, and fewer than ``count`` only if icebergs need more room.
        """
        first: u64 = self.count
        bounds[0] = first
        self.books.reports = self.block  # a call from Python to the engine has set its own
        self.books.references = self.references
        self.books.buyers = self.buyers
        self.books.report_count = first
        self.books.spare = self.room - first - self.books.report_bound(count, count, self.books.order_count)
        self.books.run(commands, count, cython.address(bounds[1]))
        if self.books.wanted != 0:
            count -= self.books.skipped
            self.books.resume()
        self.count = self.books.report_count
        if self.traced:
            self._trace(first)
        return count

    def drop(self, reports: u64) -> None:
        """Remove so many reports, which are routed, from the beginning of the block."""
        left: u64 = self.count - reports
        if left != 0:
            memmove(self.block, self.block + reports, left * cython.sizeof(Report))
            memmove(self.references, self.references + reports, left * cython.sizeof(u64))
        buyers: u64 = self.books.buyers_end - min(reports, self.books.buyers_end)
        if buyers != 0:
            memmove(self.buyers, self.buyers + reports, buyers * cython.sizeof(u64))
        self.books.buyers_end = buyers
        self.count = left
        self.routed -= reports

    def _trace(self, first: u64) -> None:
        """Add the reports from ``first`` on to the report checksum, which a replay of the commands must reproduce."""
        i: u64
        report_checksum: u32 = self.report_checksum
        for i in range(first, self.count):
            report_checksum = link(
                report_checksum,
                cython.cast(cython.pointer[cython.const[u64]], cython.address(self.block[i])),
                REPORT_WORDS,
            )
        self.report_checksum = report_checksum

    def orders_of(self, owner: u32, out: cython.pointer[Command], most: u64) -> u64:
        """List an owner's open orders, oldest first, as the commands that would create them. Returns their number."""
        count: u64 = 0
        slot: u32 = self.books.owner_lists[owner].head if owner < self.books.owner_limit else NIL
        while slot != NIL and count < most:
            order: cython.pointer[Order] = cython.address(self.books.orders[slot])
            out[count].type = NEW_ORDER
            out[count].owner = order.owner
            out[count].order_id = order.id
            out[count].quantity = order.remaining
            out[count].side = self.places.side_of(self.books, slot)
            out[count].price = self.places.price_of(self.books, slot)
            out[count].order_type = self.books.cold[slot].order_type
            out[count].time_in_force = self.books.cold[slot].time_in_force
            out[count].instrument = self.books.owner_links[slot].instrument
            count += 1
            slot = self.books.owner_links[slot].next
        return count
