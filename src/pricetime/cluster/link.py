"""What a node has of NATS: a connection, the stream of its partition, the lease, and requests between nodes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from nats.aio.client import Client as Nats
from nats.aio.msg import Msg

from ..exchange.settings.server_log import Log
from .lease import Lease
from .promise import Promise
from .settings import ClusterConfig
from .stream import PageStream, connect


class Link(NamedTuple):
    """Belongs to one asyncio loop."""

    nats: Nats
    stream: PageStream
    lease: Lease
    promise: Promise

    async def answer(self, subject: str, reply: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> None:
        """Answer requests: ``reply`` gets what a request says, and returns what the answer says."""

        async def take(message: Msg) -> None:
            said = json.loads(message.data or b"{}")
            await message.respond(json.dumps(await reply(said)).encode())

        await self.nats.subscribe(subject, cb=take)


def subject_of(cluster: str, what: str) -> str:
    """The subject of requests to the nodes of a cluster, such as for their status."""
    return f"PT.{cluster}.{what}"
