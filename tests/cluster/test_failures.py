"""Servers are killed and suspended while a writer appends: nothing that was acknowledged is lost."""

import asyncio
import contextlib
import itertools

from pricetime.cluster.page import check_next
from pricetime.cluster.servers import LocalServers
from pricetime.cluster.stream import PageStream, Refused, Stored, Unknown
from tests.cluster.streams import Writer, patiently, read_to, run, stream_of


class PersistentWriter(Writer):
    """Appends until it is told to stop, across failures, and notes what was acknowledged."""

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


async def _settled(servers: LocalServers, stream: str, other_than: int) -> None:
    """Wait until a server leads the stream that is not this one."""
    while (leader := await asyncio.to_thread(servers.leader, stream)) is None or leader == other_than:
        await asyncio.sleep(0.1)


async def _append_while(servers: LocalServers, partition: str, suspend: bool) -> None:
    async with stream_of(servers, partition) as stream, stream_of(servers, partition) as other:
        stream._appends.timeout_s = 1.0
        writer = PersistentWriter(stream)
        writing = asyncio.create_task(writer.go_on())
        seen: list[Stored] = []

        async def read() -> None:
            async for stored in other.read():
                seen.append(stored)  # noqa: PERF401 - the test looks at it meanwhile

        reading = asyncio.create_task(read())
        while len(writer.acknowledged) < 100:
            await asyncio.sleep(0.01)
        leader = servers.leader(stream.name)
        assert leader is not None
        await asyncio.to_thread(servers.suspend if suspend else servers.kill, leader)
        if not suspend:
            await _settled(servers, stream.name, leader)
        enough = len(writer.acknowledged) + 100
        while len(writer.acknowledged) < enough:
            await asyncio.sleep(0.05)
            assert not writing.done(), writing.result()
            assert not reading.done(), reading.result()
        if suspend:
            servers.resume(leader)
        else:
            servers.start(leader)
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
        for before, after in itertools.pairwise(seen):
            check_next(after.page, before.page, str(after.sequence))


def test_the_streams_leader_is_killed(servers: LocalServers, partition: str) -> None:
    run(_append_while(servers, partition, suspend=False), 120)


def test_the_streams_leader_hangs(servers: LocalServers, partition: str) -> None:
    run(_append_while(servers, partition, suspend=True), 120)
