# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A ring of slots between one producer and one consumer, without a lock.

Sections, in this order: making; the producer; the consumer; the end, and waiting; calls from Python; what is always
true. What lies where is in ``layout.pxd``; how the two sides agree, and why nothing is lost, is in
``docs/internals/ring.md``.
"""

from __future__ import annotations

import cython
import numpy as np
from cython.cimports.cpython.buffer import PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cython.cimports.cpython.exc import PyErr_CheckSignals
from cython.cimports.libc.string import memcpy, memset

from pricetime.checks import shown, whole
from pricetime.errors import InvalidMessage, InvalidRing, InvalidSetting, RingBusy, RingClosed, RingTimeout

#: A deadline that never comes.
FOREVER = (1 << 63) - 1

#: A call from Python that waits looks for signals (Ctrl-C) this often.
SIGNALS_NS = cython.declare(cython.longlong, 50_000_000)

#: Where nobody wakes a sleeper (a ring that is not blocking) it looks for itself this often.
NAP_NS = cython.declare(cython.longlong, 50_000)


@cython.final
@cython.cclass
class Ring:
    """One producer and one consumer, ``capacity`` slots of ``slot_bytes`` each, in memory of its own.

    ``Ring.create`` and ``Ring.attach`` make one in memory that processes share. From Python a slot holds a message
    (``put``, ``get``: bytes, at most ``slot_bytes - 4``) or a record (``put_records``, ``get_records``: the whole
    slot, from and to NumPy arrays); one ring carries one of the two. Every call is O(records moved).

    One thread puts and one gets; they may be the same. A second thread on the same side raises RingBusy.
    """

    # ------------------------------------------------------------------ making

    def __init__(self, capacity=1024, slot_bytes=DEFAULT_SLOT_BYTES, *, blocking=True, idle=None):
        """``capacity``: a power of two, 2 to 2**30. ``slot_bytes``: a multiple of 8, to 2**20.

        ``blocking``: a side that waits may sleep, and is woken; every commit and release then costs a fence.
        ``idle``: an ``Idle``, how calls from Python wait. Raises InvalidSetting and MemoryError.
        """
        if self.memory:
            raise TypeError("a ring is made once: its slots may be in use")
        n_bytes = size_of(capacity, slot_bytes)
        self._take_own(n_bytes)
        self._lay_out(capacity, slot_bytes, blocking)
        self._bind(idle)

    @staticmethod
    def create(buffer, capacity=1024, slot_bytes=DEFAULT_SLOT_BYTES, *, blocking=True, idle=None):
        """A new, empty ring in ``buffer``, which other processes then attach to.

        ``buffer``: writable, contiguous, of ``Ring.size(capacity, slot_bytes)`` bytes at least, at a multiple of 64:
        an ``mmap``, the ``buf`` of a ``SharedMemory``. It stays in use as long as the ring lives. The other arguments
        as of ``Ring``. Raises InvalidSetting and InvalidRing.
        """
        n_bytes = size_of(capacity, slot_bytes)
        ring: Ring = Ring.__new__(Ring)
        ring._take_buffer(buffer)
        if ring.view.len < n_bytes:
            raise InvalidRing(f"the buffer has {ring.view.len} bytes, and this ring takes {n_bytes}")
        ring._lay_out(capacity, slot_bytes, blocking)
        ring._bind(idle)
        return ring

    @staticmethod
    def attach(buffer, *, idle=None):
        """The ring that somebody else has made in ``buffer``. Raises InvalidRing, saying what does not fit."""
        ring: Ring = Ring.__new__(Ring)
        ring._take_buffer(buffer)
        ring._bind(idle)
        return ring

    @staticmethod
    def size(capacity=1024, slot_bytes=DEFAULT_SLOT_BYTES):
        """The bytes that a ring takes. Raises InvalidSetting."""
        return size_of(capacity, slot_bytes)

    def _take_own(self, n_bytes):
        self.memory = cython.cast(cython.pointer[u8], reserve(n_bytes))
        if not self.memory:
            raise MemoryError(f"no room for {n_bytes} bytes")
        self.own_bytes = n_bytes
        memset(self.memory, 0, n_bytes)  # takes the pages up now, and not in the first lap
        return 0

    def _take_buffer(self, buffer):
        try:
            PyObject_GetBuffer(buffer, cython.address(self.view), PyBUF_WRITABLE)
        except (TypeError, BufferError, ValueError) as error:
            raise InvalidRing(f"{shown(buffer)} is no writable, contiguous buffer: {error}") from error
        if cython.cast(u64, self.view.buf) % ALIGNMENT:
            raise InvalidRing(f"the buffer does not begin at a multiple of {ALIGNMENT}: give an mmap or shared memory")
        if self.view.len < SLOTS_OFFSET:
            raise InvalidRing(f"the buffer has {self.view.len} bytes, and the smallest ring takes {size_of(2, 8)}")
        self.memory = cython.cast(cython.pointer[u8], self.view.buf)
        self.shared = True
        return 0

    def _lay_out(self, capacity, slot_bytes, blocking):
        """Describe an empty ring at the start of the memory. The magic comes last: who sees it sees the rest."""
        d: cython.pointer[Descriptor] = cython.cast(cython.pointer[Descriptor], self.memory)
        memset(self.memory, 0, SLOTS_OFFSET)
        d.version = VERSION
        d.capacity = capacity
        d.slot_bytes = cython.cast(u32, slot_bytes)
        d.flags = BLOCKING if blocking else 0
        d.producer_offset = PRODUCER_OFFSET
        d.consumer_offset = CONSUMER_OFFSET
        d.waits_offset = WAITS_OFFSET
        d.slots_offset = SLOTS_OFFSET
        store(cython.address(d.magic), MAGIC, RELEASE)
        return 0

    def _bind(self, idle):
        """Take the places of everything from the descriptor: from a copy, which nobody changes behind the checks."""
        if load_u32(cython.cast(cython.pointer[u32], self.memory), ACQUIRE) != MAGIC:
            raise InvalidRing("no ring is in this buffer, or it is still being made")
        d: Descriptor = cython.cast(cython.pointer[Descriptor], self.memory)[0]
        if d.version != VERSION:
            raise InvalidRing(f"the ring has layout version {d.version}, and this code knows {VERSION}")
        try:
            n_bytes = size_of(d.capacity, d.slot_bytes)
        except InvalidSetting as error:
            raise InvalidRing(f"the descriptor of the ring is damaged: {error}") from error
        offsets = (d.producer_offset, d.consumer_offset, d.waits_offset, d.slots_offset)
        if offsets != (PRODUCER_OFFSET, CONSUMER_OFFSET, WAITS_OFFSET, SLOTS_OFFSET) or d.flags > BLOCKING:
            raise InvalidRing(f"the descriptor of the ring is damaged: offsets {offsets}, flags {d.flags}")
        if self.shared and self.view.len < n_bytes:
            raise InvalidRing(f"the ring takes {n_bytes} bytes, and the buffer has {self.view.len}")
        head_at: cython.pointer[u64] = cython.cast(cython.pointer[u64], self.memory + CONSUMER_OFFSET)
        head: u64 = load_u64(head_at, ACQUIRE)
        tail: u64 = load_u64(cython.cast(cython.pointer[u64], self.memory + PRODUCER_OFFSET), ACQUIRE)
        if tail - head > d.capacity and head == load_u64(head_at, ACQUIRE):  # else the consumer is at work
            raise InvalidRing(f"the cursors of the ring are damaged: tail {tail}, head {head}")
        self.capacity = d.capacity
        self.mask = d.capacity - 1
        self.slot_bytes = d.slot_bytes
        self.blocking = d.flags == BLOCKING
        self.producer = cython.cast(cython.pointer[Producer], self.memory + PRODUCER_OFFSET)
        self.consumer = cython.cast(cython.pointer[Consumer], self.memory + CONSUMER_OFFSET)
        self.waits = cython.cast(cython.pointer[Waits], self.memory + WAITS_OFFSET)
        self.slots = self.memory + SLOTS_OFFSET
        if idle is not None and not isinstance(idle, Idle):
            raise InvalidSetting(f"{shown(idle)} is not an Idle")
        self.idle = Idle() if idle is None else idle
        self.putting, self.getting = Latch(), Latch()
        return 0

    def __dealloc__(self):
        if self.own_bytes:
            give_back(self.memory, self.own_bytes)
        PyBuffer_Release(cython.address(self.view))

    # ------------------------------------------------------------------ the producer

    def claim(self, wanted):
        """The producer alone may call this. Looks at the consumer's cursor only when what it knows is not enough."""
        p: cython.pointer[Producer] = self.producer
        free: u64 = self.capacity - (p.tail - p.seen_head)
        if free < wanted:
            p.seen_head = load_u64(cython.address(self.consumer.head), ACQUIRE)
            free = self.capacity - (p.tail - p.seen_head)
        return min(free, wanted)

    def claimed(self, index):
        return self.slots + ((self.producer.tail + index) & self.mask) * self.slot_bytes

    def claimed_run(self):
        return self.capacity - (self.producer.tail & self.mask)

    def commit(self, count):
        """Whoever sees the new tail sees what was written to the slots before this."""
        store_u64(cython.address(self.producer.tail), self.producer.tail + count, RELEASE)
        if self.blocking:
            self._wake_consumer()

    # ------------------------------------------------------------------ the consumer

    def peek(self, wanted):
        """The consumer alone may call this. Looks at the producer's cursor only when what it knows is not enough."""
        c: cython.pointer[Consumer] = self.consumer
        there: u64 = c.seen_tail - c.head
        if there < wanted:
            c.seen_tail = load_u64(cython.address(self.producer.tail), ACQUIRE)
            there = c.seen_tail - c.head
        return min(there, wanted)

    def peeked(self, index):
        return self.slots + ((self.consumer.head + index) & self.mask) * self.slot_bytes

    def peeked_run(self):
        c: cython.pointer[Consumer] = self.consumer
        return min(c.seen_tail - c.head, self.capacity - (c.head & self.mask))

    def release(self, count):
        """The producer does not see the new head before the slots have been read."""
        store_u64(cython.address(self.consumer.head), self.consumer.head + count, RELEASE)
        if self.blocking:
            self._wake_producer()

    # ------------------------------------------------------------------ the end, and waiting

    def is_closed(self):
        return load_u32(cython.address(self.waits.closed), ACQUIRE) != 0

    def end(self):
        store(cython.address(self.waits.closed), 1, RELEASE)
        self._wake_consumer()
        self._wake_producer()

    def claim_by(self, wanted, idle, deadline_ns):
        """Claim, and wait while nothing is free: until the ring is closed, or the monotonic clock says deadline_ns."""
        tries: u64 = 0
        while not self.is_closed():
            free: u64 = self.claim(wanted)
            if free:
                return free
            if idle.step(tries):
                left_ns: i64 = deadline_ns - cython.cast(i64, monotonic_ns())
                if left_ns <= 0:
                    break
                self.sleep_until_free(left_ns)
            elif tries % 16 == 15 and cython.cast(i64, monotonic_ns()) >= deadline_ns:
                break
            tries += 1
        return 0

    def peek_by(self, wanted, idle, deadline_ns):
        """Peek, and wait while nothing is there: until the ring is closed, or the monotonic clock says deadline_ns."""
        tries: u64 = 0
        while True:
            closed: cython.bint = self.is_closed()  # first: what was put before the end is seen after it
            there: u64 = self.peek(wanted)
            if there or closed:
                return there
            if idle.step(tries):
                left_ns: i64 = deadline_ns - cython.cast(i64, monotonic_ns())
                if left_ns <= 0:
                    return 0
                self.sleep_until_readable(left_ns)
            elif tries % 16 == 15 and cython.cast(i64, monotonic_ns()) >= deadline_ns:
                return 0
            tries += 1

    def sleep_until_free(self, timeout_ns):
        """The producer says that it sleeps, looks once more, and only then sleeps; it may wake for no reason."""
        word: cython.pointer[u32] = cython.address(self.waits.producer_waits)
        if not self.blocking:
            sleep_while(word, 0, min(timeout_ns, NAP_NS), self.shared)
            return
        store(word, 1, RELAXED)
        fence(SEQ_CST)
        if self.claim(1) == 0 and not self.is_closed():
            sleep_while(word, 1, timeout_ns, self.shared)
        store(word, 0, RELAXED)

    def sleep_until_readable(self, timeout_ns):
        """So does the consumer."""
        word: cython.pointer[u32] = cython.address(self.waits.consumer_waits)
        if not self.blocking:
            sleep_while(word, 0, min(timeout_ns, NAP_NS), self.shared)
            return
        store(word, 1, RELAXED)
        fence(SEQ_CST)
        if self.peek(1) == 0 and not self.is_closed():
            sleep_while(word, 1, timeout_ns, self.shared)
        store(word, 0, RELAXED)

    def _wake_producer(self):
        """The fence stands between the store of a cursor and the look at the flag, as the sleeper's stands between
        the store of the flag and the look at the cursor: one of the two sees what the other has stored."""
        fence(SEQ_CST)
        if load_u32(cython.address(self.waits.producer_waits), RELAXED) != 0:
            exchange(cython.address(self.waits.producer_waits), 0, RELAXED)
            wake(cython.address(self.waits.producer_waits), self.shared)

    def _wake_consumer(self):
        fence(SEQ_CST)
        if load_u32(cython.address(self.waits.consumer_waits), RELAXED) != 0:
            exchange(cython.address(self.waits.consumer_waits), 0, RELAXED)
            wake(cython.address(self.waits.consumer_waits), self.shared)

    # ------------------------------------------------------------------ calls from Python

    def try_put(self, message):
        """Put a message: False when the ring is full. Raises InvalidMessage, RingClosed and RingBusy."""
        data: bytes = self._message(message)
        self._enter(self.putting, "puts into")
        try:
            if self.is_closed():
                raise RingClosed("the ring is closed: nothing more can be put")
            if self.claim(1) == 0:
                return False
            self._write(0, data)
            self.commit(1)
            return True
        finally:
            self.putting.leave()

    def put(self, message, timeout=None):
        """Put a message, waiting for room: ``timeout`` seconds at most, None for ever.

        Raises RingTimeout, InvalidMessage, RingClosed and RingBusy.
        """
        data: bytes = self._message(message)
        deadline_ns: i64 = deadline_after(timeout)
        self._enter(self.putting, "puts into")
        try:
            if self._claim(1, deadline_ns) == 0:
                raise RingTimeout(f"the ring stayed full for {timeout} s")
            self._write(0, data)
            self.commit(1)
        finally:
            self.putting.leave()

    def put_many(self, messages, timeout=None):
        """Put messages in batches as large as there is room for: how many, all unless ``timeout`` seconds have passed.

        Raises InvalidMessage before the first is put; RingClosed, also when it is closed half-way; RingBusy.
        """
        checked: list = [self._message(message) for message in messages]
        deadline_ns: i64 = deadline_after(timeout)
        count: u64 = len(checked)
        done: u64 = 0
        i: u64
        self._enter(self.putting, "puts into")
        try:
            while done < count:
                free: u64 = self._claim(count - done, deadline_ns)
                if free == 0:
                    break
                for i in range(free):
                    self._write(i, checked[done + i])
                self.commit(free)
                done += free
            return done
        finally:
            self.putting.leave()

    def put_records(self, records, timeout=None):
        """Put the records of a contiguous array, shape (n,), of ``slot_bytes`` each: how many, as ``put_many``."""
        if not isinstance(records, np.ndarray) or records.ndim != 1 or not records.flags.c_contiguous:
            raise InvalidMessage(f"{shown(records)} is no contiguous array of one dimension")
        self._dtype(records.dtype)
        deadline_ns: i64 = deadline_after(timeout)
        count: u64 = len(records)
        done: u64 = 0
        first: cython.pointer[cython.const[u8]] = cython.cast(cython.pointer[cython.const[u8]], records_of(records))
        self._enter(self.putting, "puts into")
        try:
            while done < count:
                free: u64 = self._claim(count - done, deadline_ns)
                if free == 0:
                    break
                with cython.nogil:
                    self._write_records(first + done * self.slot_bytes, free)
                    self.commit(free)
                done += free
            return done
        finally:
            self.putting.leave()

    def try_get(self):
        """The next message, None when there is none. Raises RingClosed at the end, InvalidMessage and RingBusy."""
        self._enter(self.getting, "gets from")
        try:
            closed: cython.bint = self.is_closed()
            if self.peek(1) == 0:
                if closed:
                    raise RingClosed("the ring is closed, and everything has been got")
                return None
            message: bytes = self._read(0)
            self.release(1)
            return message
        finally:
            self.getting.leave()

    def get(self, timeout=None):
        """The next message, waiting for it: ``timeout`` seconds at most, None for ever.

        Raises RingTimeout; RingClosed once the ring is closed and everything has been got; InvalidMessage for a slot
        that holds a record; RingBusy.
        """
        deadline_ns: i64 = deadline_after(timeout)
        self._enter(self.getting, "gets from")
        try:
            if self._peek(1, deadline_ns) == 0:
                raise RingTimeout(f"the ring stayed empty for {timeout} s")
            message: bytes = self._read(0)
            self.release(1)
            return message
        finally:
            self.getting.leave()

    def get_many(self, limit, timeout=None):
        """What messages there are, ``limit`` at most, in a list; waits for the first.

        The list is empty when ``timeout`` seconds have passed. Raises RingClosed, InvalidMessage and RingBusy as
        ``get``, and InvalidSetting.
        """
        wanted: u64 = whole(limit, 1, MAX_CAPACITY, InvalidSetting, "limit")
        deadline_ns: i64 = deadline_after(timeout)
        self._enter(self.getting, "gets from")
        try:
            there: u64 = self._peek(wanted, deadline_ns)
            messages = [self._read(number) for number in range(there)]
            self.release(there)
            return messages
        finally:
            self.getting.leave()

    def get_records(self, dtype, limit, timeout=None):
        """What records there are, ``limit`` at most, in an array of ``dtype``, shape (n,); as ``get_many``."""
        dtype = self._dtype(dtype)
        wanted: u64 = whole(limit, 1, MAX_CAPACITY, InvalidSetting, "limit")
        deadline_ns: i64 = deadline_after(timeout)
        self._enter(self.getting, "gets from")
        try:
            there: u64 = self._peek(wanted, deadline_ns)
            records = np.empty(there, dtype)
            into: cython.pointer[u8] = cython.cast(cython.pointer[u8], records_of(records))
            with cython.nogil:
                self._read_records(into, there)
                self.release(there)
            return records
        finally:
            self.getting.leave()

    def close(self):
        """Nothing more will be put: who gets is told once everything has been got. Wakes both sides.

        Either side may close, and twice. What is put at the moment that the other side closes may never be got.
        """
        if not self.memory:
            raise TypeError("this ring was never made: call Ring(...), Ring.create or Ring.attach")
        self.end()

    @property
    def closed(self):
        """Nothing more will be put; what is in the ring can still be got. O(1)."""
        return bool(self.memory) and self.is_closed()

    def __len__(self):
        """Records in the ring at this moment."""
        if not self.memory:
            return 0
        head: u64 = load_u64(cython.address(self.consumer.head), ACQUIRE)
        tail: u64 = load_u64(cython.address(self.producer.tail), ACQUIRE)
        return min(tail - head, self.capacity)  # the consumer may have moved on between the two

    def __bool__(self):
        return True  # an empty ring is a ring

    def __iter__(self):
        return self

    def __next__(self):
        """The next message; the end comes when the ring is closed and everything has been got."""
        try:
            return self.get()
        except RingClosed:
            raise StopIteration from None

    def __repr__(self):
        return f"Ring(capacity={self.capacity}, slot_bytes={self.slot_bytes}, blocking={self.blocking})"

    def _enter(self, latch, what):
        if latch is None:
            raise TypeError("this ring was never made: call Ring(...), Ring.create or Ring.attach")
        if not latch.enter():
            raise RingBusy(
                f"another call {what} this ring, of another thread or of this one where a signal handler or a "
                "finalizer calls: one thread puts and one gets, or a lock around it"
            )
        return 0

    def _claim(self, wanted, deadline_ns):
        """As ``claim_by``, with an eye on signals. Raises RingClosed."""
        while True:
            if self.is_closed():
                raise RingClosed("the ring is closed: nothing more can be put")
            free: u64 = self.claim(wanted)
            now_ns: i64 = 0 if free else cython.cast(i64, monotonic_ns())
            if free or now_ns >= deadline_ns:
                return min(free, self.capacity)  # whatever another process may have written over its cursor
            with cython.nogil:
                self.claim_by(1, self.idle, min(deadline_ns, now_ns + SIGNALS_NS))
            PyErr_CheckSignals()

    def _peek(self, wanted, deadline_ns):
        """As ``peek_by``, with an eye on signals. Raises RingClosed."""
        while True:
            closed: cython.bint = self.is_closed()
            there: u64 = self.peek(wanted)
            if there == 0 and closed:
                raise RingClosed("the ring is closed, and everything has been got")
            now_ns: i64 = 0 if there else cython.cast(i64, monotonic_ns())
            if there or now_ns >= deadline_ns:
                return min(there, self.capacity)
            with cython.nogil:
                self.peek_by(1, self.idle, min(deadline_ns, now_ns + SIGNALS_NS))
            PyErr_CheckSignals()

    def _write(self, index, message):
        """A message into a claimed slot: its length, its bytes, and zeros."""
        slot: cython.pointer[u8] = cython.cast(cython.pointer[u8], self.claimed(index))
        data: cython.pointer[cython.const[cython.char]] = message
        length: u32 = len(message)
        cython.cast(cython.pointer[u32], slot)[0] = length
        memcpy(slot + PREFIX, data, length)
        memset(slot + PREFIX + length, 0, self.slot_bytes - PREFIX - length)

    def _read(self, index):
        """The message of a peeked slot. Raises InvalidMessage, and leaves the slot where it is."""
        slot: cython.pointer[cython.const[cython.char]] = cython.cast(
            cython.pointer[cython.const[cython.char]], self.peeked(index)
        )
        length: u32 = cython.cast(cython.pointer[u32], slot)[0]
        if length > self.slot_bytes - PREFIX:
            raise InvalidMessage(f"a slot says that its message has {length} bytes: it holds a record, see get_records")
        return slot[PREFIX : PREFIX + length]

    def _write_records(self, records, count):
        """Into claimed slots: in one piece, or in two around the end."""
        first: u64 = min(count, self.claimed_run())
        memcpy(self.claimed(0), records, first * self.slot_bytes)
        memcpy(self.slots, records + first * self.slot_bytes, (count - first) * self.slot_bytes)

    def _read_records(self, records, count):
        if count == 0:
            return
        first: u64 = min(count, self.peeked_run())
        memcpy(records, self.peeked(0), first * self.slot_bytes)
        memcpy(records + first * self.slot_bytes, self.slots, (count - first) * self.slot_bytes)

    def _message(self, message):
        if not isinstance(message, (bytes, bytearray, memoryview)):
            raise InvalidMessage(f"message {shown(message)} is not bytes")
        data: bytes = bytes(message)
        length: u64 = len(data)
        if self.memory and length > self.slot_bytes - PREFIX:
            raise InvalidMessage(f"a message of {length} bytes: a slot has room for {self.slot_bytes - PREFIX}")
        return data

    def _dtype(self, dtype):
        """A dtype whose records are slots."""
        dtype = np.dtype(dtype)
        if dtype.hasobject or dtype.itemsize != self.slot_bytes:
            raise InvalidMessage(
                f"records of {dtype.itemsize} bytes, {dtype}: a slot has {self.slot_bytes} and no objects"
            )
        return dtype

    # ------------------------------------------------------------------ what is always true

    def check(self):
        """Hold every invariant against the state; AssertionError names what is broken. Neither side may move."""
        if not self.memory:
            raise TypeError("this ring was never made: call Ring(...), Ring.create or Ring.attach")
        capacity: u64 = self.capacity

        # The mapping is the one that was bound.
        d: Descriptor = cython.cast(cython.pointer[Descriptor], self.memory)[0]
        assert d.magic == MAGIC, "the descriptor was overwritten"
        assert d.version == VERSION, "the descriptor was overwritten"
        assert d.capacity == capacity, "the ring has changed its size"
        assert d.slot_bytes == self.slot_bytes, "the ring has changed its size"
        assert capacity & (capacity - 1) == 0, "the capacity is no power of two"
        assert self.mask == capacity - 1, "the mask does not fit the capacity"

        # Going round modulo 2**64: seen_head <= head <= seen_tail <= tail <= seen_head + capacity.
        tail: u64 = self.producer.tail
        head: u64 = self.consumer.head
        seen_head: u64 = self.producer.seen_head
        seen_tail: u64 = self.consumer.seen_tail
        assert tail - seen_head <= capacity, "the producer went past what it knows to be free"
        assert tail - head <= tail - seen_head, "head is not between what the producer knows of it and tail"
        assert seen_tail - head <= tail - head, "the consumer knows of a tail that is not between head and tail"

        # A flag is a flag, and nobody sleeps in a ring where nobody wakes.
        assert self.waits.closed <= 1, "closed is neither 0 nor 1"
        most: u32 = 1 if self.blocking else 0
        assert self.waits.consumer_waits <= most, "the consumer waits for a wake-up that never comes"
        assert self.waits.producer_waits <= most, "the producer waits for a wake-up that never comes"


def size_of(capacity, slot_bytes=DEFAULT_SLOT_BYTES):
    """The bytes that a ring takes. Raises InvalidSetting."""
    capacity = whole(capacity, MIN_CAPACITY, MAX_CAPACITY, InvalidSetting, "capacity")
    if capacity & (capacity - 1):
        raise InvalidSetting(f"capacity {capacity} is not a power of two: give {1 << capacity.bit_length()}")
    slot_bytes = whole(slot_bytes, SLOT_UNIT, MAX_SLOT_BYTES, InvalidSetting, "slot_bytes")
    if slot_bytes % SLOT_UNIT:
        raise InvalidSetting(f"slot_bytes {slot_bytes} is not a multiple of {SLOT_UNIT}")
    return SLOTS_OFFSET + capacity * slot_bytes


def deadline_after(timeout):
    """The moment of the monotonic clock, in ns, that so many seconds from now is; None for never."""
    if timeout is None:
        return FOREVER
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout >= 0:
        raise InvalidSetting(f"timeout {shown(timeout)} is no number of seconds: give None, 0 or more")
    return FOREVER if timeout > 1e9 else cython.cast(i64, monotonic_ns()) + int(timeout * 1e9)
