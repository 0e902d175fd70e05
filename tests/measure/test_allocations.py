"""An order on its way through the generator asks the heap for nothing: as many allocations for 100,000 as for 1,000."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pricetime.measure.server import ServerProcess

pytestmark = pytest.mark.compiled

ROOT = Path(__file__).parents[2]

#: Run with the counter preloaded. While it counts, the loop has the plan, and this thread waits for its end alone.
COUNTED = """
import ctypes, json, sys, threading, time
from pricetime.measure.driver import Driver
from pricetime.measure.login import log_in
from pricetime.measure.plan import join, make_plans

allocations = ctypes.CDLL(None).allocations
allocations.restype = ctypes.c_ulonglong

HOST, PORT = sys.argv[1], int(sys.argv[2])

def count_of(commands):
    first, plans = make_plans("balanced", commands, 2, seed=2)
    plan = join([first, *plans])
    driver = Driver(2)
    logins = [log_in(HOST, PORT, owner) for owner in (1, 2)]
    for number, login in enumerate(logins):
        driver.seat(number, login.connection.fileno(), login.accepted.next_sequence)
    thread = threading.Thread(target=driver.run)
    thread.start()
    time.sleep(0.05)
    before = allocations()
    driver.offer(plan.data, plan.sizes, plan.sessions, rate=500_000.0, start_ns=time.monotonic_ns())
    driver.leave()
    thread.join()
    after = allocations()
    for login in logins:
        login.connection.close()
    driver.close()
    return after - before, driver.answered, driver.failure

count_of(10)
print(json.dumps([count_of(n) for n in (1_000, 100_000)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts by preloading, as Linux does it")
def test_as_many_for_a_hundred_thousand_orders_as_for_a_thousand(tmp_path: Path) -> None:
    pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install 'pricetime[server]'")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to build the counter with")
    counter = tmp_path / "count.so"
    source = ROOT / "tests" / "core" / "count_allocations.c"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", counter, source, "-ldl"], check=True)
    environment = {
        **os.environ,
        "LD_PRELOAD": str(counter),
        "PYTHONMALLOC": "malloc",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    options = ("--open", "--no-prefault", "--order-capacity", "131072", "--stats-interval-ms", "0")
    with ServerProcess(*options) as server:
        run = subprocess.run(
            [sys.executable, "-c", COUNTED, server.host, str(server.port)],
            env=environment, capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
    assert run.returncode == 0, run.stderr
    (few, fewer, _), (many, answered, failure) = json.loads(run.stdout)
    assert failure == 0
    assert answered - fewer == 99_000
    assert few == many, f"{few} allocations for 1,000 orders, {many} for 100,000"
