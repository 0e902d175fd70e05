"""Matching asks the heap for nothing: as many allocations at 1,000,000 orders as at 1,000."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

#: Run with the counter preloaded. Levels come and go over a wide range, so that their pools are exercised too.
COUNTED = """
import ctypes, json, sys
import numpy as np
import pricetime
from pricetime.tape.flow import generate, prelude

allocations = ctypes.CDLL(None).allocations
allocations.restype = ctypes.c_ulonglong

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
@pytest.mark.skipif(sys.platform != "linux", reason="counts by preloading, as Linux does it")
def test_as_many_at_a_million_orders_as_at_a_thousand(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the counter with")
    counter = tmp_path / "count.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", counter, HERE / "count_allocations.c", "-ldl"], check=True
    )
    environment = {**os.environ, "LD_PRELOAD": str(counter), "PYTHONMALLOC": "malloc", "OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", COUNTED], env=environment, capture_output=True, text=True, check=True)
    for preset, ((few, _, _), (many, trades, resting)) in json.loads(run.stdout).items():
        assert trades > 1_000, preset
        assert resting > 1_000, preset
        assert 0 < few == many, f"{preset}: {few} allocations for 1,000 orders, {many} for 1,000,000"
