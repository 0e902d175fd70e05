"""The network between nodes and servers drops packets, in both directions or in one: trading goes on, and is right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.local_cluster import LocalCluster
from pricetime.cluster.local import wait_for
from tests.cluster.networks import Network, ServersOf, missing
from tests.cluster.traders import SECRET, Day, day
from tests.counts import count

MISSING = missing()

pytestmark = [pytest.mark.compiled, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

NODES, SERVERS = ["a", "b", "c"], ["x", "y", "z"]

#: Which packets are dropped. The minority is the leader, alone or with one server.
KINDS = [
    "leader from servers", "leader to servers", "servers to leader", "stream leader", "leader with stream leader",
    "stream leader to servers", "servers to stream leader",
]  # fmt: skip


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with Network([*NODES, *SERVERS]) as made:
        yield made


@pytest.fixture
def cluster(tmp_path: Path, network: Network) -> Iterator[LocalCluster]:
    with (
        ServersOf(tmp_path / "nats", network, SERVERS) as servers,
        LocalCluster(
            tmp_path,
            servers=servers,
            secrets=dict.fromkeys(range(1, 200), SECRET),
            run=[network.run(node) for node in NODES],
            hosts=[network.address(node) for node in NODES],
            interface=network.here,
        ) as made,
    ):
        yield made
        network.heal()


def partition(network: Network, cluster: LocalCluster, kind: str) -> None:
    """Drop packets."""
    leader = cluster.leader().node
    server = SERVERS[wait_for(lambda: cluster.servers.leader("LOG-main"), 30, "the stream has no leader")]
    others = [one for one in SERVERS if one != server]
    if kind == "leader from servers":
        network.cut([leader], SERVERS)
    elif kind == "leader to servers":
        for one in SERVERS:
            network.drop(leader, one)
    elif kind == "servers to leader":
        for one in SERVERS:
            network.drop(one, leader)
    elif kind == "stream leader":
        network.cut([server], [*others, *NODES])
    elif kind == "leader with stream leader":
        network.cut([server, leader], [*others, *(node for node in NODES if node != leader)])
    elif kind == "stream leader to servers":
        for one in others:
            network.drop(server, one)
    else:
        for one in others:
            network.drop(one, server)


def trade_through(network: Network, trading: Day, kind: str) -> None:
    """Trading goes on while packets are dropped, and after that."""
    trading.wait_answers()
    partition(network, trading.cluster, kind)
    trading.wait_answers(100)
    network.heal()
    trading.wait_answers()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(count(2, 8, 50)))
def test_a_partition(network: Network, cluster: LocalCluster, number: int) -> None:
    with day(cluster) as trading:
        trade_through(network, trading, KINDS[number * 4 % len(KINDS)])
        trading.check()
