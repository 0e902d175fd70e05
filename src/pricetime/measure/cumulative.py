"""A histogram of ours as Prometheus has them: how many values are at most so long, for a few lengths.

The buckets of a ``Histogram`` are 0.1 % wide, and there are 31,744 of them; these here are 43, six for each power of
ten, so that a heat map has even rows and a quantile read from them is off by a few per cent, never by a multiple.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .buckets import LEASTS
from .histogram import TOPS, Histogram

#: Of ns: from 100 ns to 1 s, six for each power of ten.
BOUNDS_NS = (*(step * 10**power // 10 for power in range(2, 9) for step in (10, 15, 20, 30, 50, 70)), 10**9)


class Cumulative(NamedTuple):
    """What a histogram comes to."""

    below: list[int]  #: values of at most each of ``BOUNDS_NS``
    total: int  #: all values
    seconds: float  #: their sum, to 0.05 %


def cumulative(histogram: Histogram) -> Cumulative:
    """Count what is in a histogram at this moment, which another thread may record in. O(buckets)."""
    counts = histogram.array()
    summed = np.concatenate(([0], np.cumsum(counts)))
    seconds = float((counts * _MIDDLES_NS).sum()) / 1e9  # no dot product: its threads would take others' processors
    return Cumulative(summed[_CUTS].tolist(), int(summed[-1]), seconds)


_LARGEST = TOPS.astype(np.int64)
_MIDDLES_NS = (LEASTS + _LARGEST) / 2

#: For each bound, the first bucket that is not wholly at or below it: one that is cut by it counts as above.
_CUTS = np.searchsorted(_LARGEST, BOUNDS_NS, side="right")
