"""A histogram for each kind of command."""

import numpy as np
import pytest

from pricetime.native.latency import NAMES, Latencies


@pytest.mark.parametrize("kind", range(5))
def test_each_kind_is_counted_apart(kind: int) -> None:
    latencies = Latencies()
    latencies.record_many(kind, [5, 5, 70])
    found = {name: histogram.count for name, histogram in latencies.copies().items()}
    assert found == {name: 3 if number == kind else 0 for number, name in enumerate(NAMES)}
    assert getattr(latencies, NAMES[kind]).percentiles((50, 100)) == [5, 70]


def test_all_of_them_in_one() -> None:
    latencies = Latencies()
    for kind in range(5):
        latencies.record_many(kind, [kind, 1000 * kind])
    together = latencies.all()
    assert (together.count, together.largest) == (10, 4000)
    counts = sum(histogram.array() for histogram in latencies.copies().values())
    assert np.array_equal(together.array(), counts)


def test_copies_stay_as_they_are() -> None:
    latencies = Latencies()
    latencies.record_many(1, [10])
    copies = latencies.copies()
    latencies.record_many(1, [20])
    latencies.prefault()
    assert copies["trades"].count == 1
    assert latencies.trades.count == 2


def test_the_counts_of_all_kinds() -> None:
    latencies = Latencies()
    for kind in range(5):
        latencies.record_many(kind, [10, 1_000 * (kind + 1)])
    assert (latencies.counts() == latencies.all().array()).all()
    assert latencies.counts().sum() == 10
