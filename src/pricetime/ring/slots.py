"""The slots of a ring, without a lock: their memory, and what its producer and its consumer do with them.

``layout.pxd`` has the memory layout. ``docs/internals/ring.md`` explains the protocol and why no record is lost.
"""

from __future__ import annotations

from typing import Any, SupportsIndex

import cython
from cython.cimports.cpython.buffer import Py_buffer, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer
from cython.cimports.libc.string import memcpy, memset

from pricetime.checks import shown, whole
from pricetime.errors import InvalidRing, InvalidSetting
from pricetime.ring.idle import Idle

#: How often a sleeping side of a ring that is not blocking checks by itself.
NAP_NS = cython.declare(cython.longlong, 50_000)


@cython.cclass
class Slots:
    """The slots of one ring. ``Ring`` adds the calls from Python."""

    if not cython.compiled:
        view: Py_buffer

    def _take_own(self, n_bytes: u64) -> cython.int:
        self.memory = cython.cast(cython.pointer[u8], reserve(n_bytes))
        if not self.memory:
            raise MemoryError(f"no memory for {n_bytes} bytes")
        self.own_bytes = n_bytes
        memset(self.memory, 0, n_bytes)  # allocates the pages now instead of in the first lap
        return 0

    def _take_buffer(self, buffer: Any) -> cython.int:
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

    def _lay_out(self, capacity: u64, slot_bytes: u64, blocking: cython.bint) -> cython.int:
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

    def _bind(self) -> cython.int:
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
        return 0

    def __dealloc__(self) -> None:
        if self.own_bytes:
            give_back(self.memory, self.own_bytes)
        PyBuffer_Release(cython.address(self.view))

    # ------------------------------------------------------------------ the producer

    def claim(self, wanted: u64) -> u64:
        """Producer only. Loads the consumer's cursor only if the copy is not enough."""
        p: cython.pointer[Producer] = self.producer
        free: u64 = self.capacity - (p.tail - p.seen_head)
        if free < wanted:
            p.seen_head = load_u64(cython.address(self.consumer.head), ACQUIRE)
            free = self.capacity - (p.tail - p.seen_head)
        return min(free, wanted)

    def claimed(self, index: u64) -> cython.p_void:
        return self.slots + ((self.producer.tail + index) & self.mask) * self.slot_bytes

    def claimed_run(self) -> u64:
        return self.capacity - (self.producer.tail & self.mask)

    def commit(self, count: u64) -> None:
        """A consumer that sees the new tail sees what was written to the slots before."""
        store_u64(cython.address(self.producer.tail), self.producer.tail + count, RELEASE)
        if self.blocking:
            self._wake_consumer()

    # ------------------------------------------------------------------ the consumer

    def peek(self, wanted: u64) -> u64:
        """Consumer only. Loads the producer's cursor only if the copy is not enough."""
        c: cython.pointer[Consumer] = self.consumer
        there: u64 = c.seen_tail - c.head
        if there < wanted:
            c.seen_tail = load_u64(cython.address(self.producer.tail), ACQUIRE)
            there = c.seen_tail - c.head
        return min(there, wanted)

    def peeked(self, index: u64) -> cython.p_void:
        return self.slots + ((self.consumer.head + index) & self.mask) * self.slot_bytes

    def peeked_run(self) -> u64:
        c: cython.pointer[Consumer] = self.consumer
        return min(c.seen_tail - c.head, self.capacity - (c.head & self.mask))

    def release(self, count: u64) -> None:
        """The producer sees the new head only after the slots were read."""
        store_u64(cython.address(self.consumer.head), self.consumer.head + count, RELEASE)
        if self.blocking:
            self._wake_producer()

    # ------------------------------------------------------------------ whole records

    def write_records(self, records: cython.pointer[cython.const[u8]], count: u64) -> None:
        """Copy to claimed slots: in one piece, or in two around the end."""
        first: u64 = min(count, self.claimed_run())
        memcpy(self.claimed(0), records, first * self.slot_bytes)
        memcpy(self.slots, records + first * self.slot_bytes, (count - first) * self.slot_bytes)

    def read_records(self, records: cython.pointer[u8], count: u64) -> None:
        """Copy the first peeked records."""
        if count == 0:
            return
        first: u64 = min(count, self.peeked_run())
        memcpy(records, self.peeked(0), first * self.slot_bytes)
        memcpy(records + first * self.slot_bytes, self.slots, (count - first) * self.slot_bytes)

    # ------------------------------------------------------------------ the end, and waiting

    def is_closed(self) -> cython.bint:
        return load_u32(cython.address(self.waits.closed), ACQUIRE) != 0

    def end(self) -> None:
        store(cython.address(self.waits.closed), 1, RELEASE)
        self._wake_consumer()
        self._wake_producer()

    def claim_by(self, wanted: u64, idle: Idle, deadline_ns: i64) -> u64:
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

    def peek_by(self, wanted: u64, idle: Idle, deadline_ns: i64) -> u64:
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

    def sleep_until_free(self, timeout_ns: i64) -> None:
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

    def sleep_until_readable(self, timeout_ns: i64) -> None:
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

    def _wake_producer(self) -> None:
        """Issue a fence between the store of a cursor and the load of the flag. The sleeper has one between the store
        of the flag and the load of the cursor, so one of the two sees what the other has stored.
        """
        fence(SEQ_CST)
        if load_u32(cython.address(self.waits.producer_waits), RELAXED) != 0:
            exchange(cython.address(self.waits.producer_waits), 0, RELAXED)
            wake(cython.address(self.waits.producer_waits), self.shared)

    def _wake_consumer(self) -> None:
        fence(SEQ_CST)
        if load_u32(cython.address(self.waits.consumer_waits), RELAXED) != 0:
            exchange(cython.address(self.waits.consumer_waits), 0, RELAXED)
            wake(cython.address(self.waits.consumer_waits), self.shared)

    def __len__(self) -> int:
        """Number of records in the ring now."""
        if not self.memory:
            return 0
        head: u64 = load_u64(cython.address(self.consumer.head), ACQUIRE)
        tail: u64 = load_u64(cython.address(self.producer.tail), ACQUIRE)
        return min(tail - head, self.capacity)  # the consumer may have moved between the two loads

    # ------------------------------------------------------------------ what is always true

    def check(self) -> None:
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


def size_of(capacity: SupportsIndex, slot_bytes: SupportsIndex = DEFAULT_SLOT_BYTES) -> int:
    """Return the bytes that a ring needs. Raises InvalidSetting."""
    capacity = whole(capacity, MIN_CAPACITY, MAX_CAPACITY, InvalidSetting, "capacity")
    if capacity & (capacity - 1):
        raise InvalidSetting(f"capacity {capacity} is not a power of two: give {1 << capacity.bit_length()}")
    slot_bytes = whole(slot_bytes, SLOT_UNIT, MAX_SLOT_BYTES, InvalidSetting, "slot_bytes")
    if slot_bytes % SLOT_UNIT:
        raise InvalidSetting(f"slot_bytes {slot_bytes} is not a multiple of {SLOT_UNIT}")
    return SLOTS_OFFSET + capacity * slot_bytes
