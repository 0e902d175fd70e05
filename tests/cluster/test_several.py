"""Several partitions: a node in one call, and an instrument that moves from one partition to the other."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pricetime import Side
from pricetime.client.client import Client
from pricetime.cluster.local import LocalCluster, Place, Term, wait_for
from pricetime.cluster.local_file import Options
from pricetime.cluster.servers import LocalServers
from pricetime.errors import InstrumentHalted, UnknownInstrument
from tests.cli.run import good
from tests.counts import SLOW

pytestmark = pytest.mark.compiled

SMALL = {"order_capacity": 1 << 12, "prefault": False}

OWNER = 7


def trade(cluster: LocalCluster, partition: str, instrument: int, order: int) -> None:
    """An order that rests, and is acknowledged."""
    with Client(list(cluster.config.addresses(partition)), owner=OWNER, keep_orders=True) as client:
        client.add_order(order, Side.BID, 100, 1, instrument=instrument).result(30)


# ---------------------------------------------------------------------- one call


@contextmanager
def node_of_all(cluster: LocalCluster) -> Iterator[subprocess.Popen[bytes]]:
    """``pricetime cluster node`` without a partition, when it leads all of them."""
    command = [sys.executable, "-m", "pricetime", "cluster", "node", "a", "--config", str(cluster.file)]
    with (cluster.directory / "log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:

            def leads() -> bool | None:
                assert process.poll() is None, (cluster.directory / "log").read_text()
                roles = {place: said["role"] for place, said in cluster.status().items()}
                return roles == {Place("a", "p1"): "leader", Place("a", "p2"): "leader"} or None

            wait_for(leads, 60, "the node does not lead both partitions", cluster.status)
            yield process
        finally:
            process.kill()  # the processes of its partitions end with it


def test_one_call_runs_all_partitions(tmp_path: Path) -> None:
    options = Options(1, 2, open=True, cluster={"replicas": 1}, settings=SMALL)
    with LocalServers(tmp_path / "nats", 1) as servers:
        cluster = LocalCluster(tmp_path, options, servers)
        cluster.write_file()
        with node_of_all(cluster) as process:
            trade(cluster, "p1", 1, 1)
            trade(cluster, "p2", 2, 1)
            os.kill(cluster.status()[Place("a", "p2")]["pid"], signal.SIGKILL)
            trade(cluster, "p1", 1, 2)
            assert process.poll() is None, "the other partition goes on"
            process.terminate()
            assert process.wait(30) == 128 + signal.SIGKILL
        with node_of_all(cluster) as process:
            trade(cluster, "p1", 1, 3)
            trade(cluster, "p2", 2, 2)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        said = good("cluster", "verify", "--config", cluster.file)
        assert re.findall(r"good up to command (\d+)", said) == ["3", "2"]


# ---------------------------------------------------------------------- a move

#: The exchange's file. The partition p1 begins with the instruments 1 and 3, and p2 with 2; then 3 moves to p2.
EXCHANGE = "\n".join(f'[[instruments]]\nid = {number}\nsymbol = "N{number}"' for number in (1, 2, 3))
MOVED = 3


def move(cluster: LocalCluster) -> None:
    """Change the instruments of both partitions in the file of the cluster."""
    text = cluster.file.read_text()
    assert "instruments = [1, 3]" in text
    moved = text.replace("instruments = [1, 3]", "instruments = [1]")
    cluster.file.write_text(moved.replace("instruments = [2]", "instruments = [2, 3]"))


def restart_followers(cluster: LocalCluster, partition: str) -> Term:
    """Stop and start all nodes but the leader, and wait until they are up to date. Returns the leader's term."""
    term = cluster.wait_for_leader(partition)
    for place in cluster.places:
        if place.partition == partition and place != term.place:
            assert cluster.terminate(place) == 0
            cluster.start(place)
    cluster.wait_equal()
    return term


def change(cluster: LocalCluster, partition: str) -> None:
    """Restart the followers, make the leader step down, and restart it."""
    term = restart_followers(cluster, partition)
    good("cluster", "step-down", term.place.node, "--partition", partition, "--config", cluster.file)
    cluster.wait_for_leader(partition, term.number)
    assert cluster.terminate(term.place) == 0
    cluster.start(term.place)
    cluster.wait_equal()


@pytest.mark.slow
@pytest.mark.skipif(not SLOW, reason="make test-slow restarts all nodes of two partitions")
def test_an_instrument_moves_to_a_different_partition(tmp_path: Path) -> None:
    exchange = tmp_path / "exchange.toml"
    exchange.write_text(EXCHANGE)
    options = Options(2, 2, exchange, open=True, settings=SMALL)
    with LocalCluster(tmp_path / "cluster", options) as cluster:
        cluster.wait_for_leaders()
        trade(cluster, "p1", 1, 1)
        trade(cluster, "p1", MOVED, 1)
        trade(cluster, "p2", 2, 1)
        move(cluster)

        # with a resting order: the node that would lead without the instrument ends, and the old leader leads again
        leader = restart_followers(cluster, "p1")
        other = next(place for place in cluster.places if place.partition == "p1" and place != leader.place)
        ran = subprocess.Popen(
            [sys.executable, "-m", "pricetime", "cluster", "step-down", leader.place.node, "--partition", "p1",
             "--config", str(cluster.file)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        ended = wait_for(lambda: next(cluster.ended(), None), 60, "the node without the instrument goes on")
        assert ended == (other, 2)
        assert f"instrument {MOVED} of the journal has 1 resting orders" in cluster.last_line(other)
        assert cluster.wait_for_leader("p1", leader.number).place == leader.place
        ran.wait(60)
        trade(cluster, "p1", MOVED, 2)

        journal = cluster.config.exchange_of(*leader.place).journal
        assert journal is not None
        good("admin", "--journal", journal, "halt", str(MOVED))
        with pytest.raises(InstrumentHalted):
            trade(cluster, "p1", MOVED, 3)
        good("admin", "--journal", journal, "cancel", str(OWNER))
        cluster.start(other)
        cluster.wait_equal()
        change(cluster, "p1")
        change(cluster, "p2")
        with pytest.raises(UnknownInstrument):
            trade(cluster, "p1", MOVED, 4)
        trade(cluster, "p1", 1, 5)
        trade(cluster, "p2", MOVED, 5)
        said = good("cluster", "verify", "--config", cluster.file)
        assert said.count("same books as the nodes") == 2
