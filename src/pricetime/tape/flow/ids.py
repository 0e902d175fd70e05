"""Makes order ids that do not repeat, in three schemes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCHEMES = ("random", "sequential", "session")


class Ids:
    """Makes order ids.

    ``random``: any u64, an invertible mix of a count; ``sequential``: 1, 2, 3 ...; ``session``: ``owner << 32 |
    count``, where each owner counts its own orders from 1.
    """

    def __init__(self, scheme: str, owners: int, key: int) -> None:
        self.scheme = scheme
        self.key = np.uint64(key)
        self.taken = np.zeros(owners + 1, np.uint64)  # by owner; all under owner 0 unless the scheme is "session"

    def take(self, owner: NDArray[np.uint32]) -> NDArray[np.uint64]:
        """The next ids, one for each entry of ``owner``."""
        if self.scheme == "session":
            return self._take_by_owner(owner)
        count = np.arange(1, owner.size + 1, dtype=np.uint64) + self.taken[0]
        self.taken[0] += np.uint64(owner.size)
        return scatter(count ^ self.key) if self.scheme == "random" else count

    def _take_by_owner(self, owner: NDArray[np.uint32]) -> NDArray[np.uint64]:
        order = np.argsort(owner, kind="stable")
        sizes = np.bincount(owner, minlength=self.taken.size)
        first = np.repeat(np.cumsum(sizes) - sizes, sizes)  # the first place of each owner
        count = np.empty(owner.size, np.uint64)
        count[order] = (np.arange(owner.size) - first + 1).astype(np.uint64)
        count += self.taken[owner]
        self.taken += sizes.astype(np.uint64)
        return owner.astype(np.uint64) << np.uint64(32) | count


def scatter(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """An invertible mix of 64 bits (the finaliser of splitmix64): distinct values stay distinct."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
