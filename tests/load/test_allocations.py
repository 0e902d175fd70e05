"""A latency that is recorded asks the heap for nothing: as many allocations for 100,000 as for 10."""

from pathlib import Path

import pytest

from tests.counting import counted

COUNTED = """
import random
from pricetime.native.histogram import Histogram
from pricetime.native.latency import Latencies

def count_of(record, count):
    rng = random.Random(1)
    values = [rng.getrandbits(rng.randrange(1, 45)) for _ in range(count)]
    before = allocations()
    record(values)
    return allocations() - before

histogram, latencies = Histogram(), Latencies()
counts = [[count_of(histogram.record_many, count) for count in (10, 10, 100_000)]]
for kind in range(5):
    counts.append([count_of(lambda values: latencies.record_many(kind, values), count) for count in (10, 10, 100_000)])
print(json.dumps([counts, histogram.count, latencies.all().count]))
"""


@pytest.mark.compiled
def test_as_many_for_many_as_for_few(tmp_path: Path) -> None:
    counts, recorded, of_all_kinds = counted(COUNTED, tmp_path)
    assert recorded == 100_020
    assert of_all_kinds == 5 * 100_020
    for _, few, many in counts:
        assert few == many, f"{few} allocations for 10 values, {many} for 100,000"
