from dataclasses import replace

import numpy as np
import pytest

from pricetime.tape.flow.placement import FAR, NEAR, OUTLIER, SWEEP, TAKER, Placement
from tests.tape.flow.flows import market

balanced = market("balanced")


def test_new_orders_follow_the_power_law() -> None:
    flow = replace(balanced, scale=10, tail=1.0, reach=10_000)
    away = Placement(flow).near(np.random.default_rng(1), 500_000)
    count = np.bincount(away, minlength=10_001)
    assert away.min() == 1
    assert away.max() <= 10_000
    assert count[1] / count[11] == pytest.approx(4, rel=0.1)  # (1 + 10 / 10) ** 2
    decades = [count[low : 10 * low].sum() for low in (100, 1_000)]
    assert decades[0] / decades[1] == pytest.approx(10, rel=0.2)


def test_resting_orders_have_a_hump_behind_the_touch() -> None:
    kind = np.zeros(200_000, np.int64)
    _, away = Placement(balanced).resting(np.random.default_rng(1), kind)
    count = np.bincount(away, minlength=401)
    peak = count[10:40].mean()
    assert peak > 1.3 * count[1]
    assert peak > 2 * count[200:400].mean()


def test_kinds_come_in_their_shares() -> None:
    flow = replace(balanced, far=0.1, far_lifetime=50_000, outliers=0.05, taking=0.2, sweeps=0.01)
    kind = Placement(flow).kinds_new(np.random.default_rng(1), 100_000)
    share = np.bincount(kind, minlength=5) / kind.size
    assert share[[NEAR, FAR, OUTLIER, TAKER, SWEEP]] == pytest.approx([0.64, 0.1, 0.05, 0.2, 0.01], abs=0.01)


def test_takers_are_priced_through_the_touch() -> None:
    placement = Placement(replace(balanced, slack=3))
    rng = np.random.default_rng(1)
    kind = np.full(4, TAKER)
    _, away = placement.new(rng, kind)
    side = np.array([1, 2, 1, 2], np.uint8)
    prices = placement.prices(rng, kind, side, away, np.full(4, 100))
    assert prices.tolist() == [103, 96, 103, 96]
