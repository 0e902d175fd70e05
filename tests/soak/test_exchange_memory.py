"""A server that runs for ORDERS: every order answered, the feed whole, and its memory flat to 1 % at constant depth."""

import os

import pytest

from pricetime.load.following import Following
from pricetime.load.load import Load
from pricetime.load.plan import make_plans
from pricetime.load.server import ServerProcess

#: ``make soak`` sets ORDERS, and takes the rings that a server has by default; ``make test`` takes smaller ones.
SOAK = "ORDERS" in os.environ
ROOM = () if SOAK else ("--stream-reports", "131072", "--feed-store-reports", "262144")

#: The streams of four clients have gone round their rings by then.
WARM = 4_000_000 if SOAK else 1_000_000
ORDERS = WARM + int(os.environ.get("ORDERS", "500000"))
CLIENTS = 4

#: How often it is looked at, in orders.
CHUNK = 250_000


@pytest.mark.compiled
def test_its_memory_stays_flat() -> None:
    """Checked at every sample, not only at the end: also memory that is freed again would be an allocation."""
    first, plans = make_plans("balanced", ORDERS, CLIENTS, seed=9, chunk=CHUNK)
    options = ("--open", "--stats-interval-ms", "0", *ROOM)
    resident, depth = [], []
    with (
        ServerProcess(*options) as server,
        Load(server.host, server.port, CLIENTS) as load,
        Following(server.group, server.feed_port, recovery=server.recovery) as feed,
    ):
        feed.wait_whole()
        load.send(first)
        for plan in plans:
            load.send(plan)
            load.wait_answered()
            if load.sent >= WARM + first.count:
                resident.append(server.resident_bytes())
                with feed.locked() as subscriber:
                    depth.append(len(subscriber.book(1)))
        stopped = server.stop()
        feed.wait_whole(stopped["last_sequence"])
        with feed.locked() as subscriber:
            assert f"{subscriber.digest():016x}" == stopped["digest"]
    print(
        f"\n{load.sent:,} orders: {resident[0] / 1e6:.1f} MB after {WARM:,}, then {min(resident) / 1e6:.1f} to "
        f"{max(resident) / 1e6:.1f} MB; {min(depth):,} to {max(depth):,} orders resting"
    )
    assert len(resident) == (ORDERS - WARM) // CHUNK + 1
    assert max(resident) <= 1.01 * resident[0]
    assert max(depth) <= 1.1 * min(depth), "the depth is constant, so that memory has no reason to grow"
