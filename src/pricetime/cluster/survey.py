"""What the nodes, the NATS servers and the streams of a cluster say of themselves, and requests to one node."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ..errors import PricetimeError
from ..extras import require
from .jetstream import JetStreamError, ask
from .link import subject_of
from .promise import said_by, stream_name
from .settings import ClusterConfig

if TYPE_CHECKING:
    from nats.aio.client import Client

#: How long nodes may take to answer, in seconds.
ANSWER_S = 0.5

#: How long a node may take to answer that it steps down, and a different node to lead, in seconds.
STEP_DOWN_S, LEAD_S = 2.0, 30.0

#: How often to look whether a different node leads, in seconds.
LOOK_S = 0.05

#: What a node says, see ``Node.status``.
Said: TypeAlias = dict[str, Any]


class NodeRefuses(PricetimeError, RuntimeError):
    """A node does not answer, or does not do what it is asked. The text says what to do."""


class Server(NamedTuple):
    """A NATS server, by the address of its monitoring port."""

    address: str
    said: dict[str, Any] | None  #: its ``/varz``; None if it does not answer
    why: str  #: why it does not

    @property
    def name(self) -> str:
        """The name of the server, as streams name it; empty if it does not answer."""
        return str(self.said["server_name"]) if self.said else ""


class Survey(NamedTuple):
    """A cluster at one moment."""

    nodes: dict[tuple[str, str], Said | None]  #: by partition and node; None: it does not answer
    servers: list[Server]
    streams: dict[str, dict[str, Any] | None]  #: by partition, as JetStream says; None: it has none, or no leader

    def leader(self, partition: str) -> Said | None:
        """The node that leads a partition; of two that say so the one with the higher term."""
        said = [one for (of, _), one in self.nodes.items() if of == partition and one and one["role"] == "leader"]
        return max(said, key=lambda one: int(one["term"]), default=None)

    def lag(self, partition: str, said: Said) -> int | None:
        """How many commands of the leader a node does not have; of the leader: that are not replicated."""
        if said["role"] == "leader":
            return int(said["sequence"]) - int(said["replicated"])
        leader = self.leader(partition)
        if leader is None or "sequence" not in said:
            return None
        return max(0, int(leader["sequence"]) - int(said["sequence"]))

    def replica(self, partition: str, server: str) -> str:
        """What a server has of the stream of a partition: leader, current, behind, offline, or nothing."""
        cluster = (self.streams[partition] or {}).get("cluster") or {}
        if server and cluster.get("leader") == server:
            return "leader"
        found = next((each for each in cluster.get("replicas") or [] if each["name"] == server), None)
        if found is None:
            return ""
        if found.get("offline"):
            return "offline"
        return "current" if found.get("current") else f"behind {found.get('lag', 0)}"

    def faults(self) -> Iterator[str]:
        """What is not as it should be, one line each."""
        for partition, stream in self.streams.items():
            if stream is None:
                yield f"JetStream does not answer for the stream of partition {partition}"
            elif self.leader(partition) is None:
                yield f"no node leads partition {partition}"
            for replica in ((stream or {}).get("cluster") or {}).get("replicas") or []:
                if replica.get("offline") or not replica.get("current"):
                    yield f"the NATS server {replica['name']} does not have all of the stream of partition {partition}"
        for (partition, node), said in self.nodes.items():
            if said is None:
                yield f"node {node} does not answer for partition {partition}"
        for server in self.servers:
            if server.said is None:
                yield f"the NATS server at {server.address} does not answer: {server.why}"

    def json(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "nodes": [
                {"partition": partition, "node": node, **(said or {"role": None}),
                 "lag": self.lag(partition, said) if said else None}
                for (partition, node), said in self.nodes.items()
            ],
            "servers": [
                {"address": one.address, "up": one.said is not None, "name": one.name or None,
                 "version": one.said["version"] if one.said else None,
                 "streams": {partition: self.replica(partition, one.name) or None for partition in self.streams}}
                for one in self.servers
            ],
            "faults": list(self.faults()),
        }  # fmt: skip


async def survey(client: Client, cluster: ClusterConfig) -> Survey:
    """Ask all nodes and servers at the same time. Takes at most a few seconds."""
    said, servers, streams = await asyncio.gather(
        ask_nodes(client, cluster),
        asyncio.gather(*(asyncio.to_thread(_server, address) for address in cluster.monitors)),
        asyncio.gather(*(_stream(client, partition) for partition in cluster.names)),
    )
    expected: dict[tuple[str, str], Said | None] = {
        (partition, node): None for partition in cluster.names for node in cluster.nodes
    }
    nodes = expected | {(str(one["partition"]), str(one["node"])): one for one in said}
    return Survey(nodes, list(servers), dict(zip(cluster.names, streams, strict=True)))


async def ask_nodes(
    client: Client, cluster: ClusterConfig, *, answer_s: float = ANSWER_S, **request: Any
) -> list[Said]:
    """Ask all nodes of the cluster for their status: what those say that answer in time."""
    errors = require("nats.errors", "cluster", "pricetime cluster")
    inbox, expected = client.new_inbox(), len(cluster.nodes) * len(cluster.partitions)
    answers = await client.subscribe(inbox)
    said: list[Said] = []
    try:
        await client.publish(subject_of(cluster.name, "status"), json.dumps(request).encode(), reply=inbox)
        deadline = time.monotonic() + answer_s
        while len(said) < expected and (left := deadline - time.monotonic()) > 0:
            message = await answers.next_msg(timeout=left)
            if not message.data:  # no node is there
                break
            said.append(json.loads(message.data))
    except (TimeoutError, errors.Error):
        pass
    finally:
        await answers.unsubscribe()
    return said


async def step_down(client: Client, cluster: ClusterConfig, node: str, partition: str) -> tuple[Said, float]:
    """Make a leader step down. Returns the next leader, and the seconds until it led. Raises NodeRefuses."""
    errors = require("nats.errors", "cluster", "pricetime cluster")
    subject = subject_of(cluster.name, f"step-down.{partition}.{node}")
    began = time.monotonic()
    try:
        answer: Said = json.loads((await client.request(subject, b"{}", timeout=STEP_DOWN_S)).data)
    except (TimeoutError, errors.Error) as error:
        raise NodeRefuses(
            f"node {node} does not answer for partition {partition}: see pricetime cluster status"
        ) from error
    if not answer["done"]:
        raise NodeRefuses(str(answer["why"]))
    while time.monotonic() - began < LEAD_S:
        for said in await ask_nodes(client, cluster, answer_s=LOOK_S):
            if said["partition"] == partition and said["role"] == "leader" and said["node"] != node:
                return said, time.monotonic() - began
    raise NodeRefuses(
        f"node {node} has stepped down, and no node leads partition {partition} after {LEAD_S:g} s: see pricetime "
        "cluster status"
    )


def _server(address: str) -> Server:
    said = said_by(address)
    return Server(address, None, said) if isinstance(said, str) else Server(address, said, "")


async def _stream(client: Client, partition: str) -> dict[str, Any] | None:
    try:
        return await ask(client, f"STREAM.INFO.{stream_name(partition)}", timeout_s=2 * ANSWER_S)
    except JetStreamError:
        return None
