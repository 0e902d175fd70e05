"""What a returning node's journal keeps, against real streams."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pricetime.cluster.common import LocalTerm, last_common, newest_known, terms_of
from pricetime.cluster.jetstream import Unknown
from pricetime.cluster.page import Message
from pricetime.cluster.rejoin import rejoin
from pricetime.cluster.servers import LocalServers
from pricetime.cluster.store import SnapshotStore
from pricetime.exchange.settings.errors import CannotStart
from pricetime.exchange.settings.server_log import make_log
from pricetime.log.directory import Directory
from pricetime.wire.types import AcknowledgementLevel
from tests.cluster.made import CONFIGURATION, commands
from tests.cluster.streams import CLUSTER, Writer, run, stream_of

pytestmark = pytest.mark.compiled

MEMORY = AcknowledgementLevel.MEMORY


class _Link:
    """What ``rejoin`` needs of a link."""

    def __init__(self, stream: Any, snapshots: SnapshotStore) -> None:
        self.stream, self.snapshots = stream, snapshots


def write(directory: Directory, terms: Sequence[tuple[int, int]]) -> None:
    """A journal with so many commands of each term."""
    from pricetime.log.file_log import FileLog
    from pricetime.log.reader import position_after

    sequence, position = 0, None
    for term, count in terms:
        log = FileLog(directory, CONFIGURATION, position=position, level=MEMORY, term=term)
        log.open()
        if count:
            log.append_records(commands(sequence + 1, count))
        sequence += count
        log.close()
        position = position_after(directory, sequence)


async def fill(writer: Writer, *terms: Sequence[int]) -> list[Message]:
    """Append, for each term, pages with so many commands."""
    made: list[Message] = []
    for pages in terms:
        await writer.lead()
        for count in pages:
            made.append(writer.page(count))
            await (await writer.send(made[-1]))
    return made


def test_the_terms_of_a_journal(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    directory.lock()
    assert terms_of(directory) == []
    write(directory, [(1, 5), (3, 0), (4, 2), (4, 3)])
    assert terms_of(directory) == [LocalTerm(1, 1, 5), LocalTerm(3, 6, 5), LocalTerm(4, 6, 10)]
    directory.unlock()


@pytest.mark.parametrize(
    ("local", "common"),
    [
        ([], 0),
        ([LocalTerm(1, 1, 3)], 3),
        ([LocalTerm(1, 1, 6)], 6),
        ([LocalTerm(1, 1, 9)], 6),  # an old leader whose last commands the stream never had
        ([LocalTerm(1, 1, 6), LocalTerm(2, 7, 8)], 8),
        ([LocalTerm(1, 1, 6), LocalTerm(2, 7, 20)], 10),
        ([LocalTerm(1, 1, 6), LocalTerm(2, 7, 10), LocalTerm(3, 11, 14)], 10),  # term 3 has a record and no page
        ([LocalTerm(1, 1, 6), LocalTerm(2, 7, 10), LocalTerm(4, 11, 12)], 12),
        ([LocalTerm(2, 7, 10), LocalTerm(4, 11, 30)], 14),  # it began with a snapshot
    ],
)
def test_what_a_journal_and_a_stream_have_in_common(
    servers: LocalServers, partition: str, local: list[LocalTerm], common: int
) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            await fill(Writer(stream), [3, 3], [4], [], [2, 2])
            assert await last_common(stream, local) == common

    run(test())


@pytest.mark.parametrize(
    ("local", "common"),
    [
        ([LocalTerm(1, 1, 40)], 0),  # its last commands may be others than those of term 2, whose record is deleted
        ([LocalTerm(1, 1, 6), LocalTerm(2, 7, 30)], 26),
        ([LocalTerm(1, 1, 6), LocalTerm(2, 7, 22)], 22),
        ([LocalTerm(1, 1, 6), LocalTerm(2, 7, 26), LocalTerm(3, 27, 40)], 30),
    ],
)
def test_a_stream_that_has_lost_the_record_of_its_first_term(
    servers: LocalServers, partition: str, local: list[LocalTerm], common: int
) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            await fill(Writer(stream), [3, 3], [1] * 20, [4])
            found = await stream.find(20)
            assert found is not None
            await stream.purge(found)
            assert await last_common(stream, local) == common

    run(test())


def test_after_which_message_a_journal_continues(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            await fill(Writer(stream), [3, 3], [4], [2, 2])
            known = [await newest_known(stream, sequence) for sequence in range(15)]
            lasts = [None if one is None else (one.page.kind.name, one.page.last) for one in known]
            assert lasts[:4] == [None, ("TERM", 0), ("TERM", 0), ("PAGE", 3)]
            assert lasts[6:11] == [("PAGE", 6), ("TERM", 6), ("TERM", 6), ("TERM", 6), ("PAGE", 10)]
            assert lasts[14] == ("PAGE", 14)

    run(test())


def test_a_fenced_leader_loses_what_was_not_acknowledged(servers: LocalServers, partition: str, tmp_path: Path) -> None:
    directory = Directory(tmp_path)

    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            await fill(Writer(stream), [3, 3], [4])
            snapshots = SnapshotStore(stream.client, CLUSTER, partition)
            directory.lock()
            write(directory, [(1, 9)])
            await rejoin(_Link(stream, snapshots), directory, make_log())  # type: ignore[arg-type]
            assert terms_of(directory) == [LocalTerm(1, 1, 6)]
            assert [path for path in tmp_path.iterdir() if path.name.endswith(".broken")]
            await rejoin(_Link(stream, snapshots), directory, make_log())  # type: ignore[arg-type]
            assert terms_of(directory) == [LocalTerm(1, 1, 6)]
            directory.unlock()

    run(test())


def test_a_journal_that_ends_before_the_stream_begins(servers: LocalServers, partition: str, tmp_path: Path) -> None:
    async def test() -> None:
        from pricetime.log.begin import begin_with
        from tests.log import test_begin as made

        async with stream_of(servers, partition) as stream:
            await fill(Writer(stream), [20] * 12)
            found = await stream.find(230)
            assert found is not None
            await stream.purge(found)
            snapshots = SnapshotStore(stream.client, CLUSTER, partition)
            directory = Directory(tmp_path / "new")
            directory.lock()
            with pytest.raises(CannotStart, match="begins after command 0"):
                await rejoin(_Link(stream, snapshots), directory, make_log())  # type: ignore[arg-type]
            source = Directory(tmp_path / "source")
            source.lock()
            begin_with(source, made.snapshot_after(225), made.CONFIGURATION)
            for _ in range(3):
                await snapshots.put(source, 225, made.CONFIGURATION)
            assert await snapshots.sequences() == [225]
            await rejoin(_Link(stream, snapshots), directory, make_log())  # type: ignore[arg-type]
            assert terms_of(directory) == [LocalTerm(5, 226, 225)]
            for each in (directory, source):
                each.unlock()

    run(test())


def test_a_journal_that_needs_no_snapshot(servers: LocalServers, partition: str, tmp_path: Path) -> None:
    """The node follows although the object store does not answer, as while its stream has no leader."""

    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            await fill(Writer(stream), [3, 4])
            directory = Directory(tmp_path)
            write(directory, [(1, 3)])
            directory.lock()
            await rejoin(_Link(stream, _Silent()), directory, make_log())  # type: ignore[arg-type]
            assert terms_of(directory)[-1].last == 3

    run(test())


class _Silent:
    async def sequences(self) -> list[int]:
        raise Unknown("no answer")
