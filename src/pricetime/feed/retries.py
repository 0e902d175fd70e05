"""How often and how fast a lost connection is made anew."""

from __future__ import annotations

import random

#: Seconds before the first attempt, and the most between two.
FIRST, MOST = 0.02, 2.0


class Retries:
    """So many attempts, each after twice the time of the one before, a little spread so that clients do not march."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.done = 0

    def next_pause(self) -> float | None:
        """Seconds to wait before the next attempt, None when there are no more."""
        if self.done >= self.most:
            return None
        self.done += 1
        return min(MOST, FIRST * (1 << (self.done - 1))) * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """The connection is there."""
        self.done = 0
