# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""A ring with a mutex instead of two atomics, with the slots, capacity and calls of ``pricetime.ring``.

Both sides hold the mutex from every claim to its commit and from every peek to its release, because records are built
and read in place.
"""

from __future__ import annotations

import cython


@cython.final
@cython.cclass
class MutexRing:
    def __init__(self, capacity=1024, slot_bytes=64):
        """``capacity``: a power of two. Raises MemoryError."""
        self.capacity = capacity
        self.mask = self.capacity - 1
        self.slot_bytes = slot_bytes
        self.n_bytes = 256 + self.capacity * self.slot_bytes
        self.memory = cython.cast(cython.pointer[u8], reserve(self.n_bytes))
        if not self.memory:
            raise MemoryError(f"no room for {self.n_bytes} bytes")
        self.tail = cython.cast(cython.pointer[u64], self.memory)
        self.head = cython.cast(cython.pointer[u64], self.memory + 128)
        self.slots = self.memory + 256
        pthread_mutex_init(cython.address(self.mutex), cython.NULL)

    def __dealloc__(self):
        if self.memory:
            pthread_mutex_destroy(cython.address(self.mutex))
        give_back(self.memory, self.n_bytes)

    def claim(self, wanted):
        pthread_mutex_lock(cython.address(self.mutex))
        free: u64 = self.capacity - (self.tail[0] - self.head[0])
        if free == 0:
            pthread_mutex_unlock(cython.address(self.mutex))
        return min(free, wanted)

    def claimed(self, index):
        return self.slots + ((self.tail[0] + index) & self.mask) * self.slot_bytes

    def commit(self, count):
        self.tail[0] += count
        pthread_mutex_unlock(cython.address(self.mutex))

    def peek(self, wanted):
        pthread_mutex_lock(cython.address(self.mutex))
        there: u64 = self.tail[0] - self.head[0]
        if there == 0:
            pthread_mutex_unlock(cython.address(self.mutex))
        return min(there, wanted)

    def peeked(self, index):
        return self.slots + ((self.head[0] + index) & self.mask) * self.slot_bytes

    def release(self, count):
        self.head[0] += count
        pthread_mutex_unlock(cython.address(self.mutex))
