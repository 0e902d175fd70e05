# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A ring of slots between one producer and one consumer, without a lock.

Sections: construction; the producer; the consumer; closing and waiting; calls from Python; invariants. ``layout.pxd``
has the memory layout. ``docs/internals/ring.md`` explains the protocol and why no record is lost.
"""

from __future__ import annotations

import cython
import numpy as np
from cython.cimports.cpython.buffer import PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cython.cimports.cpython.exc import PyErr_CheckSignals
from cython.cimports.libc.string import memcpy, memset

from pricetime.checks import shown, whole
from pricetime.errors import InvalidMessage, InvalidRing, InvalidSetting, RingBusy, RingClosed, RingTimeout

#: No deadline.
FOREVER = (1 << 63) - 1

#: How often a waiting call checks for signals (Ctrl-C).
SIGNALS_NS = cython.declare(cython.longlong, 50_000_000)

#: How often a sleeping side of a ring that is not blocking checks by itself.
NAP_NS = cython.declare(cython.longlong, 50_000)


@cython.final
@cython.cclass
class Ring:
    """One producer and one consumer, ``capacity`` slots of ``slot_bytes`` each, in memory of its own.

    ``Ring.create`` and ``Ring.attach`` make one in shared memory. From Python a slot holds a message (``put``, ``get``:
    bytes, at most ``slot_bytes - 4``) or a record (``put_records``, ``get_records``: the whole slot, from and to NumPy
    arrays); use a ring for one of the two. Every call is O(records moved).

    One thread puts and one gets; they may be the same. A second thread on the same side raises RingBusy.
    """

    # ------------------------------------------------------------------ making

    def __init__(self, capacity=1024, slot_bytes=DEFAULT_SLOT_BYTES, *, blocking=True, idle=None):
        """``capacity``: a power of two, 2 to 2**30. ``slot_bytes``: a multiple of 8, up to 2**20.

        ``blocking``: a waiting side may sleep and is woken; each commit and release then costs a fence. ``idle``: an
        ``Idle``, how calls from Python wait. Raises InvalidSetting and MemoryError.
        """
        if self.memory:
            raise TypeError("__init__ was called before: the slots may be in use")
        n_bytes = size_of(capacity, slot_bytes)
        self._take_own(n_bytes)
        self._lay_out(capacity, slot_bytes, blocking)
        self._bind(idle)

    @staticmethod
    def create(buffer, capacity=1024, slot_bytes=DEFAULT_SLOT_BYTES, *, blocking=True, idle=None):
        """Make a new, empty ring in ``buffer``; other processes then attach to it.

        ``buffer``: writable, contiguous, at least ``Ring.size(capacity, slot_bytes)`` bytes, aligned to 64 bytes: an
        ``mmap``, or the ``buf`` of a ``SharedMemory``. The ring holds it as long as it lives. Other arguments: as of
        ``Ring``. Raises InvalidSetting and InvalidRing.
        """
        n_bytes = size_of(capacity, slot_bytes)
        ring: Ring = Ring.__new__(Ring)
        ring._take_buffer(buffer)
        if ring.view.len < n_bytes:
            raise InvalidRing(f"the buffer has {ring.view.len} bytes, but this ring needs {n_bytes}")
        ring._lay_out(capacity, slot_bytes, blocking)
        ring._bind(idle)
        return ring

    @staticmethod
    def attach(buffer, *, idle=None):
        """Return the ring that a different process has made in ``buffer``. Raises InvalidRing with the reason."""
        ring: Ring = Ring.__new__(Ring)
        ring._take_buffer(buffer)
        ring._bind(idle)
        return ring

    @staticmethod
    def size(capacity=1024, slot_bytes=DEFAULT_SLOT_BYTES):
        """Return the bytes that a ring needs. Raises InvalidSetting."""
        return size_of(capacity, slot_bytes)

    def _take_own(self, n_bytes):
        self.memory = cython.cast(cython.pointer[u8], reserve(n_bytes))
        if not self.memory:
            raise MemoryError(f"no memory for {n_bytes} bytes")
        self.own_bytes = n_bytes
        memset(self.memory, 0, n_bytes)  # allocates the pages now instead of in the first lap
        return 0

    def _take_buffer(self, buffer):
        try:
            PyObject_GetBuffer(buffer, cython.address(self.view), PyBUF_WRITABLE)
        except (TypeError, BufferError, ValueError) as error:
            raise InvalidRing(f"{shown(buffer)} is not a writable, contiguous buffer: {error}") from error
        if cython.cast(u64, self.view.buf) % ALIGNMENT:
            raise InvalidRing(f"the buffer is not aligned to {ALIGNMENT} bytes: give an mmap or shared memory")
        if self.view.len < SLOTS_OFFSET:
            raise InvalidRing(f"the buffer has {self.view.len} bytes, but the smallest ring needs {size_of(2, 8)}")
        self.memory = cython.cast(cython.pointer[u8], self.view.buf)
        self.shared = True
        return 0

    def _lay_out(self, capacity, slot_bytes, blocking):
        """Write the descriptor of an empty ring. The magic is stored last: a process that sees it sees the rest."""
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
        """Read the descriptor from a copy, which no process can change after the checks."""
        if load_u32(cython.cast(cython.pointer[u32], self.memory), ACQUIRE) != MAGIC:
            raise InvalidRing("this buffer has no ring, or it is still being made")
        d: Descriptor = cython.cast(cython.pointer[Descriptor], self.memory)[0]
        if d.version != VERSION:
            raise InvalidRing(f"the ring has layout version {d.version}, but this code supports {VERSION}")
        try:
            n_bytes = size_of(d.capacity, d.slot_bytes)
        except InvalidSetting as error:
            raise InvalidRing(f"the descriptor of the ring is damaged: {error}") from error
        offsets = (d.producer_offset, d.consumer_offset, d.waits_offset, d.slots_offset)
        if offsets != (PRODUCER_OFFSET, CONSUMER_OFFSET, WAITS_OFFSET, SLOTS_OFFSET) or d.flags > BLOCKING:
            raise InvalidRing(f"the descriptor of the ring is damaged: offsets {offsets}, flags {d.flags}")
        if self.shared and self.view.len < n_bytes:
            raise InvalidRing(f"the ring needs {n_bytes} bytes, but the buffer has {self.view.len}")
        head_at: cython.pointer[u64] = cython.cast(cython.pointer[u64], self.memory + CONSUMER_OFFSET)
        head: u64 = load_u64(head_at, ACQUIRE)
        tail: u64 = load_u64(cython.cast(cython.pointer[u64], self.memory + PRODUCER_OFFSET), ACQUIRE)
        if tail - head > d.capacity and head == load_u64(head_at, ACQUIRE):  # else the consumer is working
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
        """Producer only. Loads the consumer's cursor only if the copy is not enough."""
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
        """A consumer that sees the new tail sees what was written to the slots before."""
        store_u64(cython.address(self.producer.tail), self.producer.tail + count, RELEASE)
        if self.blocking:
            self._wake_consumer()

    # ------------------------------------------------------------------ the consumer

    def peek(self, wanted):
        """Consumer only. Loads the producer's cursor only if the copy is not enough."""
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
        """The producer sees the new head only after the slots were read."""
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
        """Claim slots; wait while none is free, until the ring is closed or the monotonic clock reaches deadline_ns."""
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
        """Peek records; wait for one until the ring is closed or the clock reaches deadline_ns."""
        tries: u64 = 0
        while True:
            closed: cython.bint = self.is_closed()  # loaded first, so that records put before the end are seen
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
        """Set the producer's flag, check once more, then sleep. May wake for no reason."""
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
        """The same for the consumer."""
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
        """Issue a fence between the store of a cursor and the load of the flag. The sleeper has one between the store
        of the flag and the load of the cursor, so one of the two sees what the other has stored.
        """
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
        """Put a message. Returns False if the ring is full. Raises InvalidMessage, RingClosed and RingBusy."""
        data: bytes = self._message(message)
        self._enter(self.putting, "puts into")
        try:
            if self.is_closed():
                raise RingClosed("the ring is closed")
            if self.claim(1) == 0:
                return False
            self._write(0, data)
            self.commit(1)
            return True
        finally:
            self.putting.leave()

    def put(self, message, timeout=None):
        """Put a message; wait up to ``timeout`` seconds for room, None for no limit.

        Raises RingTimeout, InvalidMessage, RingClosed and RingBusy.
        """
        data: bytes = self._message(message)
        deadline_ns: i64 = deadline_after(timeout)
        self._enter(self.putting, "puts into")
        try:
            if self._claim(1, deadline_ns) == 0:
                raise RingTimeout(f"the ring was full for {timeout} s")
            self._write(0, data)
            self.commit(1)
        finally:
            self.putting.leave()

    def put_many(self, messages, timeout=None):
        """Put messages in batches as large as fit. Returns how many: all, unless ``timeout`` seconds have passed.

        Raises InvalidMessage before the first is put; RingClosed, also after a part of them; RingBusy.
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
        """Put the records of a contiguous array, shape (n,), itemsize ``slot_bytes``. Returns how many, as
        ``put_many``.
        """
        if not isinstance(records, np.ndarray) or records.ndim != 1 or not records.flags.c_contiguous:
            raise InvalidMessage(f"{shown(records)} is not a contiguous one-dimensional array")
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
        """Return the next message, None without one. Raises RingClosed at the end, InvalidMessage and RingBusy."""
        self._enter(self.getting, "gets from")
        try:
            closed: cython.bint = self.is_closed()
            if self.peek(1) == 0:
                if closed:
                    raise RingClosed("the ring is closed and empty")
                return None
            message: bytes = self._read(0)
            self.release(1)
            return message
        finally:
            self.getting.leave()

    def get(self, timeout=None):
        """Return the next message; wait for it up to ``timeout`` seconds, None for no limit.

        Raises RingTimeout; RingClosed if the ring is closed and empty; InvalidMessage for a slot that holds a record;
        RingBusy.
        """
        deadline_ns: i64 = deadline_after(timeout)
        self._enter(self.getting, "gets from")
        try:
            if self._peek(1, deadline_ns) == 0:
                raise RingTimeout(f"the ring was empty for {timeout} s")
            message: bytes = self._read(0)
            self.release(1)
            return message
        finally:
            self.getting.leave()

    def get_many(self, limit, timeout=None):
        """Return the messages in the ring, at most ``limit``, as a list; wait for the first.

        The list is empty after ``timeout`` seconds. Raises RingClosed, InvalidMessage and RingBusy as ``get``, and
        InvalidSetting.
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
        """Return the records in the ring, at most ``limit``, as an array of ``dtype``, shape (n,); as ``get_many``."""
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
        """Close the ring: no more records can be put. Wakes both sides; the consumer gets what is left, then
        RingClosed.

        Both sides may close, also twice. A record that is put while the other side closes may never be read.
        """
        if not self.memory:
            raise TypeError("this ring was not initialized: call Ring(...), Ring.create or Ring.attach")
        self.end()

    @property
    def closed(self):
        """Close the ring: no more records can be put. What is in it can still be read. O(1)."""
        return bool(self.memory) and self.is_closed()

    def __len__(self):
        """Number of records in the ring now."""
        if not self.memory:
            return 0
        head: u64 = load_u64(cython.address(self.consumer.head), ACQUIRE)
        tail: u64 = load_u64(cython.address(self.producer.tail), ACQUIRE)
        return min(tail - head, self.capacity)  # the consumer may have moved between the two loads

    def __bool__(self):
        return True  # an empty ring is a ring

    def __iter__(self):
        return self

    def __next__(self):
        """Return the next message; stop when the ring is closed and empty."""
        try:
            return self.get()
        except RingClosed:
            raise StopIteration from None

    def __repr__(self):
        return f"Ring(capacity={self.capacity}, slot_bytes={self.slot_bytes}, blocking={self.blocking})"

    def _enter(self, latch, what):
        if latch is None:
            raise TypeError("this ring was not initialized: call Ring(...), Ring.create or Ring.attach")
        if not latch.enter():
            raise RingBusy(
                f"a second call {what} this ring at the same time, from a different thread, a signal handler or a "
                "finalizer: let one thread put and one get, or use a lock"
            )
        return 0

    def _claim(self, wanted, deadline_ns):
        """As ``claim_by``, with checks for signals. Raises RingClosed."""
        while True:
            if self.is_closed():
                raise RingClosed("the ring is closed")
            free: u64 = self.claim(wanted)
            now_ns: i64 = 0 if free else cython.cast(i64, monotonic_ns())
            if free or now_ns >= deadline_ns:
                return min(free, self.capacity)  # a different process may have overwritten its cursor
            with cython.nogil:
                self.claim_by(1, self.idle, min(deadline_ns, now_ns + SIGNALS_NS))
            PyErr_CheckSignals()

    def _peek(self, wanted, deadline_ns):
        """As ``peek_by``, with checks for signals. Raises RingClosed."""
        while True:
            closed: cython.bint = self.is_closed()
            there: u64 = self.peek(wanted)
            if there == 0 and closed:
                raise RingClosed("the ring is closed and empty")
            now_ns: i64 = 0 if there else cython.cast(i64, monotonic_ns())
            if there or now_ns >= deadline_ns:
                return min(there, self.capacity)
            with cython.nogil:
                self.peek_by(1, self.idle, min(deadline_ns, now_ns + SIGNALS_NS))
            PyErr_CheckSignals()

    def _write(self, index, message):
        """Write a message to a claimed slot: its length, its bytes, and zeros."""
        slot: cython.pointer[u8] = cython.cast(cython.pointer[u8], self.claimed(index))
        data: cython.pointer[cython.const[cython.char]] = message
        length: u32 = len(message)
        cython.cast(cython.pointer[u32], slot)[0] = length
        memcpy(slot + PREFIX, data, length)
        memset(slot + PREFIX + length, 0, self.slot_bytes - PREFIX - length)

    def _read(self, index):
        """Return the message of a peeked slot. Raises InvalidMessage and leaves the slot."""
        slot: cython.pointer[cython.const[cython.char]] = cython.cast(
            cython.pointer[cython.const[cython.char]], self.peeked(index)
        )
        length: u32 = cython.cast(cython.pointer[u32], slot)[0]
        if length > self.slot_bytes - PREFIX:
            raise InvalidMessage(
                f"a slot has a message of {length} bytes, which is impossible: it holds a record, use get_records"
            )
        return slot[PREFIX : PREFIX + length]

    def _write_records(self, records, count):
        """Copy to claimed slots: in one piece, or in two around the end."""
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
            raise InvalidMessage(f"the message has {length} bytes: a slot has room for {self.slot_bytes - PREFIX}")
        return data

    def _dtype(self, dtype):
        """Return a dtype that fits a slot."""
        dtype = np.dtype(dtype)
        if dtype.hasobject or dtype.itemsize != self.slot_bytes:
            raise InvalidMessage(
                f"the records have {dtype.itemsize} bytes, {dtype}: give {self.slot_bytes} bytes, without objects"
            )
        return dtype

    # ------------------------------------------------------------------ what is always true

    def check(self):
        """Check all invariants; AssertionError names the broken one. No thread may use the ring meanwhile."""
        if not self.memory:
            raise TypeError("this ring was not initialized: call Ring(...), Ring.create or Ring.attach")
        capacity: u64 = self.capacity

        # The mapping is unchanged.
        d: Descriptor = cython.cast(cython.pointer[Descriptor], self.memory)[0]
        assert d.magic == MAGIC, "the descriptor was overwritten"
        assert d.version == VERSION, "the descriptor was overwritten"
        assert d.capacity == capacity, "the ring has changed its size"
        assert d.slot_bytes == self.slot_bytes, "the ring has changed its size"
        assert capacity & (capacity - 1) == 0, "the capacity is not a power of two"
        assert self.mask == capacity - 1, "the mask does not fit the capacity"

        # Modulo 2**64: seen_head <= head <= seen_tail <= tail <= seen_head + capacity.
        tail: u64 = self.producer.tail
        head: u64 = self.consumer.head
        seen_head: u64 = self.producer.seen_head
        seen_tail: u64 = self.consumer.seen_tail
        assert tail - seen_head <= capacity, "the producer went past what it knows to be free"
        assert tail - head <= tail - seen_head, "head is not between what the producer knows of it and tail"
        assert seen_tail - head <= tail - head, "the consumer knows of a tail that is not between head and tail"

        # Flags are 0 or 1, and only a blocking ring has sleepers.
        assert self.waits.closed <= 1, "closed is neither 0 nor 1"
        most: u32 = 1 if self.blocking else 0
        assert self.waits.consumer_waits <= most, "the consumer waits for a wake-up that never comes"
        assert self.waits.producer_waits <= most, "the producer waits for a wake-up that never comes"


def size_of(capacity, slot_bytes=DEFAULT_SLOT_BYTES):
    """Return the bytes that a ring needs. Raises InvalidSetting."""
    capacity = whole(capacity, MIN_CAPACITY, MAX_CAPACITY, InvalidSetting, "capacity")
    if capacity & (capacity - 1):
        raise InvalidSetting(f"capacity {capacity} is not a power of two: give {1 << capacity.bit_length()}")
    slot_bytes = whole(slot_bytes, SLOT_UNIT, MAX_SLOT_BYTES, InvalidSetting, "slot_bytes")
    if slot_bytes % SLOT_UNIT:
        raise InvalidSetting(f"slot_bytes {slot_bytes} is not a multiple of {SLOT_UNIT}")
    return SLOTS_OFFSET + capacity * slot_bytes


def deadline_after(timeout):
    """Return the time of the monotonic clock, in ns, after these seconds; None for no limit."""
    if timeout is None:
        return FOREVER
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not timeout >= 0:
        raise InvalidSetting(f"timeout {shown(timeout)} is not a number of seconds: give None, 0 or more")
    return FOREVER if timeout > 1e9 else cython.cast(i64, monotonic_ns()) + int(timeout * 1e9)
