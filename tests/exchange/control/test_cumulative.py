import random
from itertools import pairwise

import pytest

from pricetime.exchange.control.cumulative import BOUNDS_NS, cumulative
from pricetime.native.histogram import Histogram


def test_the_bounds_go_from_100_ns_to_a_second() -> None:
    assert BOUNDS_NS[:7] == (100, 150, 200, 300, 500, 700, 1000)
    assert BOUNDS_NS[-1] == 10**9
    steps = [high / low for low, high in pairwise(BOUNDS_NS)]
    assert 1.3 < min(steps) <= max(steps) < 1.7


def test_nothing() -> None:
    assert cumulative(Histogram()) == ([0] * len(BOUNDS_NS), 0, 0.0)


@pytest.mark.parametrize("value", [0, 99, 100, 101, 999, 1000, 1001, 2000, 2001, 10**9 - 10**6, 10**9 + 10**6, 10**12])
def test_a_value_is_at_or_below_the_bounds_that_are_no_less(value: int) -> None:
    histogram = Histogram()
    histogram.record_many([value])
    found = cumulative(histogram)
    assert found.below == [int(value <= bound) for bound in BOUNDS_NS]
    assert found.total == 1


def test_what_lies_close_to_a_bound_may_count_as_above_it() -> None:
    histogram = Histogram()
    histogram.record_many([5_000_000] * 10)
    low, high = BOUNDS_NS.index(5_000_000), BOUNDS_NS.index(7_000_000)
    assert cumulative(histogram).below[low] in {0, 10}
    assert cumulative(histogram).below[high] == 10


def test_many_values() -> None:
    rng = random.Random(1)
    values = [int(10 ** rng.uniform(1, 9.5)) for _ in range(5000)]
    histogram = Histogram()
    histogram.record_many(values)
    found = cumulative(histogram)
    for bound, below in zip(BOUNDS_NS, found.below, strict=True):
        assert sum(value <= bound * 0.998 for value in values) <= below <= sum(value <= bound for value in values)
    assert found.total == 5000
    assert found.seconds == pytest.approx(sum(values) / 1e9, rel=0.0005)
