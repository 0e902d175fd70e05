"""The mid price, a random walk on whole ticks, and when it crosses the price of an order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Ints
from .market import MarketFlow

START = 1_000_000  #: ticks


class Mid:
    """The random walk, reflected at ``span`` ticks on either side of ``START``."""

    def __init__(self, flow: MarketFlow) -> None:
        self.flow = flow
        self.walked = 0  # ticks, without the reflections
        self.at = START

    def walk(self, rng: np.random.Generator, count: int) -> Path:
        """The next ``count`` arrivals."""
        flow = self.flow
        step = np.zeros(count, np.int64)
        moved = np.flatnonzero(rng.random(count) < flow.moves)
        up = rng.random(moved.size) < flow.upward
        step[moved] = rng.geometric(1 / flow.jump, moved.size) * np.where(up, 1, -1)
        walked = self.walked + np.cumsum(step)
        self.walked = int(walked[-1])
        lap = (walked + flow.span) % (4 * flow.span)
        path = Path(self.at, START - flow.span + np.minimum(lap, 4 * flow.span - lap))
        self.at = int(path.mid[-1])
        return path


class Path:
    """The mid at each of some arrivals, and before them.

    Bids rest below the mid, asks at the mid and above, so a rise from 7 to 9 crosses the asks at 7 and 8.
    """

    def __init__(self, before: int, mid: Ints) -> None:
        self.mid = mid
        self.low = min(before, int(mid.min()))  #: the lowest price that the mid may cross
        self.high = max(before, int(mid.max()))  #: above the highest price that the mid may cross
        step = np.diff(mid, prepend=before)
        self.rises = self._crossed(np.flatnonzero(step > 0), mid - step, step)
        self.falls = self._crossed(np.flatnonzero(step < 0), mid, -step)

    def _crossed(self, arrival: Ints, lowest: Ints, ticks: Ints) -> Ints:
        """Each crossed price and the arrival at which it is crossed, packed into one sorted key."""
        ticks, lowest = ticks[arrival], lowest[arrival]
        first = np.repeat(np.cumsum(ticks) - ticks, ticks)
        price = np.repeat(lowest, ticks) + np.arange(first.size) - first
        return np.sort(price * self.mid.size + np.repeat(arrival, ticks))

    def run_over(self, bid: NDArray[np.bool_], price: Ints, since: Ints) -> Ints:
        """The first arrival later than ``since`` at which the mid crosses the price of a resting order, or -1.

        ``price`` lies from ``low`` to ``high``; ``since`` is -1 for an order from before the path.
        """
        found = np.full(price.size, -1)
        for crossed, orders in ((self.falls, np.flatnonzero(bid)), (self.rises, np.flatnonzero(~bid))):
            if crossed.size:
                key = price[orders] * self.mid.size
                place = np.searchsorted(crossed, key + since[orders], side="right")
                arrival = crossed[np.minimum(place, crossed.size - 1)] - key
                found[orders] = np.where((arrival > since[orders]) & (arrival < self.mid.size), arrival, -1)
        return found
