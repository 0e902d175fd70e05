# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The adapter for the public benchmark: its messages through the books of pricetime, the answers over our ring.

The harness is not a Python program. It loads this file as a shared library and calls the functions at the end. The
first call starts Python in the process, once, to load the compiled modules; after that no Python code runs. A message
becomes a command, the C API executes it, and its reports are written as answers directly into the ring, from which a
thread of the harness takes them. Each message is completed before the next one is read.
"""

from __future__ import annotations

import cython
from cython.cimports.cpython.ref import Py_DECREF, Py_INCREF
from cython.cimports.libc.string import memcpy

from pricetime.core.instrument import Instrument
from pricetime.native.spread import id_multiplier
from pricetime.types import ReplacePolicy

#: Orders and levels that may rest at once. The workload has at most 43,000. The id table then has 1 MiB, which fits a
#: cache; that for a million orders has 16 MiB. An order beyond the limit is rejected, and the hash would differ.
ORDERS = 1 << 16

#: Answers that are published together: the fewer, the more often both sides access the same cache line.
TOGETHER = cython.declare(cython.ulonglong, 32)

# One engine per process, as in the benchmark.
engine = cython.declare(Engine)
transport = cython.declare(Transport)
started = cython.declare(cython.bint)


@cython.final
@cython.cclass
class Engine:
    """One book, and the producer's side of a ring of answers."""

    def __init__(self, ring: Ring):
        """Allocate books and reports. Raises MemoryError."""
        # A modify of the benchmark always removes the order and enters it again.
        instrument = Instrument(0, replace_policy=ReplacePolicy.ALWAYS_LOSE)
        self.books = Books([instrument], ORDERS, ORDERS, id_multiplier())
        self.room = self.books.report_bound(1, 0, ORDERS)
        self.reports = cython.cast(cython.pointer[Report], reserve(self.room * cython.sizeof(Report)))
        if not self.reports:
            raise MemoryError("no room for the reports of a command")
        self._prefault()
        self.ring = ring
        self.slots = cython.cast(cython.pointer[Answer], ring.slots)
        self.mask = ring.mask
        self.tail = self.published = ring.producer.tail
        self.limit = self.tail + ring.capacity
        self.together = TOGETHER

    def _prefault(self):
        """Prefault the memory for orders."""
        self.books.prefault(ORDERS, ORDERS)
        prefault_pages(self.reports, self.room * cython.sizeof(Report))

    def __dealloc__(self):
        release(self.reports, self.room * cython.sizeof(Report))

    def new_order(self, order):
        c: cython.pointer[Command] = cython.address(self.command)
        c.type = NEW_ORDER
        c.side = order.side + BID
        c.time_in_force = IOC if order.ioc else GTC
        c.order_id = order.order_id
        c.price = order.price
        c.quantity = order.quantity
        self._run(order.sequence, NO_ANSWER)

    def cancel(self, cancel):
        self.command.type = CANCEL_ORDER
        self.command.order_id = cancel.order_id
        self._run(cancel.sequence, CANCEL_REJECT)

    def modify(self, modify):
        c: cython.pointer[Command] = cython.address(self.command)
        c.type = REPLACE_ORDER
        c.order_id = modify.order_id
        c.price = modify.price
        c.quantity = modify.quantity
        self._run(modify.sequence, MODIFY_REJECT)

    def _run(self, sequence, reject):
        """Execute the command and answer. ``reject``: the type of the answer to a rejection."""
        i: i64
        made: i64 = run_commands(self.books, cython.address(self.command), 1, self.reports, self.room)
        for i in range(made):
            self._answer(cython.address(self.reports[i]), sequence, reject)
        if self.tail - self.published >= self.together:
            self.publish()

    def _answer(self, report, sequence, reject):
        kind: u32 = report.kind
        if kind == REJECTED and reject == NO_ANSWER:
            return  # the benchmark has no answer to a rejected new order
        if self.tail == self.limit:
            self._make_room()
        words: cython.pointer[i64] = cython.cast(cython.pointer[i64], cython.address(self.slots[self.tail & self.mask]))
        self.tail += 1
        traded: cython.bint = kind == TRADE
        answered: u64 = reject if kind == REJECTED else kind_of(kind)
        side: u64 = cython.cast(u8, report.side - BID)
        # Bypass the caches: a different core reads the slot, and this core's cache is for the book.
        stream(words, answered | side << 8)
        stream(words + 1, sequence)
        stream(words + 2, 0 if traded else report.order_id)
        stream(words + 3, report.price)
        stream(words + 4, cython.cast(u32, report.quantity))
        stream(words + 5, report.maker_id if traded else 0)
        stream(words + 6, report.order_id if traded else 0)
        stream(words + 7, 0)

    def _make_room(self):
        """Wait until the consumer has released a slot."""
        self.publish()
        while self.tail == self.limit:
            self.limit = load_u64(cython.address(self.ring.consumer.head), ACQUIRE) + self.ring.capacity
            if self.tail == self.limit:
                pause()

    def publish(self):
        """Publish all answers."""
        stream_fence()
        store_u64(cython.address(self.ring.producer.tail), self.tail, RELEASE)
        self.published = self.tail
        if self.chosen:
            self._pass_on()

    def _pass_on(self):
        """With a transport that is not ours: push the content of our ring into it."""
        while self.ring.peek(1) != 0:
            answer: cython.pointer[cython.const[Answer]] = cython.cast(
                cython.pointer[cython.const[Answer]], self.ring.peeked(0)
            )
            while self.chosen.push(self.sink, answer) == 0:
                pause()
            self.ring.release(1)

    def quantity_at(self, price, side):
        """Return the lots that rest at a price."""
        level: u32 = self.books.level_at(cython.address(self.books.books[0].ladders[side - 1]), key_of(side, price))
        return self.books.levels[level].quantity if level != NIL else 0


