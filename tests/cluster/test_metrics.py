"""The metrics of a node: all of them, in each role, from what it says of itself."""

from typing import Any

import pytest

pytest.importorskip("prometheus_client", reason="needs the metrics' package: pip install '.[metrics]'")

from prometheus_client import CollectorRegistry, generate_latest

from pricetime.cluster.metrics import ROLES, NodeCollector
from pricetime.exchange.control.meters import Cluster

COMMON: dict[str, Any] = {"leader_changes": 2, "all_retries": 3, "connected": True, "term": 4, "sequence": 100}
LEADER = COMMON | {"role": "leader", "replicated": 90, "unacknowledged_pages": 5}
FOLLOWER = COMMON | {"role": "follower", "behind": 7}


def values(said: dict[str, Any]) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(NodeCollector(lambda: said))
    return {
        line.rpartition(" ")[0].removeprefix("pricetime_cluster_"): float(line.rpartition(" ")[2])
        for line in generate_latest(registry).decode().splitlines()
        if not line.startswith("#")
    }


def test_a_leader() -> None:
    found = values(LEADER)
    assert found == {
        **{f'role{{role="{role}"}}': role == "leader" for role in ROLES},
        "leader_changes_total": 2, "append_retries_total": 3, "nats_connected": 1, "term": 4,
        "replicated_sequence": 90, "lag_commands": 10, "unacknowledged_pages": 5,
    }  # fmt: skip


def test_a_follower() -> None:
    found = values(FOLLOWER)
    assert found["lag_commands"] == 7
    assert found["replicated_sequence"] == 100
    assert found["unacknowledged_pages"] == 0
    assert found['role{role="follower"}'] == 1


def test_a_node_that_has_not_followed_yet() -> None:
    found = values({"role": "starting", "leader_changes": 0, "all_retries": 0, "connected": False})
    assert found["nats_connected"] == 0
    assert "term" not in found


def test_every_metric_is_there() -> None:
    names = {name.partition("{")[0] for name in values(LEADER)}
    assert names == {meter.name.removeprefix("pricetime_cluster_") for meter in Cluster.meters()}
