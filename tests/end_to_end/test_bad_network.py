"""Subscribers behind a network that loses, doubles and reorders up to a fifth end with the exchange's own books."""

from __future__ import annotations

import socket

import pytest

from pricetime.load.following import Following
from pricetime.load.load import Load
from pricetime.load.plan import make_plans
from pricetime.load.server import ServerProcess, free_udp_port
from pricetime.tape.flow import PRESETS
from pricetime.wire.messages import SIZES, RetransmitReply, RetransmitRequest
from pricetime.wire.types import MessageType
from tests.counts import count
from tests.end_to_end.relay import Relay

pytestmark = pytest.mark.compiled

SEEDS = count(20, 200)
MOST = 0.2
AT_A_TIME = 10
ORDERS = 300  # to each seed
CLIENTS = 2

OPTIONS = ("--open", "--no-prefault", "--order-capacity", "65536", "--stats-interval-ms", "0", "--mtu", "576")


@pytest.mark.slow
def test_every_seed_ends_with_the_books_of_the_exchange() -> None:
    """One exchange trades on while subscribers come and go, ten at a time, each behind a relay of its own seed."""
    first, plans = make_plans(PRESETS["balanced"], SEEDS * ORDERS, CLIENTS, seed=5, chunk=AT_A_TIME * ORDERS)
    with ServerProcess(*OPTIONS) as server, Load(server.host, server.port, CLIENTS) as load:
        load.send(first)
        load.wait_answered()
        gaps = filled = dropped = 0
        for number, plan in enumerate(plans):
            seeds = range(number * AT_A_TIME, (number + 1) * AT_A_TIME)
            behind = [Behind(server, seed) for seed in seeds]
            try:
                for each in behind:
                    each.feed.wait_whole()
                load.send(plan, rate=40_000)
                load.wait_answered()
                books = {each.books() for each in behind}
                assert len(books) == 1, f"seeds {seeds}: {books}"
                gaps += sum(each.gaps for each in behind)
                filled += sum(each.filled for each in behind)
                dropped += sum(each.relay.dropped for each in behind)
            finally:
                for each in behind:
                    each.close()
        digest, last = books.pop()
        stopped = server.stop()
    assert (digest, last) == (stopped["digest"], stopped["last_sequence"])
    assert number + 1 == SEEDS // AT_A_TIME
    assert min(filled, dropped) > SEEDS  # how many gaps that makes is a matter of how soon each is filled
    assert gaps > 0


def test_the_exchange_itself_may_lose_double_and_reorder() -> None:
    """``--drop``, ``--duplicate``, ``--reorder``: for people who test their subscribers."""
    first, plans = make_plans(PRESETS["balanced"], 10_000, CLIENTS, seed=6)
    faults = ("--drop", "0.1", "--duplicate", "0.1", "--reorder", "0.1", "--fault-seed", "3")
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
        stopped = server.stop()
        with feed.locked() as subscriber:
            seen = subscriber.statistics
            assert min(seen.filled, seen.duplicates) > 10
            assert min(seen.gaps, seen.reordered) > 0
    assert stopped["last_sequence"] > 20_000


class Behind:
    """A subscriber behind a relay."""

    def __init__(self, server: ServerProcess, seed: int) -> None:
        self._server = server
        port = free_udp_port()
        self.feed = Following(server.group, port, recovery=server.recovery)
        self.relay = Relay(server.feed_port, port, seed, MOST)
        self.feed.__enter__()
        self.relay.__enter__()
        self.gaps = self.filled = 0

    def books(self) -> tuple[str, int]:
        """The digest at the last report that the exchange has sent, and its number."""
        self.feed.wait_whole(last_sequence(self._server))
        with self.feed.locked() as subscriber:
            self.gaps, self.filled = subscriber.statistics.gaps, subscriber.statistics.filled
            return f"{subscriber.digest():016x}", subscriber.seq_num

    def close(self) -> None:
        self.relay.__exit__(None, None, None)
        self.feed.__exit__(None, None, None)


def last_sequence(server: ServerProcess) -> int:
    """The number of the exchange's last report, as its recovery server knows it."""
    with socket.create_connection(server.recovery) as connection:
        connection.sendall(
            RetransmitRequest(count=1, seq_num=2**63).encode()
        )  # a request for a future report gets the position: it is
        reply = connection.recv(SIZES[MessageType.RETRANSMIT_REPLY], socket.MSG_WAITALL)
        return RetransmitReply.decode(reply).next_sequence - 1