def kind_of(kind):
    """Convert the kind of a report to the type of an answer: a table of nibbles, without a branch."""
    types: u64 = TYPES
    return types >> (kind * 4) & 15


# ---------------------------------------------------------------------- the transport: a ring of pricetime


def create(capacity):
    """Make a ring with room for this many answers; NULL if there is no memory for it."""
    try:
        slots = 2
        while slots < capacity:
            slots *= 2
        ring = Ring(slots, cython.sizeof(Answer), blocking=False)
    except Exception:
        return cython.NULL
    Py_INCREF(ring)
    return cython.cast(cython.p_void, ring)


def destroy(handle):
    Py_DECREF(cython.cast(object, handle))


def push(ring, answer):
    """Put one answer. The engine does not use this: it writes answers in place."""
    if ring.claim(1) == 0:
        return 0
    memcpy(ring.claimed(0), answer, cython.sizeof(Answer))
    ring.commit(1)
    return 1


def drain(ring, out, most):
    """Take up to ``most`` available answers."""
    there: u64 = ring.peek(most)
    first: u64 = min(there, ring.peeked_run())
    if there == 0:
        return 0
    memcpy(out, ring.peeked(0), first * cython.sizeof(Answer))
    if there > first:
        memcpy(cython.address(out[first]), ring.slots, (there - first) * cython.sizeof(Answer))
    ring.release(there)
    return there


def flush(handle):
    """Do nothing: the producer publishes the answers."""


# ---------------------------------------------------------------------- starting Python


def start():
    """Start Python in this process and initialise this module in it, once. Errors end the process."""
    global started
    config: PyConfig
    if started:
        return
    if Py_IsInitialized():
        fail(b"this process runs Python already: load the library from a different program")
    # Compiled modules resolve Python's symbols in the whole process, not in the library that loaded them.
    if dlopen(LIBRARY, RTLD_NOW | RTLD_GLOBAL) == cython.NULL:
        fail(b"Python's shared library is missing: build the adapter again")
    PyImport_AppendInittab(b"pricetime_adapter", make_module)
    PyConfig_InitPythonConfig(cython.address(config))
    config.install_signal_handlers = 0  # the harness handles signals
    PyConfig_SetBytesString(cython.address(config), cython.address(config.program_name), PROGRAM)
    status: PyStatus = Py_InitializeFromConfig(cython.address(config))
    PyConfig_Clear(cython.address(config))
    if PyStatus_Exception(status):
        fail(b"Python does not start")
    if PyImport_ImportModule(b"pricetime_adapter") == cython.NULL:
        PyErr_Print()
        fail(b"pricetime cannot be imported, or is not compiled: run make build, then build the adapter again")
    PyEval_SaveThread()
    started = True


def fail(why):
    fprintf(stderr, b"pricetime_adapter: %s (%s)\n", why, PROGRAM)
    exit(1)


def open_engine(chosen, sink):
    """Make the engine, over the ring ``sink`` if ``chosen`` is our transport. Errors end the process."""
    global engine
    try:
        if chosen == cython.address(transport):
            engine = Engine(cython.cast(object, sink))
        else:
            engine = Engine(Ring(1 << 17, cython.sizeof(Answer), blocking=False))
            engine.chosen = chosen
            engine.sink = sink
            engine.together = 1
    except MemoryError:
        fail(b"there is not enough memory")


def close_engine():
    global engine
    engine = None


# ---------------------------------------------------------------------- called by the harness


def engine_get_transport():
    start()
    transport.create = create
    transport.push = cython.cast(Push, push)
    transport.drain = cython.cast(Drain, drain)
    transport.flush = flush
    transport.destroy = destroy
    return cython.address(transport)


def engine_init(seed, chosen, sink):
    start()
    open_engine(chosen, sink)


def engine_shutdown():
    close_engine()


def engine_on_new_order(order):
    engine.new_order(order)


def engine_on_cancel(cancel):
    engine.cancel(cancel)


def engine_on_modify(modify):
    engine.modify(modify)


def engine_flush():
    engine.publish()


def engine_query_best_bid():
    price: i64 = 0
    if best_price(engine.books, 0, BID, cython.address(price)):
        return price
    return NO_BID


def engine_query_best_ask():
    price: i64 = 0
    if best_price(engine.books, 0, ASK, cython.address(price)):
        return price
    return NO_ASK


def engine_query_depth_at(price, side):
    return engine.quantity_at(price, side + BID)
