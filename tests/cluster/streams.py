"""Streams, and chains of messages, for tests with real servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from nats.aio.client import Client

from pricetime.cluster.connection import connected
from pricetime.cluster.jetstream import Declined, Unknown
from pricetime.cluster.lease import Lease
from pricetime.cluster.page import NO_DIGEST, Message
from pricetime.cluster.servers import LocalServers
from pricetime.cluster.stream import Last, PageStream, Stored
from tests.cluster.made import page, term_record

CLUSTER = "test"

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T], timeout_s: float = 60) -> T:
    """Run a test, with a limit for a hang."""

    async def limited() -> T:
        return await asyncio.wait_for(coroutine, timeout_s)

    return asyncio.run(limited())


@asynccontextmanager
async def stream_of(servers: LocalServers, partition: str) -> AsyncIterator[PageStream]:
    """The stream of a partition, over a connection of its own."""
    async with connected(servers.urls) as client:
        stream = await patiently(lambda: PageStream.create(client, CLUSTER, partition))
        await patiently(stream.last)  # it has a leader
        yield stream
        await stream.close()


async def lease_of(client: Client, partition: str) -> Lease:
    """The lease of a partition."""
    lease = await patiently(lambda: Lease.open(client, CLUSTER, partition))
    await patiently(lease.holder)
    return lease


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat a request until JetStream answers it."""
    while True:
        try:
            return await call()
        except (Unknown, Declined):
            await asyncio.sleep(0.1)


class Writer:
    """Appends term records and pages of its own, as a leader does."""

    def __init__(self, stream: PageStream, node: str = "a") -> None:
        self.stream, self.node = stream, node
        self.sequence = 0  #: of the stream
        self.before: Message | None = None
        self.term = 0

    async def follow(self) -> Last:
        """Learn the end of the stream."""
        last = await patiently(self.stream.last)
        self.sequence = last.sequence
        self.before = last.stored.page if last.stored else None
        return last

    def _next(self) -> tuple[int, bytes]:
        return (self.before.last + 1, self.before.digest) if self.before else (1, NO_DIGEST)

    async def lead(self) -> int:
        """Begin the next term. Returns the sequence in the stream."""
        await self.follow()
        self.term = (self.before.term if self.before else 0) + 1
        first, before = self._next()
        return await (await self.send(term_record(self.term, first, before, self.node)))

    def page(self, count: int = 3) -> Message:
        """The next page."""
        first, before = self._next()
        return page(self.term, first, count, before, points=1)

    async def send(self, message: Message) -> asyncio.Future[int]:
        """Append a message after the last one that was sent."""
        future = await self.stream.append(message, self.sequence)
        self.sequence, self.before = self.sequence + 1, message
        return future

    async def append(self, count: int = 3) -> asyncio.Future[int]:
        """Append a page of ``count`` commands."""
        return await self.send(self.page(count))


async def read_to(stream: PageStream, sequence: int, after: Stored | None = None) -> list[Stored]:
    """What a reader sees, up to a sequence of the stream."""
    seen = []
    if sequence > (after.sequence if after else 0):
        async for stored in stream.read(after):
            seen.append(stored)
            if stored.sequence >= sequence:
                break
    return seen
