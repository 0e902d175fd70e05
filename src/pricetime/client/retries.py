"""When to reconnect after a disconnect."""

from __future__ import annotations

import random

#: Seconds before the first attempt, and the longest pause.
FIRST, MOST = 0.02, 2.0


class Retries:
    """At most ``most`` attempts. The pause doubles each time, with a random part so that clients spread."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.done = 0

    def next_pause(self) -> float | None:
        """Return the seconds before the next attempt, None if there are no more."""
        if self.done >= self.most:
            return None
        self.done += 1
        return min(MOST, FIRST * (1 << (self.done - 1))) * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """Begin again: the login succeeded."""
        self.done = 0
