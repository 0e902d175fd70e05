"""Draws the prices and lifetimes of orders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...types import Side
from .base import Ints
from .market import MarketFlow

#: Kinds of arrivals.
NEAR, FAR, OUTLIER, TAKER, SWEEP = range(5)

I64_MIN, I64_MAX = -(2**63), 2**63 - 1
AT_END = 1 / 16  #: share of outliers at the first or last price of i64


class Placement:
    """Draws distances from the mid in ticks and mean lifetimes in arrivals. Orders at a distance below 1 trade.

    The distances of new near orders follow a power law. Orders farther from the mid live longer, so resting orders have
    a different distribution: some at the best price, most a few ticks behind it, and then a power law again.
    """

    def __init__(self, flow: MarketFlow) -> None:
        self.flow = flow
        near = 1 - flow.far - flow.outliers - flow.taking - flow.sweeps
        shares = np.array([near, flow.far, flow.outliers, flow.taking, flow.sweeps])
        self.kinds = np.cumsum(shares)[:-1]
        distance = np.arange(1, flow.reach + 1)
        density = (1 + (distance - 1) / flow.scale) ** -(1 + flow.tail)
        alive = density / density.sum() * self.lifetime(np.zeros(distance.size, np.int64), distance)
        self.near_new = np.cumsum(density / density.sum())
        self.near_resting = np.cumsum(alive / alive.sum())
        weight = shares[:3] * [alive.sum(), flow.far_lifetime, flow.far_lifetime]
        self.others_resting = weight[1:] / weight.sum()

    def kinds_new(self, rng: np.random.Generator, count: int) -> Ints:
        """The kinds of arriving orders."""
        return np.searchsorted(self.kinds, rng.random(count), side="right")

    def kinds_resting(self, rng: np.random.Generator, count: int) -> Ints:
        """The kinds of resting orders, in exact proportion."""
        others = np.floor(count * self.others_resting).astype(np.int64)
        return rng.permutation(np.repeat([NEAR, FAR, OUTLIER], [count - others.sum(), *others]))

    def new(self, rng: np.random.Generator, kind: Ints) -> tuple[NDArray[np.uint8], Ints]:
        """Side and distance of arriving orders."""
        side = rng.integers(Side.BID, Side.ASK, kind.size, np.uint8, endpoint=True)
        away = self.near(rng, kind.size)
        far = np.flatnonzero(kind == FAR)
        away[far] = rng.integers(self.flow.slack + 1, self.flow.reach, far.size, endpoint=True)
        away[kind == TAKER] = -self.flow.slack
        return side, away

    def resting(self, rng: np.random.Generator, kind: Ints) -> tuple[NDArray[np.uint8], Ints]:
        """Side and distance of resting orders. Far orders fill the levels evenly."""
        side = rng.integers(Side.BID, Side.ASK, kind.size, np.uint8, endpoint=True)
        away = draw(rng, self.near_resting, kind.size)
        far = np.flatnonzero(kind == FAR)
        turn = np.arange(far.size) % (2 * (self.flow.reach - self.flow.slack))
        side[far] = Side.BID + turn % 2
        away[far] = self.flow.slack + 1 + turn // 2
        return side, away

    def near(self, rng: np.random.Generator, count: int) -> Ints:
        """Distances of arriving near orders."""
        return draw(rng, self.near_new, count)

    def lifetime(self, kind: Ints, away: Ints) -> NDArray[np.float64]:
        """Mean lifetimes. Takers that rest live as long as orders at the best price."""
        near = self.flow.lifetime * (1 + np.maximum(away - 1, 0) / self.flow.hump)
        return np.where((kind == FAR) | (kind == OUTLIER), self.flow.far_lifetime, near)

    def prices(self, rng: np.random.Generator, kind: Ints, side: NDArray[np.uint8], away: Ints, mid: Ints) -> Ints:
        """Prices in ticks: beside the mid; of outliers any order of magnitude beyond the reach; of sweeps no limit."""
        price = beside(mid, side, away)
        found = np.flatnonzero(kind == OUTLIER)
        beyond = np.exp2(rng.uniform(self.flow.reach.bit_length(), 62.9, found.size)).astype(np.int64)
        at_end = rng.random(found.size) < AT_END
        bid = side == Side.BID
        price[found] = np.where(
            bid[found],
            np.where(at_end, I64_MIN, mid[found] - beyond),
            np.where(at_end, I64_MAX, mid[found] + beyond),
        )
        found = np.flatnonzero(kind == SWEEP)
        price[found] = np.where(bid[found], I64_MAX, I64_MIN)
        return price


def beside(mid: Ints, side: NDArray[np.uint8], away: Ints) -> Ints:
    """Prices at distances from the mid: bids below it, asks at the mid and above. Distance 1 is the best price."""
    return np.where(side == Side.BID, mid - away, mid + away - 1)


def draw(rng: np.random.Generator, cumulated: NDArray[np.float64], count: int) -> Ints:
    """Draw distances from 1, given their cumulative distribution."""
    found = np.searchsorted(cumulated, rng.random(count), side="right")
    return np.minimum(found, cumulated.size - 1) + 1
