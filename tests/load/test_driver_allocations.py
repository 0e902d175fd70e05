"""An order on its way through the generator asks the heap for nothing: as many allocations for 100,000 as for 1,000."""

from pathlib import Path

import pytest

from pricetime.load.server import ServerProcess
from tests.counting import counted

pytestmark = pytest.mark.compiled

#: Run with the counter preloaded. While it counts, the loop has the plan, and this thread waits for its end alone.
COUNTED = """
import threading, time
from pricetime.load.driver import Driver
from pricetime.load.login import log_in
from pricetime.load.plan import join, make_plans

HOST, PORT = sys.argv[1], int(sys.argv[2])

def count_of(commands):
    first, plans = make_plans("balanced", commands, 2, seed=2)
    plan = join([first, *plans])
    driver = Driver(2)
    logins = [log_in(HOST, PORT, owner) for owner in (1, 2)]
    for number, login in enumerate(logins):
        driver.connection(number, login.connection.fileno(), login.accepted.next_sequence)
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


def test_as_many_for_a_hundred_thousand_orders_as_for_a_thousand(tmp_path: Path) -> None:
    pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
    options = ("--open", "--no-prefault", "--order-capacity", "131072", "--stats-interval-ms", "0")
    with ServerProcess(*options) as server:
        found = counted(COUNTED, tmp_path, server.host, str(server.port))
    (few, fewer, _), (many, answered, failure) = found
    assert failure == 0
    assert answered - fewer == 99_000
    assert few == many, f"{few} allocations for 1,000 orders, {many} for 100,000"
