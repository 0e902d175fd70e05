"""What a node has of NATS: a connection, the stream of its partition, the lease, and requests between nodes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from .connection import Credentials, connect
from .jetstream import JetStreamError
from .lease import Lease
from .promise import Promise, PromiseUnknown
from .settings import ClusterConfig
from .store import SnapshotStore
from .stream import PageStream

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from ..exchange.settings.server_log import Log

#: Pause before servers that did not answer are checked again, in seconds.
AGAIN_S = 5.0

Reply = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class Link(NamedTuple):
    """Belongs to one asyncio loop."""

    client: Client
    stream: PageStream
    lease: Lease
    snapshots: SnapshotStore
    promise: Promise
    reconnected: asyncio.Event

    async def answer(self, subject: str, reply: Reply) -> None:
        """Answer requests: ``reply`` gets what a request says, and returns what the answer says."""

        async def take(message: Msg) -> None:
            said = json.loads(message.data or b"{}")
            await message.respond(json.dumps(await reply(said)).encode())

        await self.client.subscribe(subject, cb=take)

    async def watch(self) -> None:
        """Check the servers again after every reconnect, and those that did not answer. Raises PromiseBroken."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S if self.promise.unchecked else None):
                    await self.reconnected.wait()
            self.reconnected.clear()
            with suppress(PromiseUnknown, JetStreamError):
                await self.promise.check()


@asynccontextmanager
async def opened(cluster: ClusterConfig, partition: str, node: str, events: Log) -> AsyncIterator[Link]:
    """Connect, and check what the cluster relies on. Raises NatsUnavailable, PromiseBroken and JetStreamError."""
    reconnected, opened_streams = asyncio.Event(), list[PageStream]()

    def on_disconnect() -> None:
        if not client.is_closed:
            events.warning("NATS disconnected")
        for stream in opened_streams:
            stream.connection_lost()

    def on_reconnect() -> None:
        events.info("NATS connected again")
        reconnected.set()

    client = await connect(
        cluster.servers, credentials_of(cluster), f"pricetime {cluster.name} {partition} {node}",
        on_disconnect=on_disconnect, on_reconnect=on_reconnect,
    )  # fmt: skip
    try:
        promise = Promise(cluster.monitors)
        await promise.check()
        stream = await PageStream.create(client, cluster.name, partition, cluster.replicas)
        opened_streams.append(stream)
        await promise.check_replicas(client, stream.name)
        lease = await Lease.open(client, cluster.name, partition, cluster.replicas)
        snapshots = SnapshotStore(client, cluster.name, partition, cluster.replicas)
        yield Link(client, stream, lease, snapshots, promise, reconnected)
        await stream.close()
    finally:
        await client.close()


def credentials_of(cluster: ClusterConfig) -> Credentials:
    """What the NATS servers ask of the nodes."""
    path = None if cluster.ca_file is None else cluster.folder / cluster.ca_file
    return Credentials(cluster.user, cluster.password, path)


def subject_of(cluster: str, what: str) -> str:
    """The subject of requests to the nodes of a cluster, such as for their status."""
    return f"PT.{cluster}.{what}"
