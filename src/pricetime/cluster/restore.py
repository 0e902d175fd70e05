"""Makes a new stream from the journals of the nodes, after the NATS servers have lost theirs.

A leader has every acknowledged command of its term on its own disk, and a follower what it has read of the stream. So
the journals of all nodes together have every acknowledged command.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from .. import __version__
from ..errors import PricetimeError
from ..log.batch import Batch
from ..log.directory import Directory
from ..log.errors import JournalError
from ..log.reader import Reader, position_after, start_of
from ..log.snapshot import Restored, restored
from .appends import IN_FLIGHT, Refused
from .common import LocalTerm, terms_of
from .jetstream import StreamMissing, Unknown, ask
from .page import COMMANDS, NO_DIGEST, Message, TermRecord, pages_of
from .promise import stream_name
from .settings import ClusterConfig
from .store import SnapshotStore
from .stream import PageStream
from .survey import ask_nodes

if TYPE_CHECKING:
    from nats.aio.client import Client

T = TypeVar("T")

#: How long JetStream may take to answer, and the pause before it is asked again, in seconds.
ANSWER_S, RETRY_S = 60.0, 0.2

#: The name of the node in the term records of a restored stream.
RESTORED = "restore"


class CannotRestore(PricetimeError, RuntimeError):
    """There is nothing to restore from, or a restore would lose something. The text says what to do."""


class Source(NamedTuple):
    """A journal, locked for the time of the restore."""

    directory: Directory
    terms: list[LocalTerm]

    @property
    def first(self) -> int:
        """Sequence of its first command."""
        return self.terms[0].first

    @property
    def last(self) -> int:
        """Sequence of its last command."""
        return self.terms[-1].last

    def term_of(self, sequence: int) -> int:
        """The term of a command."""
        return next(term.term for term in self.terms if term.first <= sequence <= term.last)

    def commands(self, first: int, last: int) -> Iterator[Batch]:
        """The commands from ``first`` to ``last``, in batches of a page. Raises JournalError and OSError."""
        start = start_of(self.directory) if first == self.first else position_after(self.directory, first - 1)
        reader = Reader(self.directory, start)
        while (left := last - reader.position.sequence) > 0:
            batch = reader.read(min(left, COMMANDS))
            if batch.at_end:
                raise JournalError(f"{self.directory.path} ends after command {reader.position.sequence}")
            yield batch

    def snapshot(self) -> Restored | None:
        """The newest good snapshot from which its commands continue; None without one. Raises OSError."""
        within = range(self.first - 1, self.last + 1)
        return next(restored(self.directory, lambda _: None, among=within.__contains__), None)


class Compared(NamedTuple):
    """A journal beside the one that is restored."""

    source: Source
    common: int  #: the last command that both have; 0 without one
    differs: bool  #: whether the next commands of both differ: no later leader has seen those of this journal


@contextmanager
def opened(folders: Sequence[Path], partition: str) -> Iterator[list[Source]]:
    """The journals in these folders, or in their folders of that partition; the most complete first.

    Raises CannotRestore, JournalError and OSError.
    """
    with ExitStack() as locked:
        found = []
        for folder in folders:
            inside = folder / partition
            directory = Directory(inside if inside.is_dir() else folder)
            directory.lock()
            locked.callback(directory.unlock)
            terms = terms_of(directory)
            if terms and terms[-1].last >= terms[0].first:
                found.append(Source(directory, terms))
        if not found:
            raise CannotRestore(f"no journal of partition {partition} has a command: give the nodes' journals")
        yield sorted(found, key=lambda source: (source.terms[-1].term, source.last), reverse=True)


def compare(best: Source, other: Source) -> Compared:
    """Compare all commands that two journals have. O(commands). Raises CannotRestore if they differ within a term."""
    first, last = max(best.first, other.first), min(best.last, other.last)
    if first > last:
        return Compared(other, 0, differs=False)
    done = first - 1
    for mine, theirs in zip(_arrays(best, first, last), _arrays(other, first, last), strict=True):
        if (different := np.flatnonzero(mine != theirs)).size:
            at = done + 1 + int(different[0])
            if best.term_of(at) == other.term_of(at):
                raise CannotRestore(
                    f"command {at} differs in {best.directory.path} and {other.directory.path}: one is damaged. "
                    "Check both with pricetime journal verify, and leave out the damaged one"
                )
            return Compared(other, at - 1, differs=True)
        done += len(mine)
    return Compared(other, last, differs=False)


def _arrays(source: Source, first: int, last: int) -> Iterator[np.ndarray[tuple[int], np.dtype[np.void]]]:
    """The commands in arrays of COMMANDS, whatever the batches are."""
    rest = np.empty(0, dtype=next(iter(source.commands(first, first))).commands.dtype)
    for batch in source.commands(first, last):
        rest = np.concatenate([rest, batch.commands])
        while len(rest) >= COMMANDS:
            yield rest[:COMMANDS]
            rest = rest[COMMANDS:]
    if len(rest):
        yield rest


async def check_free(client: Client, cluster: ClusterConfig, partition: str) -> int:
    """Return how many messages the partition's stream has. Raises CannotRestore if a node of it runs."""
    running = [said["node"] for said in await ask_nodes(client, cluster) if said["partition"] == partition]
    if running:
        raise CannotRestore(f"stop the nodes {', '.join(sorted(running))} of partition {partition} first")
    with suppress(StreamMissing):
        stream = await PageStream.open(client, cluster.name, partition, cluster.replicas)
        await stream.close()
        return int((await ask(client, f"STREAM.INFO.{stream.name}"))["state"]["messages"])
    return 0


