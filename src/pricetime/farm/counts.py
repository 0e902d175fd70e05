"""Times per command, counted in the buckets of a histogram, as JSON has them: {largest ns of the bucket: commands}."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from ..native.histogram import TOPS, Histogram


def counts_of(batches: Iterable[tuple[int, int]]) -> dict[str, int]:
    """Return the counts of batches: commands, and the ns that all of them took together."""
    times = np.zeros(len(TOPS), np.uint64)
    for commands, ns in batches:
        times[min(int(np.searchsorted(TOPS, ns // commands)), len(TOPS) - 1)] += np.uint64(commands)
    return {str(int(TOPS[place])): int(times[place]) for place in times.nonzero()[0]}


def histogram_of(counts: Iterable[Mapping[str, int]]) -> Histogram:
    """Return a histogram of the sums of these counts."""
    times = np.zeros(len(TOPS), np.uint64)
    for each in counts:
        for ns, commands in each.items():
            times[np.searchsorted(TOPS, int(ns))] += np.uint64(commands)
    return Histogram.from_array(times)
