"""The buckets of a histogram that are in use, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .histogram import TOPS, Histogram

#: The least value that each bucket counts: i64.
LEASTS = np.concatenate(([0], TOPS[:-1].astype(np.int64) + 1))


@dataclass(frozen=True, eq=False)
class Buckets:
    """Used buckets, ascending: the smallest and largest value of each, in ns, and how many values it has."""

    least: NDArray[np.int64]
    most: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, histogram: Histogram) -> Buckets:
        """The used buckets of a histogram. O(buckets)."""
        counts = histogram.array()
        used = np.flatnonzero(counts)
        most = np.minimum(TOPS[used].astype(np.int64), histogram.largest)
        return cls(LEASTS[used], most, counts[used].astype(np.int64))

    @property
    def count(self) -> int:
        return int(self.counts.sum())

    def at(self, ranks: ArrayLike) -> NDArray[np.int64]:
        """The values at these ranks, counted from 1 for the smallest: the upper ends of their buckets."""
        found: NDArray[np.int64] = self.most[np.searchsorted(np.cumsum(self.counts), ranks)]
        return found

    def shares(self, edges: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of each bin in percent of all values. Values below the first edge count in the first bin."""
        placed = np.maximum(self.least, edges[0])
        return np.histogram(placed, edges, weights=self.counts)[0] * (100 / self.count)
