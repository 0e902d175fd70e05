"""Servers are killed and suspended while a writer appends: nothing that was acknowledged is lost."""

import asyncio
import contextlib
import random
from collections.abc import Callable

from pricetime.cluster.page import Kind
from pricetime.cluster.servers import LocalServers
from pricetime.cluster.stream import IN_FLIGHT, PageStream, Refused, Stored, Unknown
from tests.cluster.streams import Writer, patiently, read_to, run, stream_of


class PersistentWriter(Writer):
    """Appends until ``stopped``, across failures, and notes what was acknowledged."""

    def __init__(self, stream: PageStream) -> None:
        super().__init__(stream)
        self.acknowledged: dict[int, bytes] = {}  #: sequence of the stream and digest
        self.stopped = False

    async def go_on(self) -> None:
        await self.lead()
        while not self.stopped:
            sent = []
            with contextlib.suppress(Refused, Unknown):
                for _ in range(20):
                    message = self.page()
                    sent.append((await self.send(message), message))
            for future, message in sent:
                with contextlib.suppress(Refused, Unknown):
                    self.acknowledged[await future] = message.digest
            await self.follow()
            assert self.before is not None
            assert self.before.term == self.term


async def _fight(stream: PageStream, node: str, acknowledged: dict[int, bytes], rounds: int) -> None:
    """Lead, append bursts of pages until the next node has begun a term, and lead again."""
    writer = Writer(stream, node)
    for _ in range(rounds):
        with contextlib.suppress(Refused, Unknown):
            await writer.lead()
            for _ in range(20):
                sent = []
                with contextlib.suppress(Refused):
                    for _ in range(IN_FLIGHT):
                        message = writer.page(1)
                        sent.append((await writer.send(message), message))
                for future, message in sent:
                    acknowledged[await future] = message.digest
                await asyncio.sleep(random.random() * 0.01)


def test_nodes_that_take_the_lead_from_each_other(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with contextlib.AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(stream_of(servers, partition)) for _ in range(3)]
            acknowledged: list[dict[int, bytes]] = [{}, {}, {}]
            fights = [_fight(stream, f"n{at}", acknowledged[at], 10) for at, stream in enumerate(streams)]
            await asyncio.gather(*fights)
            last = await streams[0].last()
            assert last.stored is not None
            seen = await read_to(streams[0], last.stored.sequence)
            stored = {each.sequence: each.page.digest for each in seen}
            for each in acknowledged:
                assert each.items() <= stored.items()
            terms = [each.page.term for each in seen if each.page.kind == Kind.TERM]
            assert terms == [*range(1, len(terms) + 1)]
            for command in range(1, seen[-1].page.last + 1, 50):
                found = await streams[1].find(command)
                assert found is not None
                assert found.page.first == command
                assert found in seen

    run(test(), 120)


Hit = Callable[[LocalServers, int], None]


async def _append_while(servers: LocalServers, partition: str, hit: Hit, *, leader: bool) -> None:
    """Append while the server that leads the stream, or the one that the writer is connected to, is hit."""
    async with stream_of(servers, partition) as stream, stream_of(servers, partition) as other:
        stream._appends.timeout_s = 1.0
        writer = PersistentWriter(stream)
        writing = asyncio.create_task(writer.go_on())
        seen: list[Stored] = []

        async def read() -> None:
            async for stored in other.read():
                seen.append(stored)  # noqa: PERF401 - the test looks at it meanwhile

        async def wait_for(count: int) -> None:
            while len(writer.acknowledged) < count:
                await asyncio.sleep(0.05)
                assert not writing.done(), writing.result()
                assert not reading.done(), reading.result()

        reading = asyncio.create_task(read())
        await wait_for(100)
        assert stream.client.connected_url is not None
        victim = servers.leader(stream.name) if leader else servers.ports.index(stream.client.connected_url.port or 0)
        assert victim is not None
        await asyncio.to_thread(hit, servers, victim)
        await wait_for(len(writer.acknowledged) + 20)  # what was in flight may be acknowledged
        while leader and await asyncio.to_thread(servers.leader, stream.name) in (None, victim):
            await asyncio.sleep(0.1)
        await wait_for(len(writer.acknowledged) + 100)
        if servers.running(victim):
            servers.resume(victim)
        else:
            servers.start(victim)
        writer.stopped = True
        await writing
        last = await patiently(stream.last)
        while not seen or seen[-1].sequence < last.sequence:
            await asyncio.sleep(0.05)
            assert not reading.done(), reading.result()
        reading.cancel()
        stored = {each.sequence: each.page.digest for each in await read_to(stream, last.sequence)}
        assert writer.acknowledged.items() <= stored.items()
        assert {each.sequence: each.page.digest for each in seen} == stored


def test_the_streams_leader_is_killed(servers: LocalServers, partition: str) -> None:
    run(_append_while(servers, partition, LocalServers.kill, leader=True), 120)


def test_the_streams_leader_hangs(servers: LocalServers, partition: str) -> None:
    run(_append_while(servers, partition, LocalServers.suspend, leader=True), 120)


def test_the_server_of_the_connection_is_killed(servers: LocalServers, partition: str) -> None:
    run(_append_while(servers, partition, LocalServers.kill, leader=False), 120)


def test_the_server_of_the_connection_hangs(servers: LocalServers, partition: str) -> None:
    run(_append_while(servers, partition, LocalServers.suspend, leader=False), 120)
