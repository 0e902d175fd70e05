"""Subscribers of an exchange whose feed loses, doubles and reorders datagrams end with its own books."""

import socket

import pytest

from pricetime.load.following import Following
from pricetime.load.load import Load
from pricetime.load.plan import make_plans
from pricetime.load.server import ServerProcess
from pricetime.tape.flow import PRESETS
from pricetime.wire.messages import SIZES, RetransmitReply, RetransmitRequest
from pricetime.wire.types import MessageType
from tests.counts import count

pytestmark = pytest.mark.compiled

CLIENTS = 2

OPTIONS = ("--open", "--no-prefault", "--order-capacity", "65536", "--stats-interval-ms", "0", "--mtu", "576")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(count(2, 20)))
def test_the_exchange_itself_may_lose_double_and_reorder(seed: int) -> None:
    """``--drop``, ``--duplicate``, ``--reorder``: for people who test their subscribers."""
    first, plans = make_plans(PRESETS["balanced"], 10_000, CLIENTS, seed=6)
    faults = ("--drop", "0.1", "--duplicate", "0.1", "--reorder", "0.1", "--fault-seed", str(seed))
    with (
        ServerProcess(*OPTIONS, *faults) as server,
        Load(server.host, server.port, CLIENTS) as load,
        Following(server.group, server.feed_port, recovery=server.recovery) as feed,
    ):
        feed.wait_whole()
        load.send(first)
        for plan in plans:
            load.send(plan, rate=10_000)  # slow enough for a gap to be filled before the next
        load.wait_answered()
        feed.wait_whole(last_sequence(server))
        stopped = server.stop()
        with feed.locked() as subscriber:
            assert f"{subscriber.digest():016x}" == stopped["digest"]
            seen = subscriber.statistics
            assert min(seen.filled, seen.duplicates) > 10
            assert min(seen.gaps, seen.reordered) > 0
    assert stopped["last_sequence"] > 20_000


def last_sequence(server: ServerProcess) -> int:
    """The number of the exchange's last report, as its recovery server knows it."""
    with socket.create_connection(server.recovery) as connection:
        connection.sendall(
            RetransmitRequest(count=1, seq_num=2**63).encode()
        )  # a request for a future report gets the position: it is
        reply = connection.recv(SIZES[MessageType.RETRANSMIT_REPLY], socket.MSG_WAITALL)
        return RetransmitReply.decode(reply).next_sequence - 1
