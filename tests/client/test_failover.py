"""A client and a subscriber outlive the exchange: a copy of its journal goes on, under a higher term, elsewhere.

Nothing is lost and nothing is executed twice, whenever the first exchange is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pricetime import BID, IOC, Instrument, ReportKind
from pricetime.address import Address
from pricetime.client import errors
from pricetime.client.async_client import AsyncClient
from pricetime.client.client import Client
from pricetime.client.future import OrderFuture
from pricetime.client.order_result import OrderStatus
from pricetime.client.subscriber import Subscriber
from pricetime.exchange.control.redirector import Leader, Redirector
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.server_log import LimitedLog
from pricetime.load.server import ServerProcess, lasting_port
from pricetime.wire.types import SessionReason
from tests.client.order_entry import OrderEntry
from tests.counts import count as number_of
from tests.exchange.loops import Events, loop_thread, until

SMALL = (
    "--open", "--no-prefault", "--order-capacity", "65536", "--stream-reports", "131072", "--feed-listen-ms", "0",
    "--heartbeat-ms", "200", "--timeout-ms", "1000", "--max-open-orders", "65536",
)  # fmt: skip


class Cluster:
    """Two ports for orders. The leader is behind one of them, and a redirector behind the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = [lasting_port(), lasting_port()]
        self.addresses = [("127.0.0.1", port) for port in self.ports]
        self.recoveries = [("127.0.0.1", lasting_port()) for _ in range(2)]
        self.stack = contextlib.ExitStack()
        self.leader = self.begin(0)
        self.running = self.stack.enter_context(loop_thread())
        listener = socket.create_server(self.addresses[1])
        config = GatewayConfig()
        told = Leader(f"127.0.0.1:{self.ports[0]}", 1)
        self.redirector = self.running.call(
            lambda: Redirector(listener, config, lambda: told, LimitedLog(Events().log))
        )
        self.running.call(self.redirector.open)

    def begin(self, place: int, *options: str) -> ServerProcess:
        ports = ("--port", str(self.ports[place]), "--recovery-port", str(self.recoveries[place][1]))
        server = ServerProcess(*SMALL, *ports, "--journal", str(self.folder / str(place)), *options)
        return self.stack.enter_context(server)

    def fail_over(self) -> None:
        """Kill the leader, and start the other node with a copy of what it had written."""
        self.leader.kill()
        self.running.wait(self.redirector.close())
        shutil.copytree(self.folder / "0", self.folder / "1")
        self.leader = self.begin(1, "--feed-port", str(self.leader.feed_port))

    def close(self) -> None:
        self.running.wait(self.redirector.close())
        self.stack.close()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path)
    yield made
    made.close()


def add_orders(client: Client, count: int, sent: threading.Semaphore) -> list[OrderFuture]:
    """Send orders one after the other, however often the connection is lost: their futures."""
    futures = []
    for number in range(1, count + 1):
        while True:
            try:
                futures.append(client.add_order(number, BID, 100 + number % 7, number))
                break
            except errors.ConnectionLost:
                client.wait_until_active(60)
        sent.release()
    return futures


def check(client: Client, futures: list[OrderFuture]) -> None:
    """Each order was accepted once, in the order in which they were sent, and nothing is missing."""
    results = [future.result(60) for future in futures]
    assert [result.order_id for result in results] == list(range(1, len(futures) + 1))
    assert all(result.status is OrderStatus.RESTING for result in results)
    reports = client.read(5)
    while len(reports) < len(futures):
        more = client.read(5)
        assert len(more), f"only {len(reports)} reports came"
        reports = np.concatenate([reports, more])
    assert [int(report["seq_num"]) for report in reports] == list(range(1, len(futures) + 1))
    assert {int(report["kind"]) for report in reports} == {ReportKind.ACCEPTED}
    assert [int(report["order_id"]) for report in reports] == list(range(1, len(futures) + 1))
    client.wait_until_active(60)
    assert sorted(order.order_id for order in client.open_orders(60)) == list(range(1, len(futures) + 1))


@pytest.mark.compiled
@pytest.mark.slow
@pytest.mark.parametrize("kill_after", [700, 1, 2_000][: number_of(1, 3)])
def test_nothing_is_lost_and_nothing_comes_twice(cluster: Cluster, kill_after: int) -> None:
    count, sent = 2_000, threading.Semaphore(0)

    def kill() -> None:
        for _ in range(kill_after):
            sent.acquire()
        cluster.fail_over()

    addresses = list(reversed(cluster.addresses))
    recovery = list(cluster.recoveries)
    leader = cluster.leader
    with (
        Subscriber(leader.group, leader.feed_port, recovery=recovery) as follows,
        Client(addresses, owner=1, keep_orders=True, patience=60) as client,
    ):
        assert follows.wait_whole(30)
        assert client.address == cluster.addresses[0], "the redirector named it"
        term = client.term
        killer = threading.Thread(target=kill)
        killer.start()
        futures = add_orders(client, count, sent)
        killer.join()
        check(client, futures)
        assert client.address == cluster.addresses[1]
        assert client.term > term
        assert client.disconnects >= 1
        assert follows.wait_until(count, 60)
        assert follows.wait_whole(60)
        assert sum(len(follows.book(1).orders(BID, 100 + level)) for level in range(7)) == count
        assert (follows.term, follows.statistics.terms) == (client.term, 1)
        assert follows.statistics.snapshots <= 1, "it continues without one"


