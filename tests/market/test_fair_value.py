"""The fair value moves slowly and stays near its start."""

import numpy as np

from pricetime.market.fair_value import FairValue
from pricetime.market.trader import seeded


def test_it_moves_slowly_and_returns() -> None:
    value = FairValue(seeded(1), 10_000)
    path = np.array([value.advance(1.0) for _ in range(5_000)])
    assert 0.8 < np.diff(path).std() < 2.5
    assert abs(path - 10_000).max() < 1_000
    assert path.std() > 5


def test_no_time_no_move() -> None:
    value = FairValue(seeded(1), 100)
    assert value.advance(0.0) == 100.0
