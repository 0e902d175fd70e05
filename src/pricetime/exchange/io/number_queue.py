"""A first-in, first-out queue of numbers, such as owners or instruments."""

from __future__ import annotations

import cython


@cython.final
@cython.cclass
class NumberQueue:
    """Used by the gateway thread only. ``capacity``: a power of two, which the caller does not exceed.

    Raises MemoryError.
    """

    def __init__(self, capacity: int) -> None:
        self.mask = capacity - 1
        self.first = self.count = 0
        self.numbers = cython.cast(cython.pointer[u32], reserve((self.mask + 1) * cython.sizeof(u32)))
        if not self.numbers:
            raise MemoryError(f"no room for a queue of {capacity} numbers")
        self.numbers[0] = 0  # takes its page from the system now

    def __dealloc__(self) -> None:
        release(self.numbers, (self.mask + 1) * cython.sizeof(u32))

    def push(self, number: u32) -> None:
        """Add a number at the end. O(1)."""
        self.numbers[(self.first + self.count) & self.mask] = number
        self.count += 1

    def pop(self) -> u32:
        """Remove and return the first number. The queue must not be empty. O(1)."""
        number: u32 = self.numbers[self.first]
        self.first = (self.first + 1) & self.mask
        self.count -= 1
        return number
