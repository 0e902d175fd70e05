"""Latencies in buckets: never below the true figure, never more than 0.1 % above it; and those of HdrHistogram."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pricetime import COMPILED
from pricetime.native.histogram import TOPS, Histogram

WANTED = (1, 25, 50, 75, 90, 99, 99.9, 99.99, 100)

#: Of all sizes, and most of them near a power of two, where buckets change their width.
VALUES = st.lists(
    st.one_of(
        st.integers(0, 2**40 - 1),
        st.integers(0, 5000),
        st.builds(lambda power, step: max(0, 2**power + step), st.integers(0, 39), st.integers(-2, 2)),
    ),
    min_size=1,
    max_size=200,
)

#: Uncompiled, reading all buckets is slow.
EXAMPLES = settings(max_examples=100 if COMPILED else 8)


def exact(values: list[int], percentage: float) -> int:
    """The value whose place in the order of all is the nearest to so many percent."""
    return sorted(values)[max(1, int(len(values) * percentage / 100 + 0.5)) - 1]


def filled(values: list[int]) -> Any:
    made = Histogram()
    made.record_many(values)
    return made


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


@EXAMPLES
@given(VALUES)
def test_any_values_against_exact_percentiles(values: list[int]) -> None:
    histogram = filled(values)
    for percentage, found in zip(WANTED, histogram.percentiles(WANTED), strict=True):
        true = exact(values, percentage)
        assert true <= found <= max(true, true * 1.001)
    assert histogram.percentiles((0,))[0] <= min(values)
    assert min(values) - histogram.percentiles((0,))[0] <= min(values) / 1000


@EXAMPLES
@given(VALUES)
def test_as_the_package_has_it(values: list[int]) -> None:
    """The same bucket for every value, and the same percentiles, the largest included."""
    hdr = pytest.importorskip("hdrh.histogram", reason="needs hdrhistogram: pip install '.[measure]'")
    theirs = hdr.HdrHistogram(1, 2**40 - 1, 3)
    for value in values:
        assert theirs.record_value(value)
    ours = filled(values)
    assert len(theirs.counts) == len(ours.array())
    assert ours.array().tolist() == list(theirs.counts)
    found = theirs.get_percentile_to_value_dict([0, *WANTED])
    assert ours.percentiles((0, *WANTED)) == [found[percentage] for percentage in (0, *WANTED)]
    assert ours.percentiles((100,)) == [theirs.get_max_value()]
    assert ours.count == theirs.get_total_count()


def test_the_tops_of_the_buckets() -> None:
    """Each the last value of its bucket: the next one is in the next."""
    assert TOPS.shape == (31_744,)
    assert TOPS[[0, 2047, 2048, 2049, -1]].tolist() == [0, 2047, 2049, 2051, 2**40 - 1]
    for place in (*range(0, 31_743, 997), 31_742):
        top = int(TOPS[place])
        counts = filled([top, top + 1]).array()
        assert np.flatnonzero(counts).tolist() == [place, place + 1]


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
        assert histogram.percentiles((100,)) == [2**39 + 2**38 + 2**29 - 1]
        assert histogram.largest == 2**39 + 2**38


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


# ---------------------------------------------------------------------- whole histograms


@EXAMPLES
@given(VALUES, VALUES)
def test_merged_it_is_as_if_recorded_in_one(first: list[int], second: list[int]) -> None:
    merged, other = filled(first), filled(second)
    merged.merge(other)
    together = filled(first + second)
    assert (merged.count, merged.largest) == (together.count, together.largest)
    assert (merged.array() == together.array()).all()
    assert (other.array() == filled(second).array()).all()


def test_merged_with_itself_it_has_all_twice() -> None:
    histogram = filled([1, 5000, 2**41])
    histogram.merge(histogram)
    assert (histogram.count, histogram.largest) == (6, 2**41)
    assert (histogram.array() == 2 * filled([1, 5000, 2**41]).array()).all()


def test_a_copy_stays_as_it_is() -> None:
    histogram = filled([1, 2, 3000])
    copy = histogram.copy()
    histogram.record_many([4, 10**6])
    assert (copy.count, copy.largest, copy.percentiles((100,))) == (3, 3000, [3001])
    copy.record_many([7])
    assert (copy.count, histogram.count) == (4, 5)
    histogram.clear()
    assert histogram.copy().percentiles((50,)) == [0]


@EXAMPLES
@given(VALUES)
def test_made_from_an_array_it_counts_the_same(values: list[int]) -> None:
    histogram = filled(values)
    counts = histogram.array()
    assert (counts.dtype, counts.sum()) == (np.uint64, len(values))
    again = Histogram.from_array(counts)
    assert (again.array() == counts).all()
    assert again.count == histogram.count
    assert again.percentiles(WANTED) == histogram.percentiles(WANTED)
    assert [again.largest] == again.percentiles((100,))
    again.record_many([2**40])
    assert again.count == len(values) + 1
    assert counts.sum() == len(values), "the array is the caller's"


def test_an_array_is_a_copy() -> None:
    histogram = filled([3])
    histogram.array()[3] = 9
    assert histogram.array()[3] == 1


@pytest.mark.parametrize(
    "counts",
    [np.zeros(5, np.uint64), np.zeros(31_744), np.full(31_744, -1), np.zeros((2, 15_872), np.uint64), "none"],
    ids=["few", "floats", "negative", "shape", "text"],
)
def test_arrays_that_no_histogram_has(counts: Any) -> None:
    with pytest.raises(ValueError, match="31,744"):
        Histogram.from_array(counts)


def test_small_integers_will_do() -> None:
    counts = np.zeros(31_744, np.int32)
    counts[[0, 2000]] = 2, 3
    assert Histogram.from_array(counts).percentiles((1, 100)) == [0, 2000]


def test_memory_taken_up_changes_nothing() -> None:
    histogram = filled([3, 2**39])
    histogram.prefault()
    assert (histogram.array() == filled([3, 2**39]).array()).all()
