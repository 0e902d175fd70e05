"""What a row of noisy figures says: its middle, and how sure a difference is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

#: A regression is a real slowdown whose median is beyond this.
TOLERANCE = 0.05

RESAMPLES = 10_000


@dataclass(frozen=True)
class Comparison:
    """How the times of one thing compare to those of another: above 1 it is slower."""

    ratio: float  #: median of the paired ratios
    low: float  #: the interval that the median lies in
    high: float

    @property
    def real(self) -> bool:
        """The whole interval lies on one side of 1."""
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
    """Compare times that were taken in pairs, one of each turn and turn about.

    A pair shares whatever else the machine was doing then, so its ratio is taken first and the median of the ratios
    after: a burst of noise spoils one pair. The interval is a percentile bootstrap of that median. Raises
    ValueError for fewer than five pairs, of which no interval can be told.
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