@pytest.mark.compiled
def test_for_asyncio_too(cluster: Cluster) -> None:
    async def trade() -> None:
        addresses = [f"127.0.0.1:{port}" for port in reversed(cluster.ports)]
        async with AsyncClient(addresses, owner=1, keep_orders=True, patience=60) as client:
            assert (await client.add_order(1, BID, 100, 5)).order_id == 1
            cluster.leader.kill()  # before the next one is sent
            lost = [client.add_order(number, BID, 100, 5) for number in range(2, 10)]
            await asyncio.to_thread(cluster.fail_over)
            assert [(await future).order_id for future in lost] == list(range(2, 10))
            assert [order.order_id for order in await client.open_orders(60)] == list(range(1, 10))

    asyncio.run(trade())


# ---------------------------------------------------------------------- with faults that are injected


@pytest.fixture
def entry() -> Iterator[OrderEntry]:
    with OrderEntry([Instrument(1)]) as made:
        yield made


def nowhere() -> Address:
    """An address at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        address: Address = made.getsockname()
    return address


@pytest.mark.parametrize("resend", [True, False])
def test_a_command_that_was_not_received_is_sent_again(entry: OrderEntry, resend: bool) -> None:
    with Client(*entry.address, owner=1, keep_orders=True, resend=resend) as client:
        client.add_order(1, BID, 100, 5).result(5)
        entry.loses = True
        lost = client.add_order(2, BID, 100, 5)
        if resend:
            assert lost.result(30).order_id == 2
            assert client.cancel_order(2).result(5).order_id == 2
        else:
            with pytest.raises(errors.CommandLost):
                lost.result(30)
        assert client.disconnects == 1


def test_commands_that_were_answered_are_not_sent_again(entry: OrderEntry) -> None:
    """Connections break all the time, in the middle of what the exchange sends."""
    entry.cut = random.Random(3)
    with Client([entry.address, nowhere()], owner=1, keep_orders=True, patience=60) as client:
        futures: list[OrderFuture] = []
        for number in range(1, 150):
            while True:
                try:
                    futures.append(client.add_order(number, BID, 100, 5, time_in_force=IOC))
                    break
                except errors.ConnectionLost:
                    client.wait_until_active(60)
            if number % 10 == 0:
                assert futures[-1].result(60).status is OrderStatus.CANCELLED
        assert [future.result(60).order_id for future in futures] == list(range(1, 150))
        entry.cut = None
        assert client.disconnects > 0
    with entry.lock:
        assert len(entry.streams[1]) == 2 * 149


def test_a_node_of_a_lower_term_is_left(entry: OrderEntry) -> None:
    """The old leader still accepts logins: the client has seen the next term and does not use it."""
    with OrderEntry([Instrument(1)]) as old:
        entry.term, old.term = 2, 1
        old.streams[1] = entry.streams[1]
        with Client([entry.address, old.address], owner=1, keep_orders=True, patience=60) as client:
            client.add_order(1, BID, 100, 5).result(5)
            entry.full = True
            entry.drop_connections()
            until(lambda: len(old.logins) > 1)  # it leaves each session there at once
            entry.full = False
            client.wait_until_active(30)
            assert (client.address, client.term) == (entry.address, 2)
            assert client.add_order(2, BID, 100, 5).result(5).order_id == 2


def test_the_reasons_of_a_node_of_a_lower_term_do_not_count(entry: OrderEntry) -> None:
    """The old leader was suspended, and lacks the reports of the next term."""
    with OrderEntry([Instrument(1)]) as old:
        entry.term, old.term = 2, 1
        with Client([entry.address, old.address], owner=1, keep_orders=True, patience=60) as client:
            client.add_order(1, BID, 100, 5).result(5)
            entry.full = True
            entry.drop_connections()
            until(lambda: len(old.logins) > 1)
            entry.full = False
            client.wait_until_active(30)
            assert (client.address, client.term) == (entry.address, 2)
        entry.term = 3
        with Client(*entry.address, owner=2, keep_orders=True) as client:
            client.add_order(1, BID, 99, 5).result(5)
            entry.streams[2].clear()
            entry.drop_connections()
            with pytest.raises(errors.LoginRefused, match="SEQUENCE_GONE"):
                list(client.reports(30))


def test_a_node_that_does_not_know_the_leader(entry: OrderEntry) -> None:
    with OrderEntry([Instrument(1)]) as node:
        node.refuses, node.leader = SessionReason.NOT_LEADER, ("", 0)
        with Client([node.address, entry.address], owner=1) as client:
            assert client.address == entry.address
        with pytest.raises(errors.ConnectionLost, match=r"after 0.2 s .*the node does not lead"):
            Client([node.address, nowhere()], owner=1, patience=0.2)


def test_one_address_follows_a_redirect(entry: OrderEntry) -> None:
    with OrderEntry([Instrument(1)]) as node:
        node.refuses = SessionReason.NOT_LEADER
        node.leader = (f"127.0.0.1:{entry.address[1]}", 1)
        with Client(*node.address, owner=1) as client:
            assert client.address == entry.address


def test_a_shutdown_is_the_end_of_one_address_and_not_of_several(entry: OrderEntry) -> None:
    with OrderEntry([Instrument(1)]) as other:
        other.streams[1] = entry.streams[1]
        with Client([entry.address, other.address], owner=1) as several, Client(*entry.address, owner=2) as one:
            entry.full = True
            entry.end_all(SessionReason.SHUTDOWN)
            until(lambda: several.address == other.address and several.is_active)
            with pytest.raises(errors.SessionEnded):
                list(one.reports(5))


def test_a_client_that_is_resuming_can_be_closed(entry: OrderEntry) -> None:
    entry.heartbeat_ms = 60_000
    client = Client([entry.address, nowhere()], owner=1)
    entry.drop_connections()
    until(lambda: len(entry.logins) > 1)
    with pytest.raises(errors.NotAcknowledged):
        client.wait_until_active(0.2)
    with pytest.raises(errors.ConnectionLost):
        client.add_order(1, BID, 100, 5)
    client.close()
    assert not client.is_active