async def restore(
    client: Client,
    cluster: ClusterConfig,
    partition: str,
    sources: Sequence[Source],
    *,
    replace: bool,
    progress: Callable[[int], object] = lambda _: None,
) -> int:
    """Make a stream of the first journal. Returns its number of messages. ``replace``: delete the one that exists.

    It ends with the record of a term that no journal has, so that no leader of before can continue. If the journal does
    not begin with the first command, its newest snapshot goes to the object store, for nodes without those commands.
    Raises CannotRestore, JournalError, JetStreamError and PromiseBroken.
    """
    best = sources[0]
    snapshot = best.snapshot() if best.first > 1 else None
    if best.first > 1 and snapshot is None:
        raise CannotRestore(
            f"{best.directory.path} begins with command {best.first} and has no good snapshot, so no node can begin "
            "with it: give a copy of the journal with its snapshots, or leave it out"
        )
    if await check_free(client, cluster, partition):
        if not replace:
            raise CannotRestore(f"the stream {stream_name(partition)} has messages: give --replace to delete it")
        await ask(client, f"STREAM.DELETE.{stream_name(partition)}")
    stream = await PageStream.create(client, cluster.name, partition, cluster.replicas)
    newest = max(source.directory.newest_term() for source in sources)
    snapshots = SnapshotStore(client, cluster.name, partition, cluster.replicas)
    await _patiently(lambda: snapshots.remove_after(best.last))
    if snapshot is not None:
        kept = snapshot.snapshot.sequence, snapshot.configuration
        await _patiently(lambda: snapshots.put(best.directory, *kept))
    try:
        expected = (await _patiently(stream.last)).sequence
        messages = messages_of(best, newest + 1)
        while part := list(islice(messages, IN_FLIGHT)):
            expected = await _store(stream, part, expected)
            progress(sum(message.last - message.first + 1 for message in part))
        return expected
    finally:
        await stream.close()


async def _store(stream: PageStream, messages: Sequence[Message], expected: int) -> int:
    """Append messages behind ``expected``, again if JetStream does not answer. Returns the sequence of the last."""
    while True:
        try:
            sent = [await stream.append(message, expected + at) for at, message in enumerate(messages)]
            for future in sent:
                await future
            return expected + len(messages)
        except (Refused, Unknown):
            last = await _patiently(stream.last)
        digests = [message.digest for message in messages]
        if last.stored is not None and last.stored.page.digest in digests:
            messages = messages[digests.index(last.stored.page.digest) + 1 :]
        expected = last.sequence


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat a request until JetStream answers it. Raises Unknown after ANSWER_S."""
    deadline = time.monotonic() + ANSWER_S
    while True:
        try:
            return await call()
        except Unknown:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(RETRY_S)


def messages_of(source: Source, newest: int) -> Iterator[Message]:
    """A stream with the terms of a journal, and a last record of the term ``newest``."""
    before, record = NO_DIGEST, None
    for term in source.terms:
        record = None
        last = term.first - 1
        for batch in source.commands(term.first, term.last):
            if record is None:
                record = _record(term.term, term.first, before, batch)
                before = record.digest
                yield record
            for page in pages_of(batch, term.term, last, before):
                before, last = page.digest, page.last
                yield page
        if record is not None:
            newest_batch = batch
    yield _record(newest, source.last + 1, before, newest_batch)


def _record(term: int, first: int, before: bytes, batch: Batch) -> TermRecord:
    return TermRecord.make(
        term, first, before, node=RESTORED, began_ns=time.time_ns(), epoch=batch.epoch,
        configuration=batch.configuration, addresses={}, program=__version__,
    )  # fmt: skip
