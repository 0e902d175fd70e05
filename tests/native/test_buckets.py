"""The buckets of a histogram as arrays."""

import numpy as np
import pytest

from pricetime.native.buckets import Buckets
from pricetime.native.histogram import Histogram
from tests.load.made_runs import of_values


@pytest.mark.parametrize("value", [0, 5, 2047, 2048, 2049, 2050, 4095, 4096, 10**6, 2**39 + 12_345, 2**40 - 1])
def test_a_bucket_holds_its_value_and_ends_where_the_next_begins(value: int) -> None:
    above = min(value * 2 + 10_000, 2**40 - 1)
    buckets = Buckets.of(of_values([value, above]))
    assert buckets.least[0] <= value <= buckets.most[0] <= value * 1.001
    edges = [int(buckets.least[0]) - 1, int(buckets.least[0]), int(buckets.most[0])]
    places = [np.flatnonzero(of_values([max(edge, 0)]).array())[0] for edge in edges]
    assert places[1] == places[2]
    assert places[0] == places[1] - 1 or value == 0


@pytest.mark.parametrize("seed", range(3))
def test_ranks_are_those_of_the_histogram(seed: int) -> None:
    values = (2 ** np.random.default_rng(seed).uniform(0, 39, 1000)).astype(np.int64)
    histogram = of_values(values.tolist())
    buckets = Buckets.of(histogram)
    assert buckets.count == 1000
    found = buckets.at([1, 500, 990, 999, 1000])
    assert found.tolist() == pytest.approx(histogram.percentiles((0.1, 50, 99, 99.9, 100)), rel=0.001)
    assert found[-1] == values.max()


def test_shares() -> None:
    buckets = Buckets.of(of_values([1, 10, 10, 100]))
    assert buckets.shares(np.array([5.0, 50.0, 500.0])).tolist() == [75, 25]


def test_nothing() -> None:
    assert Buckets.of(Histogram()).count == 0
