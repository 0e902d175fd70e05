"""A token bucket: limits an amount per second, and how much may be used at once."""

from __future__ import annotations


class TokenBucket:
    """Refills at ``per_second`` up to ``most``. Times are seconds of a monotonic clock."""

    def __init__(self, per_second: float, most: float, now: float) -> None:
        self._per_second = per_second
        self._most = most
        self._tokens = most
        self._filled_at = now

    def wait(self, amount: float, now: float) -> float:
        """Seconds until ``amount`` is available, 0 if it is now. An amount above ``most`` needs only a full bucket."""
        self._tokens = min(self._most, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        return max(0.0, (min(amount, self._most) - self._tokens) / self._per_second)

    def take(self, amount: float) -> None:
        """Take ``amount``. If the bucket holds less, it becomes negative and later callers wait for it to refill."""
        self._tokens -= amount
