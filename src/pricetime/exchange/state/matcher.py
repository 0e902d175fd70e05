"""The matcher: executes batches of commands in the books, and keeps their reports until the router has routed them.

It makes no system call and allocates nothing after its construction.
"""

from __future__ import annotations

import cython

from pricetime.core.engine import Engine
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
        self.traced = traced
        self.report_checksum = 0
        self.waiting = self.sequencer.capacity
        self.count = self.routed = 0
        room: u64 = self.waiting + self.books.report_bound(BATCH, BATCH, self.books.capacity) + 1  # one may be kept
        self.block_bytes = room * (cython.sizeof(Report) + cython.sizeof(u64))
        self.block = cython.cast(cython.pointer[Report], reserve(self.block_bytes))
        if not self.block:
            raise MemoryError(f"no room for the reports of {BATCH} commands")
        self.references = cython.cast(cython.pointer[u64], self.block + room)

    def __dealloc__(self) -> None:
        release(self.block, self.block_bytes)

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

    def execute_next(self, count: u64) -> None:
        """Execute the sequencer's next commands, at most ``ready()``."""
        place: u64 = self.sequencer.place(self.sequencer.executed + 1)
        self.execute(
            cython.address(self.sequencer.commands[place]), count, cython.address(self.sequencer.bounds[place])
        )
        self.sequencer.executed += count

    def execute(self, commands: cython.pointer[cython.const[Command]], count: u64, bounds: cython.pointer[u64]) -> None:
        """Execute at most BATCH commands. Their reports follow those in ``block``.

        ``bounds``: ``count + 1`` entries. Command ``i`` makes the reports from ``bounds[i]`` to ``bounds[i + 1]``.
        """
        first: u64 = self.count
        bounds[0] = first
        self.books.reports = self.block  # a call from Python to the engine has set its own
        self.books.references = self.references
        self.books.report_count = first
        self.books.run(commands, count, cython.address(bounds[1]))
        self.count = self.books.report_count
        if self.traced:
            self._trace(first)

    def drop(self, reports: u64) -> None:
        """Remove so many reports, which are routed, from the beginning of the block."""
        left: u64 = self.count - reports
        if left != 0:
            memmove(self.block, self.block + reports, left * cython.sizeof(Report))
            memmove(self.references, self.references + reports, left * cython.sizeof(u64))
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
            level: cython.pointer[Level] = cython.address(self.books.levels[order.level])
            out[count].type = NEW_ORDER
            out[count].owner = order.owner
            out[count].order_id = order.id
            out[count].quantity = order.remaining
            out[count].side = level.side
            out[count].price = level.key if level.side == BID else ~level.key
            out[count].instrument = self.books.owner_links[slot].instrument
            count += 1
            slot = self.books.owner_links[slot].next
        return count
