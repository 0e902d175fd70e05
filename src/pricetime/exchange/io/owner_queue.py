"""A first-in, first-out queue of owners."""

from __future__ import annotations

import cython


@cython.final
@cython.cclass
class OwnerQueue:
    """Used by the gateway thread only. The caller ensures that each owner is in it at most once. Raises MemoryError."""

    def __init__(self) -> None:
        owners: cython.size_t = OWNERS
        self.first = self.count = 0
        self.owners = cython.cast(cython.pointer[u32], reserve(owners * cython.sizeof(u32)))
        if not self.owners:
            raise MemoryError("no room for a queue of owners")

    def __dealloc__(self) -> None:
        owners: cython.size_t = OWNERS
        release(self.owners, owners * cython.sizeof(u32))

    def push(self, owner: u32) -> None:
        """Add an owner at the end. O(1)."""
        self.owners[(self.first + self.count) & (OWNERS - 1)] = owner
        self.count += 1

    def pop(self) -> u32:
        """Remove and return the first owner. The queue must not be empty. O(1)."""
        owner: u32 = self.owners[self.first]
        self.first = (self.first + 1) & (OWNERS - 1)
        self.count -= 1
        return owner
