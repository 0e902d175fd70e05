"""Times per command in the buckets of a histogram."""

from pricetime.farm.counts import counts_of, histogram_of


def test_counts_of_batches_add_up() -> None:
    one, two = counts_of([(10, 1000), (5, 500)]), counts_of([(3, 3 * 5000), (1, 1 << 50)])
    assert one == {"100": 15}
    made = histogram_of([one, two])
    assert made.count == 19
    assert made.percentiles([50]) == [100]
    assert histogram_of([]).count == 0
