"""Latencies in buckets: never below the true figure, never more than 0.1 % above it."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest

from pricetime.measure.histogram import Histogram

WANTED = (0, 1, 25, 50, 75, 90, 99, 99.9, 99.99, 100)


def exact(values: list[int], percentage: float) -> int:
    """The least value that so many percent are at or below."""
    rank = max(1, ceil(Fraction(str(percentage)) * len(values) / 100))
    assert percentage % 25 or np.percentile(values, percentage, method="inverted_cdf") == sorted(values)[rank - 1]
    return sorted(values)[rank - 1]


@pytest.mark.parametrize("seed", range(5))
def test_against_exact_percentiles(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = (2 ** rng.uniform(0, 39, 5000)).astype(np.int64).tolist() + rng.integers(0, 3000, 2000).tolist()
    histogram = Histogram()
    histogram.record_many(values)
    assert histogram.count == 7000
    assert histogram.largest == max(values)
    for percentage, found in zip(WANTED, histogram.percentiles(WANTED), strict=True):
        true = exact(values, percentage)
        assert true <= found <= true * 1.001, percentage


@pytest.mark.parametrize("value", [0, 1, 1023, 1024, 1025, 2047])
def test_small_values_are_exact(value: int) -> None:
    histogram = Histogram()
    histogram.record_many([value, 10_000_000])
    assert histogram.percentiles((50,)) == [value]


@pytest.mark.parametrize("power", range(11, 40))
def test_the_edges_of_the_buckets(power: int) -> None:
    """The first of a power of two, its bucket's last, and the next bucket's first."""
    width = 1 << (power - 10)
    first = 1 << power
    for value, top in ((first - 1, first - 1), (first, first + width - 1), (first + width - 1, first + width - 1)):
        histogram = Histogram()
        histogram.record_many([value, 2**39 + 2**38])
        assert histogram.percentiles((50,)) == [top]
        assert histogram.percentiles((100,)) == [2**39 + 2**38], "no more than the largest there was"


@pytest.mark.parametrize("value", [2**40 - 1, 2**40, 2**50, 2**64 - 1])
def test_huge_values_count_as_the_largest_there_is_room_for(value: int) -> None:
    histogram = Histogram()
    histogram.record_many([5, value, value])
    assert histogram.percentiles((1, 50, 100)) == [5, 2**40 - 1, 2**40 - 1]
    assert (histogram.count, histogram.largest) == (3, value)


def test_nothing_recorded_and_cleared() -> None:
    histogram = Histogram()
    assert histogram.percentiles((50, 100)) == [0, 0]
    histogram.record_many([7, 8])
    histogram.clear()
    assert histogram.percentiles((50, 100)) == [0, 0]
    assert (histogram.count, histogram.largest) == (0, 0)
    histogram.record_many([9])
    assert histogram.percentiles((0, 50, 100)) == [9, 9, 9]


def test_counts_go_out_and_in() -> None:
    histogram = Histogram()
    histogram.record_many([1, 2, 2, 5_000, 2**39 + 2**38])
    counts = histogram.array()
    assert counts.sum() == 5
    assert counts[2] == 2
    again = Histogram.from_array(counts, histogram.largest)
    assert (again.count, again.largest) == (5, 2**39 + 2**38)
    assert np.array_equal(again.array(), counts)
    assert Histogram.from_array(counts).largest >= 2**39 + 2**38  # the top of its bucket
    assert Histogram.from_array(np.zeros_like(counts)).percentiles((100,)) == [0]


def test_two_in_one_and_a_copy_that_stays() -> None:
    one, other = Histogram(), Histogram()
    one.record_many([1, 2, 3])
    other.record_many([3, 4_000])
    copy = one.copy()
    one.merge(other)
    assert (one.count, one.largest) == (5, 4_000)
    assert one.percentiles((50, 60)) == [3, 3]
    assert (copy.count, copy.largest) == (3, 3)
    other.merge(copy)
    assert np.array_equal(one.array(), other.array())
