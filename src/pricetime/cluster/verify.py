"""Checks the stream of a partition: each message, their chain, what the commands make, and what the nodes have."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from ..log.errors import ReplayDiffers
from ..log.replay import MakeBooks
from ..log.replayer import Books, Replayer
from .jetstream import JetStreamError, Unknown, ask
from .page import COMMANDS, ChainBroken, Kind, TermRecord, continues
from .page_reader import PageReader
from .reader import VOID, Stored
from .settings import ClusterConfig
from .stream import WINDOW, PageStream
from .survey import Said, ask_nodes

if TYPE_CHECKING:
    from nats.aio.client import Client

#: Messages that are requested at the same time.
AHEAD = 32

#: How often, and how long, to ask again for a message if JetStream does not answer, in seconds.
AGAIN_S, PATIENCE_S = 0.1, 20.0

#: How often to move the lead of a stream to a server before that server is given up.
ATTEMPTS = 5

#: How long nodes may take to compute the digest of their books, in seconds.
NODES_S = 3.0


@dataclass
class Findings:
    """What was checked of one copy of the stream, and what is wrong: nothing if ``faults`` is empty."""

    server: str  #: that leads the stream, so that all messages came from its disk
    first: int = 0  #: of the stream
    after: int = 0  #: last command before the stream: its begin was deleted, or no journal had it for a restore
    messages: int = 0
    void: int = 0  #: messages that do not count, see ``stream.py``
    commands: int = 0
    terms: int = 0
    last: int = 0  #: sequence of the last command
    digest: str = ""  #: of the last message
    checkpoints: int = 0  #: that agree with the replay
    replayed: int = 0  #: commands executed again
    books: str = ""  #: digest of the books after them
    nodes: list[str] = field(default_factory=list)  #: whose books agree
    faults: list[str] = field(default_factory=list)


class StreamReplay:
    """Executes the commands of a stream from its beginning, and compares the books of followers at their places."""

    def __init__(self, record: TermRecord, nodes: Sequence[Said], found: Findings, make_books: MakeBooks) -> None:
        reader = PageReader(0, record.configuration, record.epoch)
        books = make_books(record.configuration, record.configuration.make_engine(), epoch=record.epoch)
        self._reader, self._replayer, self._found = reader, Replayer(books, reader), found
        self._nodes = [said for said in nodes if "books" in said]

    def add(self, stored: Stored) -> None:
        """Execute the next message. Raises ReplayDiffers."""
        self._reader.add(stored.page)
        self._replayer.step(COMMANDS)
        found = self._found
        found.replayed, found.checkpoints = self._replayer.sequence, self._replayer.checkpoints
        here = [said for said in self._nodes if said["stream_sequence"] == stored.sequence]
        if here:
            books = self.books()
            for said in here:
                if said["books"] == books:
                    found.nodes.append(said["node"])
                else:
                    who, other = said["node"], said["books"]
                    found.faults.append(f"after command {stored.page.last} node {who} has books {other}, not {books}")

    def books(self) -> str:
        """The digest of the books now. O(orders)."""
        return f"{self._replayer.machine.engine.digest(references=True):016x}"


async def verify(
    client: Client,
    cluster: ClusterConfig,
    partition: str,
    *,
    replay: bool = True,
    make_books: MakeBooks = Books,
    started: Callable[[int], Callable[[int], object]] = lambda _: lambda _: None,
) -> Findings:
    """Read the stream once, from the server that leads it, up to the first fault.

    ``make_books``: see ``log.replay``. ``started``: gets the number of messages, and returns what is
    called with each further number that is done. Raises JetStreamError.
    """
    stream = await PageStream.open(client, cluster.name, partition, cluster.replicas)
    try:
        nodes = [said for said in await ask_nodes(client, cluster, answer_s=NODES_S, books=replay)
                 if said["partition"] == partition]  # fmt: skip
        info = await ask(client, f"STREAM.INFO.{stream.name}")
        found = Findings(leader_of(info), first=max(int(info["state"]["first_seq"]), 1))
        end = int(info["state"]["last_seq"])
        make_replay = partial(StreamReplay, nodes=nodes, found=found, make_books=make_books) if replay else None
        await _check(stream, found, end, make_replay, started(end - found.first + 1))
        if not found.faults:
            _compare(found, nodes)
        return found
    finally:
        await stream.close()


async def every_replica(
    client: Client, cluster: ClusterConfig, partition: str, **options: Any
) -> AsyncIterator[Findings]:
    """Read the stream from each server that has a copy: its lead moves to one after the other. Raises JetStreamError.

    Only the first replays the commands, because equal digests mean equal commands.
    """
    stream = await PageStream.open(client, cluster.name, partition, cluster.replicas)
    try:
        said = (await ask(client, f"STREAM.INFO.{stream.name}")).get("cluster") or {}
        servers = sorted({said.get("leader"), *(each["name"] for each in said.get("replicas") or [])} - {None, ""})
        replay = options.pop("replay", True)
        for server in servers:
            yield await _at(client, stream, server, cluster, partition, replay=replay, **options)
            replay = False
    finally:
        await stream.close()


async def _at(
    client: Client, stream: PageStream, server: str, cluster: ClusterConfig, partition: str, **options: Any
) -> Findings:
    """Verify the copy of one server."""
    for _ in range(ATTEMPTS):
        if await _move(client, stream, server):
            found = await verify(client, cluster, partition, **options)
            if leader_of(await ask(client, f"STREAM.INFO.{stream.name}")) == found.server == server:
                return found
    return Findings(server, faults=[f"the server {server} does not lead the stream {stream.name} when it is asked to"])


async def _move(client: Client, stream: PageStream, server: str) -> bool:
    """Move the lead of a stream to a server. Returns whether that was possible."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            if leader_of(await ask(client, f"STREAM.INFO.{stream.name}")) == server:
                return True
            await ask(client, f"STREAM.LEADER.STEPDOWN.{stream.name}", {"placement": {"preferred": server}})
        except JetStreamError:
            pass
        await asyncio.sleep(AGAIN_S * 5)
    return False


