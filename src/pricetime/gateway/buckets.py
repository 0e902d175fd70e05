"""How much of something may be had in what time."""

from __future__ import annotations


class TokenBucket:
    """Refilled steadily up to a limit. Times are seconds of any clock that does not go back."""

    def __init__(self, per_second: float, most: float, now: float) -> None:
        self._per_second = per_second
        self._most = most
        self._tokens = most
        self._filled_at = now

    def wait(self, amount: float, now: float) -> float:
        """Seconds until this much may be had; 0 when it may be had now. More than the limit is had when it is full."""
        self._tokens = min(self._most, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        return max(0.0, (min(amount, self._most) - self._tokens) / self._per_second)

    def take(self, amount: float) -> None:
        """Take it. What is more than there is is owed: the next has to wait for it too."""
        self._tokens -= amount
