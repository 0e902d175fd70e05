"""An order on its way through the gateway asks the heap for nothing: as many allocations for 100,000 as for 1,000."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Run with the counter preloaded. The gateway takes its turns in a thread that never comes back to Python, so that
#: only what it does itself is counted; a report for another owner says when everything is through.
COUNTED = """
import ctypes, json, socket, sys, threading
from pricetime.measure.plan import make_plans
from pricetime.wire.messages import LoginAccepted
from tests.gateway.floor import Floor, tcp_pair
from tests.gateway.orders import ASK, BID, IOC, new

allocations = ctypes.CDLL(None).allocations
allocations.restype = ctypes.c_ulonglong

FOLDER, LEVEL = sys.argv[1:]

def count_of(commands):
    journal = {"journal": f"{FOLDER}/{commands}", "acknowledge": LEVEL} if LEVEL else {}
    here = Floor(**journal, order_capacity=2**17, level_capacity=2**12, ring_capacity=2**14, stream_reports=2**20,
                 outbound_bytes=2**20 * 48, feed_store_reports=2**20)
    first, plans = make_plans("balanced", commands, 1, instrument=1, seed=2)
    data = first.bytes_of(0) + next(plans).bytes_of(0)
    last = new(2**40, BID, 10**9, 1, time_in_force=IOC, instrument=2).encode()
    buffer = bytearray(48)
    ends = []
    for owner in (1, 2):
        ours, theirs = tcp_pair()
        here.exchange.admit(theirs.detach(), owner, 0, 0)
        here.gateway.turn()
        ours.recv(LoginAccepted.SIZE, socket.MSG_WAITALL)
        ends.append(ours)
    sender, waiter = ends
    waiter.sendall(new(1, ASK, 100, 1, instrument=2).encode())
    thread = threading.Thread(target=here.gateway.run)
    thread.start()
    waiter.recv_into(buffer)
    sender.sendall(data[:40])
    before = allocations()
    sender.sendall(data)
    sender.sendall(last)
    waiter.recv_into(buffer)
    after = allocations()
    here.gateway.end()
    thread.join()
    stats = here.exchange.stats()
    for end in ends:
        end.close()
    here.close()
    return after - before, stats["commands"], stats["reports"], stats["cut_off"]

count_of(10)
print(json.dumps([count_of(n) for n in (1_000, 100_000)]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts by preloading, as Linux does it")
@pytest.mark.parametrize("level", ["", "memory"])
def test_as_many_for_a_hundred_thousand_orders_as_for_a_thousand(level: str, tmp_path: Path) -> None:
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
    run = subprocess.run(
        [sys.executable, "-c", COUNTED, str(tmp_path), level],
        env=environment, capture_output=True, text=True, check=False, cwd=ROOT
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    (few, fewer_commands, _, _), (many, commands, reports, cut_off) = json.loads(run.stdout)
    assert commands - fewer_commands == 99_000
    assert reports > commands
    assert cut_off == 0
    assert 0 < few == many, f"{few} allocations for 1,000 orders, {many} for 100,000"
