"""The replicator between a real journal and real servers: order, watermark, a second leader, a lost server."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from pricetime.cluster.connection import connected
from pricetime.cluster.link import Link
from pricetime.cluster.page import Page
from pricetime.cluster.promise import Promise
from pricetime.cluster.reader import Stored
from pricetime.cluster.replicator import FULL, Replicator
from pricetime.cluster.servers import LocalServers
from pricetime.cluster.store import SnapshotStore
from pricetime.cluster.stream import PageStream
from pricetime.exchange.settings.server_log import make_log
from pricetime.log.directory import Directory
from pricetime.wire.types import AcknowledgementLevel
from tests.cluster.made import CONFIGURATION
from tests.cluster.streams import CLUSTER, Writer, lease_of, read_to, run, stream_of
from tests.log.test_begin import orders

pytestmark = pytest.mark.compiled


#: Bytes of a segment of the journal: some thousand commands.
SEGMENT = 1 << 19


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came to pass"
        time.sleep(0.001)


class Leader:
    """A journal of a term, and its replicator."""

    def __init__(self, servers: LocalServers, partition: str, folder: Path) -> None:
        from pricetime.log.file_log import FileLog

        self.servers, self.partition = servers, partition
        self.record = run(self._lead())
        self.directory = Directory(folder)
        self.directory.lock()
        self.log = FileLog(
            self.directory, CONFIGURATION, level=AcknowledgementLevel.REPLICATED, term=1, segment_bytes=SEGMENT
        )
        self.log.open()
        self.log.start()
        self.replicator = Replicator(self.log, self.record, self._connected, make_log(), beside=self._beside)
        self.replicator.start()

    async def _lead(self) -> Stored:
        async with stream_of(self.servers, self.partition) as stream:
            writer = Writer(stream)
            sequence = await writer.lead()
            return await stream.get(sequence)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Link]:
        async with connected(self.servers.urls) as client:
            stream = PageStream(client, self.partition)
            lease = await lease_of(client, self.partition)
            snapshots = SnapshotStore(client, CLUSTER, self.partition)
            yield Link(client, stream, lease, snapshots, Promise(self.servers.monitoring), asyncio.Event())
            await stream.close()

    async def _beside(self, _: Link) -> None:
        await asyncio.Event().wait()

    def append(self, first: int, count: int) -> None:
        made, done = orders(first, count), 0
        while done < count:
            done += self.log.append_records(made[done:])

    def close(self) -> None:
        self.replicator.close()
        self.log.close()
        self.directory.unlock()

    async def pages(self) -> list[Page]:
        async with stream_of(self.servers, self.partition) as stream:
            last = await stream.last()
            seen = await read_to(stream, last.sequence)
        return [stored.page for stored in seen if isinstance(stored.page, Page)]


@pytest.fixture
def leader(servers: LocalServers, partition: str, tmp_path: Path) -> Iterator[Leader]:
    made = Leader(servers, partition, tmp_path)
    yield made
    made.close()


def test_the_stream_has_what_the_journal_has(leader: Leader) -> None:
    leader.append(1, 10)
    wait_for(lambda: leader.log.released == 10)
    leader.append(11, 20 * FULL)
    wait_for(lambda: leader.log.released == 10 + 20 * FULL)
    pages = run(leader.pages())
    assert [sequence for page in pages for sequence in page.commands["sequence"].tolist()] == [
        *range(1, 11 + 20 * FULL)
    ]
    assert b"".join(page.commands.tobytes() for page in pages) == orders(1, 10 + 20 * FULL).tobytes()
    assert any(page.checkpoints for page in pages)
    status = leader.replicator.status()
    assert (status["replicated"], status["unacknowledged_pages"]) == (10 + 20 * FULL, 0)
    assert status["pages"] == len(pages)


def test_a_second_leader_ends_it(leader: Leader) -> None:
    leader.append(1, 10)
    wait_for(lambda: leader.log.released == 10)

    async def lead() -> None:
        async with stream_of(leader.servers, leader.partition) as stream:
            await Writer(stream, "b").lead()

    run(lead())
    leader.append(11, 5)
    wait_for(lambda: leader.log.failed)
    assert "a node with term 2" in str(leader.replicator.failure)
    assert leader.log.released == 10


def test_it_goes_on_when_a_server_is_killed(leader: Leader, servers: LocalServers) -> None:
    leader.append(1, 10)
    wait_for(lambda: leader.log.released == 10)
    stream_leader: Any = servers.leader(f"LOG-{leader.partition}")
    servers.kill(stream_leader)
    leader.append(11, 5 * FULL)
    wait_for(lambda: leader.log.released == 10 + 5 * FULL)
    pages = run(leader.pages())
    assert sum(len(page.commands) for page in pages) == 10 + 5 * FULL
    assert leader.replicator.failure is None


def test_a_stream_that_is_behind_keeps_its_segments(leader: Leader, servers: LocalServers) -> None:
    """Snapshots may be written of commands that the stream does not have yet, and then segments are removed."""
    for server in range(3):
        servers.suspend(server)
    every = 5 * FULL
    for first in range(1, 1 + 5 * every, every):  # more than three segments
        leader.append(first, every)
    assert leader.log.progress()[1] > 3
    leader.directory.remove_behind(leader.log.progress()[1])
    for server in range(3):
        servers.resume(server)
    wait_for(lambda: leader.log.released == 5 * every)
    assert leader.replicator.failure is None
    assert leader.directory.remove_behind(leader.log.progress()[1])


def test_one_that_steps_down_acknowledges_nothing_more(leader: Leader) -> None:
    leader.replicator.step_down()
    assert leader.log.failed
    assert leader.log.append_records(orders(1, 1)) == 0