def leader_of(info: dict[str, Any]) -> str:
    """The server that leads a stream, as it says itself."""
    return str((info.get("cluster") or {}).get("leader", ""))


async def _check(
    stream: PageStream,
    found: Findings,
    end: int,
    make_replay: Callable[[TermRecord], StreamReplay] | None,
    progress: Callable[[int], object],
) -> None:
    """Check all messages up to ``end``, in order. ``make_replay``: of the stream's first term record."""
    before: Stored | None = None
    replay: StreamReplay | None = None
    void = 0
    try:
        if found.first > 1:
            chain = await stream.chain(found.first, min(found.first + WINDOW, end + 1))
            before = chain[0] if chain else None
            if before is not None:
                found.messages, found.after = 1, before.page.first - 1
        start = found.first if before is None else before.sequence + 1
        async for stored in _messages(stream, start, end):
            progress(1)
            where = f"message {stored.sequence} of {stream.name}"
            if not continues(stored.page, None if before is None else before.page, where):
                void += 1
                found.void += 1
                if void > VOID:
                    raise ChainBroken(f"{where} and {VOID} before it do not continue the stream")
                continue
            if before is None:
                found.after = stored.page.first - 1
            before, void = stored, 0
            found.messages += 1
            found.terms += stored.page.kind == Kind.TERM
            found.commands += stored.page.last - stored.page.first + 1
            found.last, found.digest = stored.page.last, stored.page.digest.hex()
            begins = stored.sequence == 1 and found.after == 0
            if begins and make_replay is not None and isinstance(stored.page, TermRecord):
                replay = make_replay(stored.page)
            if replay is not None:
                replay.add(stored)
        if replay is not None:
            found.books = replay.books()
    except LookupError as error:
        found.faults.append(f"{error} that the server {found.server} can read")
    except (ChainBroken, ReplayDiffers) as error:
        found.faults.append(str(error))


async def _messages(stream: PageStream, start: int, end: int) -> AsyncIterator[Stored]:
    """The messages of a stream, in order. Raises LookupError, ChainBroken and JetStreamError."""
    for first in range(start, end + 1, AHEAD):
        wanted = range(first, min(first + AHEAD, end + 1))
        for result in await asyncio.gather(*(_message(stream, each) for each in wanted), return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
            yield result


async def _message(stream: PageStream, sequence: int) -> Stored:
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await stream.get(sequence)
        except Unknown:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(AGAIN_S)


def _compare(found: Findings, nodes: Sequence[Said]) -> None:
    """Compare the end of the stream with what the nodes say: it may have grown since, and never shrinks."""
    for said in nodes:
        has = int(said.get("replicated") or said.get("sequence") or 0)
        if has > found.last:
            found.faults.append(f"node {said['node']} has commands up to {has}, and the stream ends with {found.last}")
