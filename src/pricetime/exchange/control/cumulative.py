"""Converts a ``Histogram`` into the cumulative histogram of Prometheus: how many values are at most each bound.

A ``Histogram`` has 31,744 buckets of 0.1 %. Prometheus gets 43, six for each power of ten: heat maps get even rows,
and a quantile computed from them is off by at most the width of a bucket.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...native.histogram import TOPS, Histogram

#: In ns: from 100 ns to 1 s, six for each power of ten.
BOUNDS_NS = (*(step * 10**power // 10 for power in range(2, 9) for step in (10, 15, 20, 30, 50, 70)), 10**9)


class Cumulative(NamedTuple):
    """The cumulative form of a histogram."""

    below: list[int]  #: values of at most each of ``BOUNDS_NS``
    total: int  #: all values
    seconds: float  #: their sum, to 0.05 %


def cumulative(histogram: Histogram) -> Cumulative:
    """Convert a histogram, in which a second thread may be recording. O(buckets)."""
    counts = histogram.array()
    summed = np.concatenate(([0], np.cumsum(counts)))
    seconds = float((counts * _MIDDLES_NS).sum()) / 1e9  # no dot product: BLAS would start threads
    return Cumulative(summed[_CUTS].tolist(), int(summed[-1]), seconds)


_LARGEST = TOPS.astype(np.int64)
_MIDDLES_NS = (np.concatenate(([0], _LARGEST[:-1] + 1)) + _LARGEST) / 2

#: For each bound, the first bucket that is not wholly at or below it; a bucket that a bound cuts counts as above.
_CUTS = np.searchsorted(_LARGEST, BOUNDS_NS, side="right")
