"""A server that runs for ORDERS: every order answered, the feed whole, its memory as it was after the first of them."""

from __future__ import annotations

import os

import pytest

from pricetime.measure.following import Following
from pricetime.measure.load import Load
from pricetime.measure.plan import make_plans
from pricetime.measure.server import ServerProcess

#: The streams of four clients have gone round their rings by then.
WARM = 4_000_000
ORDERS = WARM + int(os.environ.get("ORDERS", "2000000"))
CLIENTS = 4


@pytest.mark.compiled
def test_its_memory_stays_flat() -> None:
    first, plans = make_plans("balanced", ORDERS, CLIENTS, seed=9, chunk=250_000)
    options = ("--open", "--stats-interval-ms", "0")
    with (
        ServerProcess(*options) as server,
        Load(server.host, server.port, CLIENTS) as load,
        Following(server.group, server.feed_port, recovery=server.recovery) as feed,
    ):
        feed.wait_whole()
        load.send(first)
        early = 0
        for plan in plans:
            load.send(plan)
            load.wait_answered()
            if load.sent <= WARM + first.count:
                early = server.resident_bytes()
        late = server.resident_bytes()
        stopped = server.stop()
        feed.wait_whole(stopped["last_sequence"])
        with feed.asked() as subscriber:
            assert f"{subscriber.digest():016x}" == stopped["digest"]
    print(f"\n{load.sent:,} orders: {early / 1e6:.1f} MB after {WARM:,}, {late / 1e6:.1f} MB in the end")
    assert late <= early * 1.01
