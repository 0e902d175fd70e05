"""Records in a ring ask the heap for nothing: as many allocations for 400,000 as for 30,000."""

from pathlib import Path

import pytest

from tests.counting import counted

#: As many calls each time, of few records and of many (Python keeps numbers below 257, so that even few are more).
COUNTED = """
import numpy as np
from pricetime import COMMAND
from pricetime.ring import Ring

def count_of(size):
    ring = Ring(8192)
    records = np.zeros(size, COMMAND)
    done = 0
    before = allocations()
    for _ in range(100):
        done += ring.put_records(records, timeout=0)
        done -= len(ring.get_records(COMMAND, size, timeout=0))
    after = allocations()
    assert done == 0
    return after - before

count_of(300)
print(json.dumps([count_of(300), count_of(4000)]))
"""


@pytest.mark.compiled
def test_as_many_for_many_records_as_for_few(tmp_path: Path) -> None:
    few, many = counted(COUNTED, tmp_path)
    assert 0 < few == many, f"{few} allocations for 30,000 records, {many} for 400,000"
