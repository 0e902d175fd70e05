"""The value that the traders believe an instrument has: it moves slowly, in small steps and short trends."""

from __future__ import annotations

import math
import random

#: Standard deviation of the value after one second, in ticks.
TICKS_PER_ROOT_SECOND = 1.4

#: A trend has this standard deviation, in ticks a second, and lasts about this long.
TREND_TICKS_PER_S, TREND_S = 0.35, 25.0

#: The value returns towards its start within about this time.
RETURN_S = 600.0

#: Long pauses are advanced in steps of at most this length.
LONGEST_STEP_S = 0.5


class FairValue:
    """The fair value of one instrument in ticks: a random walk with trends that returns to ``start``."""

    def __init__(self, random_numbers: random.Random, start: int) -> None:
        self._random = random_numbers
        self._start = start
        self._trend = 0.0  # ticks a second
        self.ticks = float(start)

    def advance(self, seconds: float) -> float:
        """Let time pass: the new value."""
        while seconds > 0:
            step = min(seconds, LONGEST_STEP_S)
            seconds -= step
            noise = TREND_TICKS_PER_S * math.sqrt(2 * step / TREND_S)
            self._trend += -self._trend * step / TREND_S + noise * self._random.gauss(0, 1)
            pull = (self._start - self.ticks) / RETURN_S
            self.ticks += (self._trend + pull) * step
            self.ticks += TICKS_PER_ROOT_SECOND * math.sqrt(step) * self._random.gauss(0, 1)
        return self.ticks
