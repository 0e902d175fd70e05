"""Matching asks the heap for nothing: as many allocations at 1,000,000 orders as at 1,000."""

from pathlib import Path

import pytest

from tests.counting import counted

#: Levels come and go over a wide range, so that their pools are exercised too.
COUNTED = """
import numpy as np
import pricetime
from pricetime.tape.flow import generate, prelude

def count_of(commands):
    book = pricetime.OrderBook()
    book.apply(commands[:0])
    before = allocations()
    reports = book.apply(commands)
    after = allocations()
    return after - before, int((reports["kind"] == 2).sum()), len(book)

counts = {}
for preset in ("balanced", "wide", "sweep"):
    flow = np.concatenate([*prelude(preset, seed=5), *generate(preset, 1_000_000, seed=5)])
    count_of(flow[:10])
    counts[preset] = [count_of(flow[:n]) for n in (1_000, 1_000_000)]
print(json.dumps(counts))
"""


@pytest.mark.compiled
def test_as_many_at_a_million_orders_as_at_a_thousand(tmp_path: Path) -> None:
    for preset, ((few, _, _), (many, trades, resting)) in counted(COUNTED, tmp_path).items():
        assert trades > 1_000, preset
        assert resting > 1_000, preset
        assert 0 < few == many, f"{preset}: {few} allocations for 1,000 orders, {many} for 1,000,000"
