"""A stream that does not begin with the first command: its begin was deleted, or no journal has it any more."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pricetime import Side
from pricetime.client.client import Client
from pricetime.cluster.common import terms_of
from pricetime.cluster.local import LocalCluster, Place, wait_for
from pricetime.cluster.local_file import Options
from pricetime.log.directory import Directory
from tests.cli.run import bad, good
from tests.counts import SLOW

pytestmark = pytest.mark.compiled

ORDERS = 40

#: Snapshots often enough that a journal of some terms loses its first segments.
OPTIONS = Options(
    2, open=True, cluster={"purge": True}, settings={"snapshot_every": 10, "order_capacity": 1 << 12, "prefault": False}
)


def trade(cluster: LocalCluster, first: int) -> None:
    """Orders that are acknowledged, a few at a time, because a snapshot follows a page."""
    with Client(list(cluster.config.addresses("main")), owner=7, keep_orders=True) as client:
        for number in range(first, first + ORDERS):
            client.add_order(number, Side.BID, 100, 1).result(30)


def trade_until(cluster: LocalCluster, reached: Callable[[], bool]) -> int:
    """Trade in one term after the other until something is so. Returns how many orders there were."""
    done, until = 0, time.monotonic() + 120
    while not reached():
        assert time.monotonic() < until, "snapshots replace no part of stream and journals"
        trade(cluster, 1 + done)
        done += ORDERS
        cluster.wait_equal()
        leader = cluster.wait_for_leader("main")
        good("cluster", "step-down", leader.place.node, "--config", str(cluster.file))
        cluster.wait_for_leader("main", leader.number)
    return done


def begin_of(folder: Path) -> int:
    """The first command of a journal."""
    return terms_of(Directory(folder / "main"))[0].first


@pytest.mark.slow
@pytest.mark.skipif(not SLOW, reason="make test-slow trades until stream and journals have lost their begin")
def test_a_stream_and_journals_without_their_begin(tmp_path: Path) -> None:
    config = "--config", str(tmp_path / "cluster.toml")
    journals = [tmp_path / "journals" / node for node in "ab"]
    with LocalCluster(tmp_path, OPTIONS) as cluster:
        cluster.wait_for_leaders()

        def reached() -> bool:
            if cluster.wait_for_leader("main").number < 4:
                return False
            return all(begin_of(one) > 1 for one in journals) and "begins after" in good("cluster", "verify", *config)

        done = trade_until(cluster, reached)
        said = good("cluster", "verify", *config)
        assert "commands are only in journals and snapshots, so none was executed" in said
        assert f"good up to command {done}" in said
        assert "executed 0" not in said

    shutil.rmtree(tmp_path / "nats")  # as if all servers had lost their disks
    cluster = LocalCluster(tmp_path, OPTIONS)
    with cluster.servers:
        cluster.write_file()
        copy = tmp_path / "copy"
        shutil.copytree(journals[0] / "main", copy)
        for snapshot in Directory(copy).snapshots():
            Directory(copy).snapshot_path(snapshot).unlink()
        said = bad("cluster", "restore", *config, copy, "--yes", code=2)
        assert "copy begins with command" in said
        assert "has no good snapshot" in said
        said = good("cluster", "restore", *config, *map(str, journals), "--yes")
        assert "the object store gets the newest snapshot" in said
        assert f"good up to command {done}" in said
    shutil.rmtree(journals[1])  # a new node, which needs the snapshot
    with LocalCluster(tmp_path, OPTIONS) as cluster:
        cluster.wait_for_leaders()
        trade(cluster, 1_000)
        wait_for(lambda: Place("b", "main") in cluster.status() or None, 60, "node b does not answer")
        cluster.wait_equal()
        began = [event for event in cluster.history(Place("b", "main")) if event["event"] == "began with a snapshot"]
        assert [event["before"] for event in began] == [0]
        assert f"good up to command {done + ORDERS}" in good("cluster", "verify", *config)
