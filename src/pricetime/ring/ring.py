# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A ring of slots between one producer and one consumer, without a lock.

What lies where is in ``layout.pxd``; how the two sides agree, and why nothing is lost, is in
``docs/internals/ring.md``.
"""

from __future__ import annotations

import cython
from cython.cimports.libc.string import memset

from pricetime.checks import whole
from pricetime.errors import InvalidSetting


@cython.final
@cython.cclass
class Ring:
    """One producer, one consumer, ``capacity`` slots of ``slot_bytes`` each, in memory of its own."""

    # ------------------------------------------------------------------ making

    def __init__(self, capacity=1024, slot_bytes=DEFAULT_SLOT_BYTES, *, blocking=True):
        """``capacity``: a power of two, 2 to 2**30. ``slot_bytes``: a multiple of 8, to 2**20.

        ``blocking``: a side that waits may sleep, and is woken; each commit and release then costs a fence. Raises
        InvalidSetting and MemoryError.
        """
        if self.memory:
            raise TypeError("a ring is made once: its slots may be in use")
        n_bytes = size_of(capacity, slot_bytes)
        self.memory = cython.cast(cython.pointer[u8], reserve(n_bytes))
        if not self.memory:
            raise MemoryError(f"no room for {n_bytes} bytes")
        self.own_bytes = n_bytes
        memset(self.memory, 0, n_bytes)  # takes the pages up now, and not in the first lap
        self._lay_out(capacity, slot_bytes, blocking)
        self._bind()

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

    def _bind(self):
        """Take the places of everything from the descriptor."""
        d: cython.pointer[Descriptor] = cython.cast(cython.pointer[Descriptor], self.memory)
        self.capacity = d.capacity
        self.mask = d.capacity - 1
        self.slot_bytes = d.slot_bytes
        self.blocking = (d.flags & BLOCKING) != 0
        self.producer = cython.cast(cython.pointer[Producer], self.memory + d.producer_offset)
        self.consumer = cython.cast(cython.pointer[Consumer], self.memory + d.consumer_offset)
        self.waits = cython.cast(cython.pointer[Waits], self.memory + d.waits_offset)
        self.slots = self.memory + d.slots_offset
        return 0

    def __dealloc__(self):
        if self.own_bytes:
            give_back(self.memory, self.own_bytes)

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
        """What was written to the slots before this is seen by whoever sees the new tail."""
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
        """What was read from the slots before this is not overwritten until the producer sees the new head."""
        store_u64(cython.address(self.consumer.head), self.consumer.head + count, RELEASE)
        if self.blocking:
            self._wake_producer()

    # ------------------------------------------------------------------ the end, and waking

    def is_closed(self):
        return load_u32(cython.address(self.waits.closed), ACQUIRE) != 0

    def end(self):
        store(cython.address(self.waits.closed), 1, RELEASE)
        self._wake_consumer()
        self._wake_producer()

    def _wake_consumer(self):
        """The fence stands between the store of the cursor and the look at the flag; the sleeper has its like."""
        fence(SEQ_CST)
        if load_u32(cython.address(self.waits.consumer_waits), RELAXED) != 0:
            exchange(cython.address(self.waits.consumer_waits), 0, RELAXED)
            wake(cython.address(self.waits.consumer_waits), self.shared)

    def _wake_producer(self):
        fence(SEQ_CST)
        if load_u32(cython.address(self.waits.producer_waits), RELAXED) != 0:
            exchange(cython.address(self.waits.producer_waits), 0, RELAXED)
            wake(cython.address(self.waits.producer_waits), self.shared)


def size_of(capacity, slot_bytes=DEFAULT_SLOT_BYTES):
    """The bytes that a ring takes. Raises InvalidSetting."""
    capacity = whole(capacity, MIN_CAPACITY, MAX_CAPACITY, InvalidSetting, "capacity")
    if capacity & (capacity - 1):
        raise InvalidSetting(f"capacity {capacity} is not a power of two: give {1 << capacity.bit_length()}")
    slot_bytes = whole(slot_bytes, SLOT_UNIT, MAX_SLOT_BYTES, InvalidSetting, "slot_bytes")
    if slot_bytes % SLOT_UNIT:
        raise InvalidSetting(f"slot_bytes {slot_bytes} is not a multiple of {SLOT_UNIT}")
    return SLOTS_OFFSET + capacity * slot_bytes
