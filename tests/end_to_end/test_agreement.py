"""A real server, clients over TCP, subscribers to the feed: they all know the same orders."""

import pytest

from pricetime.load.following import Following
from pricetime.load.load import Load
from pricetime.load.plan import make_plans
from pricetime.load.server import ServerProcess
from pricetime.tape.flow import PRESETS
from tests.end_to_end.own_orders import OwnOrders

pytestmark = pytest.mark.compiled

CLIENTS = 4

#: More reports than any of them gets.
ALL = 2**18
SMALL = ("--no-prefault", "--order-capacity", "65536", "--stats-interval-ms", "0")


@pytest.mark.parametrize("preset", ["balanced", "sweep"])
def test_clients_subscribers_and_engine_agree_to_the_last_order(preset: str) -> None:
    first, plans = make_plans(PRESETS[preset], 60_000, CLIENTS, seed=7, chunk=20_000)
    options = ("--open", *SMALL)
    with (
        ServerProcess(*options) as server,
        following(server) as early,
        Load(server.host, server.port, CLIENTS, keep=ALL) as load,
    ):
        early.wait_whole()
        load.send(first)
        load.send(next(plans))
        with following(server) as late:  # in the middle of the flow
            for plan in plans:
                load.send(plan)
            load.wait_answered()
            stopped = server.stop()
            known = [what_is_known(feed, stopped["last_sequence"]) for feed in (early, late)]
            assert known[0] == known[1]
    own = {owner: OwnOrders() for owner in load.accounts}
    for owner, account in load.accounts.items():
        own[owner].read(account.reports())
    digest, orders = known[0]
    assert digest == stopped["digest"]
    assert load.answers == load.sent
    mine = [view.open for view in own.values()]
    assert sum(map(len, mine)) == len(orders) > 1_000
    assert {public_id: order for part in mine for public_id, order in part.items()} == orders
    assert all(mine)


def following(server: ServerProcess) -> Following:
    return Following(server.group, server.feed_port, recovery=server.recovery)


def what_is_known(feed: Following, seq_num: int) -> tuple[str, dict[int, tuple[int, int, int]]]:
    """The digest after a report, and every resting order by its public id: (side, price, quantity)."""
    feed.wait_whole(seq_num)
    with feed.locked() as subscriber:
        assert subscriber.seq_num == seq_num
        orders = {order.id: (int(order.side), order.price, order.quantity) for order in subscriber.book(1)}
        return f"{subscriber.digest():016x}", orders
