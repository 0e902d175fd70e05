"""Metrics of a node, in both roles: a leader serves them with those of its exchange, a follower alone."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from ..exchange.control.meters import Cluster
from ..exchange.control.metrics_server import MetricsServer
from ..exchange.settings.config import GatewayConfig
from ..exchange.settings.server_log import LimitedLog

#: All roles of a node.
ROLES = "starting", "waiting", "follower", "candidate", "leader"


class NodeCollector(Collector):
    """Reads the metrics from what a node says of itself: ``status``, see ``Node.status``."""

    def __init__(self, status: Callable[[], dict[str, Any]]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """Every metric of the cluster with its current value."""
        said = self._status()
        yield Cluster.role.samples(((role,), role == said["role"]) for role in ROLES)
        yield Cluster.changes.sample(said["leader_changes"])
        yield Cluster.retries.sample(said["all_retries"])
        yield Cluster.connected.sample(said["connected"])
        if "sequence" in said:
            replicated = said.get("replicated", said["sequence"])
            yield Cluster.term.sample(said["term"])
            yield Cluster.replicated.sample(replicated)
            yield Cluster.lag.sample(said["sequence"] - replicated if said["role"] == "leader" else said["behind"])
            yield Cluster.unacknowledged.sample(said.get("unacknowledged_pages", 0))


def follower_metrics(
    listener: socket.socket, config: GatewayConfig, collectors: Iterable[Collector], log: LimitedLog
) -> MetricsServer:
    """A server for the metrics of a node that does not lead."""
    registry = CollectorRegistry()
    for collector in collectors:
        registry.register(collector)
    ProcessCollector(registry=registry)
    return MetricsServer(listener, Counter(), partial(generate_latest, registry), log, config.http_names)
