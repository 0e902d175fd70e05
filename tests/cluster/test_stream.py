"""The stream of a partition on three real servers: appends, refusals, void pages, reading, finding."""

import asyncio
import itertools

import pytest

from pricetime import Instrument
from pricetime.cluster.appends import Appends
from pricetime.cluster.connection import connected
from pricetime.cluster.jetstream import StreamMissing, ask
from pricetime.cluster.page import COMMANDS, NO_DIGEST, ChainBroken, Kind, continues
from pricetime.cluster.promise import PromiseBroken, stream_settings, subjects
from pricetime.cluster.reader import VOID
from pricetime.cluster.servers import LocalServers
from pricetime.cluster.stream import IN_FLIGHT, PageStream, Purged, Refused, Stored, Unknown
from pricetime.log.configuration import Configuration
from tests.cluster.made import page, term_record
from tests.cluster.streams import CLUSTER, Writer, read_to, run, stream_of


def in_flight(futures: list[asyncio.Future[int]]) -> int:
    """How many appends wait for their acknowledgement."""
    return sum(not future.done() for future in futures)


def test_an_empty_stream(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            assert await stream.last() == (0, None)
            assert await stream.find(1) is None
            with pytest.raises(LookupError):
                await stream.get(1)

    run(test())


def test_pipelined_appends_come_back_in_order(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            writer = Writer(stream)
            assert await writer.lead() == 1
            done: list[int] = []
            futures: list[asyncio.Future[int]] = []
            for _ in range(40):
                futures.append(await writer.append())
                futures[-1].add_done_callback(lambda future: done.append(future.result()))
                assert in_flight(futures) <= IN_FLIGHT
            await futures[-1]
            await asyncio.sleep(0)
            assert done == [*range(2, 42)]
            seen = await read_to(stream, 41)
            assert [stored.sequence for stored in seen] == [*range(1, 42)]
            for last, stored in itertools.pairwise(seen):
                assert continues(stored.page, last.page, "")
            assert (await stream.last()).stored == seen[-1]
            assert await read_to(stream, 41, after=seen[20]) == seen[21:]

    run(test())


def test_a_term_record_is_appended_alone(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            record = term_record(1, 1)
            future = await stream.append(record, 0)
            await stream.append(page(1, 1, 1, record.digest), 1)
            assert future.done()

    run(test())


def test_a_second_writer_fences_the_first(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as first, stream_of(servers, partition) as second:
            old, new = Writer(first, "a"), Writer(second, "b")
            await old.lead()
            await (await old.append())
            await new.lead()
            with pytest.raises(Refused):
                await (await old.append())
            with pytest.raises(Refused, match="read the last message"):
                await old.append()
            last = await old.follow()
            assert last.stored is not None
            assert (last.sequence, last.stored.page.term) == (3, 2)

    run(test())


def test_two_nodes_that_begin_one_term(servers: LocalServers, partition: str) -> None:
    """JetStream must not take the second record for a repetition of the first: one node leads."""

    async def test() -> None:
        async with stream_of(servers, partition) as stream, stream_of(servers, partition) as other:
            assert await (await stream.append(term_record(1, 1, node="a"), 0)) == 1
            with pytest.raises(Refused):
                await (await other.append(term_record(1, 1, node="b"), 0))

    run(test())


def test_void_pages_never_count(servers: LocalServers, partition: str) -> None:
    """The next leader's record takes the place of a page in flight, and the pages behind it are stored."""

    async def test() -> None:
        async with stream_of(servers, partition) as first, stream_of(servers, partition) as second:
            old, new = Writer(first, "a"), Writer(second, "b")
            await old.lead()
            for _ in range(8):
                await (await old.append())
            assert old.before is not None
            record = term_record(2, 25, old.before.digest, "b")
            lost = old.page()
            await (await second.append(record, 9))
            futures = [await old.send(lost), await old.append(), await old.append()]
            await asyncio.gather(*futures, return_exceptions=True)
            assert [type(future.exception()) for future in futures] == [Refused] * 3
            while (last := await first.last()).sequence < 12:
                await asyncio.sleep(0.01)
            assert last == (12, Stored(10, record))  # two void pages
            new.sequence, new.before, new.term = 10, record, 2
            with pytest.raises(Refused):
                await (await new.append())
            await new.follow()
            assert await (await new.append(2)) == 13
            seen = await read_to(second, 13)
            assert [stored.sequence for stored in seen] == [*range(1, 11), 13]
            assert await read_to(second, 13, after=seen[9]) == seen[10:]
            found = [await second.find(command) for command in range(1, 27)]
            assert [stored and stored.sequence for stored in found] == [2 + at // 3 for at in range(24)] + [13, 13]
            assert await second.find(27) is None
            await second.purge(seen[-1])
            assert (await ask(second.client, f"STREAM.INFO.{second.name}"))["state"]["first_seq"] == 10
            assert [stored.sequence for stored in await read_to(second, 13)] == [10, 13]

    run(test())


def test_a_first_message_that_comes_while_the_end_is_read(
    servers: LocalServers, partition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A term record for a stream without messages must not follow that message."""

    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            assert await stream.last() == (0, None)
            newest = PageStream.newest

            async def meanwhile(self: PageStream) -> Stored | None:
                found = await newest(self)
                await (await stream.append(term_record(1, 1, NO_DIGEST, "a"), 0))
                return found

            monkeypatch.setattr(PageStream, "newest", meanwhile)
            with pytest.raises(Unknown, match="first message"):
                await stream.last()
            monkeypatch.undo()
            assert (await stream.last()).sequence == 1

    run(test())


def test_a_server_that_does_not_give_what_the_stream_has(
    servers: LocalServers, partition: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has just become the leader of the stream, and is behind for a moment."""

    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            writer = Writer(stream)
            await writer.lead()
            for _ in range(60):
                await (await writer.append())
            message, refused = PageStream._message, 0

            async def behind(self: PageStream, which: dict[str, object]) -> Stored | None:
                nonlocal refused
                sequence = which.get("seq")
                if isinstance(sequence, int) and sequence >= 20 and refused > 0:
                    refused -= 1
                    return None
                return await message(self, which)

            monkeypatch.setattr(PageStream, "_message", behind)
            for count in (1, 2, 5, 10, 1000):
                refused = count
                with pytest.raises(Unknown, match="did not give"):
                    await stream.find(70)
            refused = 1
            with pytest.raises(Unknown, match="did not give"):
                await stream.last()  # not the end of a stream that begins behind the message
            refused = 0

            async def without_last(self: PageStream, which: dict[str, object]) -> Stored | None:
                return None if which.get("seq") == 61 else await message(self, which)

            monkeypatch.setattr(PageStream, "_message", without_last)
            with pytest.raises(Unknown, match="did not give message 61"):
                await stream.last()  # not with a message before it as the last
            monkeypatch.setattr(PageStream, "_message", behind)
            found = await stream.find(70)
            assert found is not None
            assert found.page.first == 70
            assert await stream.find(181) is None

    run(test())


def test_the_first_pages_of_a_term_are_appended_one_at_a_time(servers: LocalServers, partition: str) -> None:
    """A void page of the leader before could take the place of one of several."""

    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            writer = Writer(stream)
            most = []
            for _ in range(2):
                await writer.lead()
                futures: list[asyncio.Future[int]] = []
                for _ in range(2 * IN_FLIGHT):
                    futures.append(await writer.append())
                    most.append(in_flight(futures))
                await futures[-1]
            assert most[:IN_FLIGHT] == most[2 * IN_FLIGHT : 3 * IN_FLIGHT] == [1] * IN_FLIGHT

    run(test())


def test_the_end_has_to_be_known_before_an_append(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            other = PageStream(stream.client, partition)
            with pytest.raises(Refused, match="read the last message"):
                await other.append(term_record(1, 1), 0)
            await other.last()
            assert await (await other.append(term_record(1, 1), 0)) == 1
            await other.close()

    run(test())


def test_what_may_still_arrive_is_appended_again(servers: LocalServers, partition: str) -> None:
    """A different page in its place could be followed by the pages that were behind it."""

    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            writer = Writer(stream)
            await writer.lead()
            sent = writer.page(3)
            stream._appends._unknown[1] = f"{partition}/{sent.message_id}/1"
            with pytest.raises(ValueError, match="append that one again"):
                await stream.append(writer.page(4), 1)
            assert await (await stream.append(sent, 1)) == 2
            assert (await stream.last()).sequence == 2
            assert stream._appends._unknown == {}

    run(test())


def test_an_append_without_an_answer_is_unknown(servers: LocalServers, partition: str) -> None:
    """The message may be stored. Reading the last one tells, and sending the same bytes again is safe."""

    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            writer = Writer(stream)
            await writer.lead()
            impatient = PageStream(stream.client, partition, append_s=0.0)
            await impatient.last()
            sent = writer.page()
            future = await impatient.append(sent, 1)
            with pytest.raises(Unknown):
                await future
            while (last := await stream.last()).sequence < 2:
                await asyncio.sleep(0.01)
            assert last.stored == Stored(2, sent)
            assert await (await stream.append(sent, 1)) == 2  # the same bytes: stored once
            assert (await stream.last()).sequence == 2
            await impatient.close()

    run(test())


def test_appends_fail_at_once_without_a_connection(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            writer = Writer(stream)
            await writer.lead()
            await stream.client.close()
            with pytest.raises(Unknown, match="no connection"):
                await (await writer.append())
            with pytest.raises(Unknown, match="no connection"):
                await stream.last()
            with pytest.raises(Unknown, match="closed"):
                await read_to(stream, 1)

    run(test())


def test_a_closed_stream_fails_what_is_in_flight(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            appends = Appends(stream.client, 5.0)
            appends.resume(0)
            future = await appends.append("without.a.subscriber", b"", "1", 0, alone=False)
            await appends.close()
            with pytest.raises(Unknown):
                await future

    run(test())


def test_a_lost_connection_fails_what_is_in_flight(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            writer = Writer(stream)
            await writer.lead()
            for _ in range(IN_FLIGHT):
                await (await writer.append())
            futures = [await writer.append() for _ in range(3)]
            stream.connection_lost()
            assert [type(future.exception()) for future in futures] == [Unknown] * 3
            while (last := await stream.last()).sequence < 12:
                await asyncio.sleep(0.01)
            assert last.stored is not None
            await (await stream.append(page(1, 34, 1, last.stored.page.digest), 12))

    run(test())


def test_the_largest_messages(servers: LocalServers, partition: str) -> None:
    many = Configuration(tuple(Instrument(at, "X" * 60) for at in range(4_500)), 1000, 1000, 0)

    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            record = term_record(1, 1, configuration=many)
            assert len(record.data) > 900 << 10
            await (await stream.append(record, 0))
            assert (await stream.last()).stored == Stored(1, record)
            for at in range(10):
                writer = Writer(stream)
                await writer.follow()
                writer.term = 1
                await (await writer.append(COMMANDS))
                assert await stream.find(1000 * at + 1) == (await writer.follow()).stored
            assert [stored.sequence for stored in await read_to(stream, 11)] == [*range(1, 12)]

    run(test())


def test_a_stream_that_is_deleted(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            await ask(stream.client, f"STREAM.DELETE.{stream.name}")
            with pytest.raises(StreamMissing):
                await read_to(stream, 1)
            with pytest.raises(StreamMissing):
                await PageStream.open(stream.client, CLUSTER, partition)

    run(test())


@pytest.mark.parametrize("name", ["", "a.b", "a b", "*", "ä", "x" * 65])
def test_a_name_that_jetstream_cannot_use(name: str) -> None:
    with pytest.raises(ValueError, match="is not a name"):
        stream_settings(CLUSTER, name, 3)


def test_a_damaged_message_and_a_foreign_one_are_found(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            writer = Writer(stream)
            await writer.lead()
            await (await writer.append())
            for at in range(VOID + 1):
                await (await stream.append(page(1, 4, 2, NO_DIGEST), 2 + at))
            with pytest.raises(ChainBroken, match=rf"^message {VOID + 3} of LOG-{partition} and 64 before it do not"):
                await read_to(stream, 99)
            await stream.client.request(subjects(partition)[0], b"something else")
            with pytest.raises(ChainBroken, match=rf"^message {VOID + 4} of LOG-{partition}"):
                await stream.last()

    run(test())


def test_finding_every_command(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            writer = Writer(stream)
            for counts in ([1, 2, 3], [5], [], [1, 1]):
                await writer.lead()
                for count in counts:
                    await (await writer.append(count))
            pages = [stored for stored in await read_to(stream, writer.sequence) if stored.page.kind == Kind.PAGE]
            for command in range(1, 15):
                found = await stream.find(command)
                assert found == next((stored for stored in pages if stored.page.last >= command), None)
            await stream.purge(pages[2])
            assert await stream.find(1) == pages[2]
            assert await stream.find(13) == pages[-1]

    run(test())


def test_a_reader_learns_that_its_messages_are_gone(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream:
            writer = Writer(stream)
            await writer.lead()
            for _ in range(15):
                await (await writer.append())
            first, *_, last = await read_to(stream, 16)
            await stream.purge(last)
            with pytest.raises(Purged) as raised:
                await read_to(stream, 16, after=first)
            assert raised.value.first == 16
            assert await read_to(stream, 16) == [last]

    run(test())


def test_a_reader_waits_for_what_is_next(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with stream_of(servers, partition) as stream, stream_of(servers, partition) as other:
            reading = asyncio.create_task(read_to(other, 200))
            writer = Writer(stream)
            await writer.lead()
            while writer.sequence < 200:
                future = await writer.append(1)
            await future
            assert [stored.sequence for stored in await reading] == [*range(1, 201)]

    run(test())


def test_opening_checks_the_stream(servers: LocalServers, partition: str) -> None:
    async def test() -> None:
        async with connected(servers.urls) as client:
            with pytest.raises(StreamMissing, match=f"no stream LOG-{partition}: start a node"):
                await PageStream.open(client, CLUSTER, partition)
            await PageStream.create(client, CLUSTER, partition)
            await PageStream.create(client, CLUSTER, partition)
            await PageStream.open(client, CLUSTER, partition)
            with pytest.raises(PromiseBroken, match="belongs to the cluster test, not to the cluster other"):
                await PageStream.create(client, "other", partition)
            with pytest.raises(PromiseBroken, match="num_replicas 3 instead of 1: change it with nats stream edit"):
                await PageStream.open(client, CLUSTER, partition, replicas=1)

    run(test())


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("allow_direct", True),
        ("max_msgs", 1000),
        ("discard", "old"),
        ("allow_rollup_hdrs", True),
        ("storage", "memory"),
    ],
)
def test_a_stream_with_other_settings(servers: LocalServers, partition: str, setting: str, value: object) -> None:
    async def test() -> None:
        async with connected(servers.urls) as client:
            settings = stream_settings(CLUSTER, partition, 3) | {setting: value}
            await ask(client, f"STREAM.CREATE.LOG-{partition}", settings)
            with pytest.raises(PromiseBroken, match=f"has {setting} "):
                await PageStream.open(client, CLUSTER, partition)

    run(test())
