"""Statistics of noisy measurements: medians, and intervals of differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

#: A regression is a real slowdown whose median exceeds this.
TOLERANCE = 0.05

RESAMPLES = 10_000


@dataclass(frozen=True)
class Comparison:
    """Times of two programs as ratios: above 1 the second is slower."""

    ratio: float  #: median of the paired ratios
    low: float  #: the interval of the median
    high: float

    @property
    def real(self) -> bool:
        """True if the interval excludes 1."""
        return self.low > 1 or self.high < 1

    @property
    def regression(self) -> bool:
        return self.real and self.ratio > 1 + TOLERANCE

    @property
    def verdict(self) -> str:
        if not self.real:
            return "no difference shown"
        if self.regression:
            return "regression"
        return "slower" if self.ratio > 1 else "faster"


def compare(base: ArrayLike, current: ArrayLike, confidence: float = 0.99, seed: int = 0) -> Comparison:
    """Compare times that were measured in pairs, in alternating runs.

    The result is the median of the ratios of the pairs. Both runs of a pair share the same noise of the machine, so a
    burst of noise affects one pair. The interval is a percentile bootstrap of that median. Raises ValueError for
    fewer than five pairs.
    """
    before, now = np.asarray(base, float), np.asarray(current, float)
    if before.shape != now.shape or before.size < 5:
        raise ValueError(f"{before.size} and {now.size} times are not pairs, or fewer than 5")
    ratios = now / before
    drawn = np.random.default_rng(seed).integers(0, ratios.size, (RESAMPLES, ratios.size))
    medians = np.median(ratios[drawn], axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return Comparison(float(np.median(ratios)), float(low), float(high))
