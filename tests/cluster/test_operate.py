"""A cluster on this machine from its first start to the restore of its stream, as an operator sees it."""

import json
import shutil
import time
from pathlib import Path

import pytest

from pricetime import Side
from pricetime.cli.cluster_up import places
from pricetime.client.client import Client
from pricetime.cluster.connection import connect
from pricetime.cluster.local import LocalCluster, Place
from pricetime.cluster.local_file import Options
from tests.cli.run import bad, good, run

ORDERS = 50


def trade(cluster: LocalCluster, first: int) -> None:
    """Orders that are acknowledged."""
    with Client(list(cluster.config.addresses("main")), owner=7, keep_orders=True) as client:
        futures = [client.add_order(number, Side.BID, 100, 1) for number in range(first, first + ORDERS)]
        for future in futures:
            future.result(30)


def status(config: tuple[str, str]) -> dict[str, object]:
    said: dict[str, object] = json.loads(good("cluster", "status", *config, "--json"))
    return said


def wait_until_complete(config: tuple[str, str]) -> None:
    """Wait until every node answers a request for its status in time."""
    deadline = time.monotonic() + 60
    while (result := run("cluster", "status", *config)).exit_code:
        assert time.monotonic() < deadline, result.output


def test_from_the_first_start_to_a_restore(tmp_path: Path) -> None:
    config = "--config", str(tmp_path / "cluster.toml")
    with LocalCluster(tmp_path, Options(open=True)) as cluster:
        leader = cluster.wait_for_leader("main").place.node
        assert "  orders" in "\n".join(places(cluster))
        trade(cluster, 1)
        wait_until_complete(config)
        text = good("cluster", "status", *config)
        assert text.count("follower") == 2
        assert text.count(" leader ") >= 2, "of the partition, and of its stream"
        assert status(config)["faults"] == []

        other = next(node for node in "abc" if node != leader)
        assert f"{other} does not lead partition main" in bad("cluster", "step-down", other, *config, code=2)
        assert "does not answer" in bad("cluster", "step-down", "x", *config, code=2)
        assert " leads main in term " in good("cluster", "step-down", leader, *config)
        trade(cluster, 1_000)

        text = good("cluster", "verify", *config)
        assert f"executed {2 * ORDERS} commands" in text
        text = good("cluster", "verify", *config, "--every-replica", "--no-replay")
        assert text.count(f"good up to command {2 * ORDERS}") == 3

        folders = [str(tmp_path / "journals" / node) for node in "abc"]
        assert "stop the nodes " in bad("cluster", "restore", *config, *folders, code=2)  # those that answer in time

        cluster.kill(Place("c", "main"))
        ran = run("cluster", "status", *config)
        assert ran.exit_code == 1
        assert "node c does not answer for partition main" in ran.output
        cluster.start(Place("c", "main"))
        cluster.wait_for_leaders()
    assert not cluster.processes

    shutil.rmtree(tmp_path / "nats")  # as if all servers had lost their disks
    cluster = LocalCluster(tmp_path, Options(open=True))
    with cluster.servers:
        cluster.write_file()
        assert "partition main has a command" in bad("cluster", "restore", *config, str(tmp_path), code=2)
        text = good("cluster", "restore", *config, *folders, "--yes")
        assert text.count(f"equal up to {2 * ORDERS}") == 2
        assert f"good up to command {2 * ORDERS}" in text
        assert "give --replace" in bad("cluster", "restore", *config, *folders, "--yes", code=2)
        good("cluster", "restore", *config, *folders, "--yes", "--replace")
    with LocalCluster(tmp_path, Options(open=True)) as cluster:
        cluster.wait_for_leaders()
        trade(cluster, 2_000)
        text = good("cluster", "verify", *config)
        assert f"good up to command {3 * ORDERS}" in text
        assert "same books as the nodes" in text


@pytest.mark.parametrize("command", [("status",), ("step-down", "a"), ("verify",), ("restore", "."), ("node", "a")])
def test_no_servers(tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "__kwdefaults__", {**(connect.__kwdefaults__ or {}), "timeout_s": 0.5})
    file = tmp_path / "cluster.toml"
    assert "give the file of the cluster" in bad("cluster", *command, "--config", file, code=2)
    file.write_text(
        'name = "x"\nservers = ["nats://127.0.0.1:1"]\nmonitors = ["http://127.0.0.1:2"]\nopen = true\n'
        '[partitions.main]\n[nodes.a]\nhost = "127.0.0.1"\njournal = "a"\nport = 0\nrecovery_port = 0\n'
    )
    assert "no NATS server answers at nats://127.0.0.1:1" in bad("cluster", *command, "--config", file, code=2)
    file.write_text(file.read_text() + "unknown = [")
    assert "not TOML" in bad("cluster", *command, "--config", file, code=2)
