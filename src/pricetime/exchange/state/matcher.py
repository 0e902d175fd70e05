# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The matcher: takes commands from one ring, executes them in the books, and puts their reports into a second ring.

It makes no system call. Commands are executed in place in the ring, and released when all their reports are in the ring
of reports. With a journal, a command is appended to it before it is executed, and not executed if the journal did not
take it. If the ring of reports is full, the matcher continues in its next step.

For a sample of commands (``match_sample_every``), it measures the time from ring to ring. A sampled command is executed
as a batch of its own, so that the time is that of one command.
"""

from __future__ import annotations

import time

import cython

from pricetime.types import COMMAND

#: Timeout for listing an owner's orders, and interval of checks whether the list is ready, in seconds.
LIST_TIMEOUT_S, POLL_S = 5.0, 0.001


@cython.final
@cython.cclass
class Matcher:
    """Runs the books of ``engine``, which no other thread may use at the same time. Raises MemoryError.

    ``idle``: an ``Idle``, how ``run`` waits for commands. ``traced``: keep the report checksum; always on with a
    journal.
    """

    def __init__(self, engine, commands, reports, idle, *, traced=False):
        self.engine = engine
        self.books = self.engine.books
        self.journaled = self.starved = False
        self.traced = traced
        self.report_checksum = 0
        self.ended = 0
        self.idle = idle
        self.commands = commands
        self.reports = reports
        self.batch = self.command = self.report = self.executed = 0
        self.list_state = 0
        self.match = Latencies()
        self._name_kinds()
        self.every = self.untimed = NEVER
        self.began_ns = 0
        most: u64 = self.books.capacity
        room: u64 = (REPORTS_PER_COMMAND + OPEN_ORDERS_TOLD) * BATCH + REPORTS_PER_MAKER * (most + BATCH)
        self.block_bytes = room * (cython.sizeof(Report) + cython.sizeof(u64))
        self.block = cython.cast(cython.pointer[Report], reserve(self.block_bytes))
        self.references = cython.cast(cython.pointer[u64], self.block + room)
        if not self.block:
            raise MemoryError(f"no room for the reports of {BATCH} commands")

    def __dealloc__(self):
        release(self.block, self.block_bytes)

    def record(self, journal):
        """Append every command to ``journal``, a ``Writer``, before it is executed. Call it before ``run``."""
        self.journal = journal
        self.journaled = self.traced = True

    def _name_kinds(self):
        number: cython.int
        for number in range(TYPES):
            self.kinds[number] = OTHER
        self.kinds[NEW_ORDER] = RESTS
        self.kinds[CANCEL_ORDER] = self.kinds[REDUCE_ORDER] = CANCEL
        self.kinds[REPLACE_ORDER] = self.kinds[REPLACE_ORDER_AS] = REPLACE

    def time_one_of(self, every):
        """Measure one command in ``every`` into ``match``; 0: none. Call it before ``run``."""
        self.every = every or NEVER
        self.untimed = self.every - 1

    def prefault(self):
        """Take the memory for orders from the system. Before the first command."""
        self.books.prefault(self.books.capacity, FIRST_LEVELS)
        first: u64 = FIRST_BYTES
        prefault_pages(self.block, min(first, self.block_bytes))
        prefault_pages(self.references, min(first, self.block_bytes) // 7)
        self.match.prefault()

    def take_engine(self):
        """Reserve the engine for this matcher. Raises BookBusy if a call is in progress."""
        self.engine.enter()

    def leave_engine(self):
        self.engine.leave()

    def run(self):
        """Execute commands until ``end``. Needs its own thread."""
        with cython.nogil:
            self._run()

    def end(self):
        """Make ``run`` return. Callable from any thread."""
        store(cython.address(self.ended), 1, RELEASE)

    def open_orders(self, owner):
        """An owner's open orders, oldest first, at most MOST_LISTED, as an array of ``pricetime.COMMAND``.

        Callable from one other thread at a time while the matcher runs, which lists them between two commands. Raises
        RuntimeError if the matcher does not answer within LIST_TIMEOUT_S.
        """
        if load_u32(cython.address(self.list_state), ACQUIRE) != LIST_ASKED:  # otherwise an earlier call has timed out
            self.list_owner = owner
            self.list_block = Block(MOST_LISTED * cython.sizeof(Command))
            store(cython.address(self.list_state), LIST_ASKED, RELEASE)
        deadline = time.monotonic() + LIST_TIMEOUT_S
        while load_u32(cython.address(self.list_state), ACQUIRE) == LIST_ASKED:
            if time.monotonic() > deadline:
                raise RuntimeError("the matcher does not answer: it is waiting for the journal, or has ended")
            time.sleep(POLL_S)
        if self.list_owner != owner:
            return self.open_orders(owner)
        return self.list_block.array(COMMAND, self.listed)

    def _list(self):
        """List the orders of an owner as the commands that would create them."""
        out: cython.pointer[Command] = cython.cast(cython.pointer[Command], self.list_block.memory)
        count: u64 = 0
        slot: u32 = self.books.owner_lists[self.list_owner].head if self.list_owner < self.books.owner_limit else NIL
        while slot != NIL and count < MOST_LISTED:
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
        self.listed = count
        store(cython.address(self.list_state), LIST_DONE, RELEASE)

    def _run(self):
        tries: u64 = 0
        while load_u32(cython.address(self.ended), ACQUIRE) == 0:
            if self.step() != 0:
                tries = 0
                continue
            blocks: cython.bint = self.idle.step(tries)
            tries += 1
            if self.batch != 0 or self.starved:
                yield_processor()  # wait until the gateway takes reports, or the journal has room
            elif blocks:
                self.commands.sleep_until_readable(SLEEP_NS)

    def step(self):
        """Hand on the remaining reports of the last batch, then execute a batch of commands. Returns its size."""
        if load_u32(cython.address(self.list_state), ACQUIRE) == LIST_ASKED:
            self._list()
        if self.batch != 0 and not self._hand_on():
            return 0
        count: u64 = self.commands.peek(BATCH)
        if count == 0:
            return 0
        count = min(count, self.commands.peeked_run())
        timed: cython.bint = self.untimed == 0
        if timed:
            count = 1
            if self.began_ns == 0:  # otherwise it was started in an earlier step, and the journal had no room
                self.began_ns = monotonic_ns()
        elif self.untimed < count:
            count = self.untimed
        self.books.reports = self.block
        self.books.references = self.references
        self.books.report_count = 0
        first: cython.pointer[Command] = cython.cast(cython.pointer[Command], self.commands.peeked(0))
        if self.journaled:
            count = self.journal.append(first, count, self.books.seq_num, self.report_checksum)
            self.starved = count == 0
            if count == 0:
                return 0
        self.books.run(first, count, self.ends)
        if self.traced:
            self._trace()
        self.executed += count
        self.untimed = self.every - 1 if timed else self.untimed - count
        self.batch = count
        self.command = self.report = 0
        self._hand_on()
        return count

    def _trace(self):
        """Add the reports of this batch to the report checksum, which a replay of the same commands must reproduce."""
        i: u64
        report_checksum: u32 = self.report_checksum
        for i in range(self.books.report_count):
            report_checksum = link(
                report_checksum,
                cython.cast(cython.pointer[cython.const[u64]], cython.address(self.block[i])),
                REPORT_WORDS,
            )
        self.report_checksum = report_checksum

    def _hand_on(self):
        """Put the reports of the batch into the ring. False if the ring has no room for all of them yet."""
        left: u64 = self.ends[self.batch - 1] - self.report
        room: u64 = self.reports.claim(left)
        commands: cython.pointer[Command] = cython.cast(cython.pointer[Command], self.commands.peeked(0))
        kind: u32 = OTHER
        i: u64
        for i in range(room):
            while self.report == self.ends[self.command]:
                self.command += 1
            routed: cython.pointer[RoutedReport] = cython.cast(cython.pointer[RoutedReport], self.reports.claimed(i))
            routed.report = self.block[self.report]
            routed.report.seq_num = self.references[self.report]
            routed.timestamp = commands[self.command].timestamp
            routed.session = commands[self.command].session
            self.report += 1
            routed.last = self.report == self.ends[self.command]
            if routed.last:
                first: u64 = self.ends[self.command - 1] if self.command != 0 else 0
                kind = self._kind(cython.address(commands[self.command]), first, self.report)
                routed.kind = kind
        if room != 0:
            self.reports.commit(room)
        if room < left:
            return False
        if self.began_ns != 0:
            self.match.record(kind, monotonic_ns() - self.began_ns)
            self.began_ns = 0
        self.commands.release(self.batch)
        self.batch = 0
        return True

    def _kind(self, command, first, end):
        """The kind of a command for latency measurements, from its type and its reports ``first`` to ``end``.

        It uses a table of types, because branches on the type of a command are hard to predict for the processor.
        """
        if self.block[first].kind == REJECTED:
            return OTHER
        kind: u32 = self.kinds[command.type & (TYPES - 1)]
        if kind != RESTS or end - first == 1:
            return kind
        i: u64
        for i in range(first + 1, end):
            if self.block[i].kind == TRADE:
                return TRADES
            if self.block[i].kind == CANCELLED and self.block[i].order_id == command.order_id:
                kind = OTHER
        return kind
