"""The stream of a partition in JetStream: append with compare, read, find.

Void messages. JetStream compares only the sequence of the last message. A leader has up to ``IN_FLIGHT`` pages in
flight: if the term record of the next leader takes the place of one of them, a page behind it can still find the
sequence that it expects, and is stored after the record. While the stream changes its leader JetStream can also store
two messages that expect the same sequence. A message that does not continue the digest of the message before it is
void, and every call here that reads skips it. Its writer never counts it as stored: its sequence is not the expected
one + 1, or the append before it failed, and ``append`` settles in order.

Void pages of an earlier leader can only be among the first ``IN_FLIGHT`` messages after a term record, because their
writer appends nothing after the refusal. They could take the place of a page of the new leader in the same way, so the
new leader appends its first ``IN_FLIGHT`` pages one at a time.

After Unknown the messages may still arrive, so the writer appends the same ones again.
A different page in the place of one of them could be followed by those behind it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from .appends import IN_FLIGHT, Appends, Refused
from .jetstream import NO_MESSAGE, Declined, Unknown, ask
from .page import Kind, Message, continues, decode
from .promise import find_stream, make_stream, stream_name, subjects
from .reader import Purged, Stored, read

if TYPE_CHECKING:
    from nats.aio.client import Client

__all__ = ["IN_FLIGHT", "Last", "PageStream", "Purged", "Refused", "Stored", "Unknown"]

#: Messages that are read to tell void ones from the others.
WINDOW = 64

#: How long an append waits for its acknowledgement, in seconds.
APPEND_S = 5.0


class Last(NamedTuple):
    """The end of the stream."""

    sequence: int  #: of the stream, also if the last message is void: what the next append expects
    stored: Stored | None  #: the last message that is not void; None without one


def chain_of(messages: Sequence[Stored], stream: str, *, anchored: bool) -> list[Stored]:
    """The messages of a window without the void ones. ``anchored``: the first is not void.

    Without that the chain is the longest one, because void messages come in groups of less than ``IN_FLIGHT``.
    O(messages squared).
    """
    best: list[Stored] = []
    for start in range(1 if anchored else len(messages)):
        chain = [*messages[start : start + 1]]
        for each in messages[start + 1 :]:
            if continues(each.page, chain[-1].page, f"message {each.sequence} of {stream}"):
                chain.append(each)
        best = max(best, chain, key=len)
    return best


class PageStream:
    """The stream of one partition, over one connection. All calls belong to the event loop of the connection."""

    def __init__(self, client: Client, partition: str, append_s: float = APPEND_S) -> None:
        self.client, self.partition, self.name = client, partition, stream_name(partition)
        self._page_subject, self._term_subject = subjects(partition)
        self._appends = Appends(client, append_s)
        self._record = 0  #: the stream's sequence of the last term record

    @classmethod
    async def create(cls, client: Client, cluster: str, partition: str, replicas: int = 3) -> PageStream:
        """Make the stream, or open it if it exists. Raises PromiseBroken, Declined and Unknown."""
        await make_stream(client, cluster, partition, replicas)
        return cls(client, partition)

    @classmethod
    async def open(cls, client: Client, cluster: str, partition: str, replicas: int = 3) -> PageStream:
        """Open the stream after a check of its owner and its configuration.

        Raises StreamMissing, PromiseBroken, Declined and Unknown.
        """
        await find_stream(client, cluster, partition, replicas)
        return cls(client, partition)

    async def append(self, message: Message, expected: int) -> asyncio.Future[int]:
        """Send a message that shall follow the stream's message ``expected``; return a future of its sequence.

        Waits while ``IN_FLIGHT`` messages are in flight. A term record and the first pages of a term are appended one
        at a time. The futures are done in order. After the first that fails with Refused or Unknown all that follow
        fail too. Call ``last`` before the first append and after a failure; until then every append raises Refused.
        After Unknown append the same messages again, from the first that ``last`` does not show: a different page
        raises ValueError.
        """
        term = message.kind == Kind.TERM
        if term:
            self._record = expected + 1
            self._appends.forget()
        subject = self._term_subject if term else self._page_subject
        message_id = f"{self.partition}/{message.message_id}/{expected}"
        return await self._appends.append(
            subject, message.data, message_id, expected, alone=expected < self._record + IN_FLIGHT
        )

    def connection_lost(self) -> None:
        """Fail the appends in flight with Unknown now: no acknowledgement arrives over a connection that is lost."""
        self._appends.lose(Unknown("the connection to the NATS server was lost"))

    async def last(self) -> Last:
        """Return the end of the stream; appends are possible again. Raises ChainBroken, Declined and Unknown."""
        newest = await self.newest()
        record = await self._message({"last_by_subj": self._term_subject})
        self._record = record.sequence if record is not None else 0
        if newest is None:
            state = (await ask(self.client, f"STREAM.INFO.{self.name}"))["state"]
            if int(state["messages"]):  # else a term record of a stream without messages would follow them
                raise Unknown(f"{self.name} has got its first message meanwhile")
            last = Last(int(state["last_seq"]), None)
        else:
            chain = await self.chain(newest.sequence - WINDOW, newest.sequence + 1)
            last = Last(newest.sequence, chain[-1] if chain else None)
        self._appends.resume(last.sequence)
        return last

    async def begin(self) -> Stored | None:
        """Return the first message that is left and not void. Raises ChainBroken, Declined and Unknown."""
        state = (await ask(self.client, f"STREAM.INFO.{self.name}"))["state"]
        first, end = int(state["first_seq"]), int(state["last_seq"]) + 1
        return next(iter(await self.chain(first, min(first + WINDOW, end))), None)

    async def newest(self) -> Stored | None:
        """Return the last message, also if it is void. Raises ChainBroken, Declined and Unknown."""
        return await self._message({"last_by_subj": ">"})

    async def get(self, sequence: int) -> Stored:
        """Return the message with a sequence of the stream, from the stream's leader.

        Raises LookupError without one, ChainBroken, Declined and Unknown.
        """
        found = await self._message({"seq": sequence}) if sequence > 0 else None
        if found is None:
            raise LookupError(f"the stream {self.name} has no message {sequence}")
        return found

    async def find(self, command: int) -> Stored | None:
        """Return the page with the command of this sequence, or the first page after it; None beyond the end.

        O(log messages) requests. Raises ChainBroken, Declined and Unknown.
        """
        state = (await ask(self.client, f"STREAM.INFO.{self.name}"))["state"]
        first, end = max(int(state["first_seq"]), 1), int(state["last_seq"]) + 1
        low, high = first, end  # the page is at low or after it, but for void pages
        while high - low > 1:
            middle = (low + high) // 2
            try:
                before = (await self.get(middle)).page.first <= command
            except LookupError:
                await self._check_purged(middle)
                before = True
            low, high = (middle, high) if before else (low, middle)
        start = max(low - WINDOW // 2, first)
        while start < end:
            chain = await self.chain(start, min(start + WINDOW, end))
            found = (each for each in chain if each.page.kind == Kind.PAGE and each.page.last >= command)
            if (first_found := next(found, None)) is not None:
                return first_found
            start += WINDOW // 2
        return None

    async def _check_purged(self, sequence: int) -> None:
        """Raise Unknown unless a message that was not given is before the stream: a new leader of it may be behind."""
        if sequence >= int((await ask(self.client, f"STREAM.INFO.{self.name}"))["state"]["first_seq"]):
            raise Unknown(f"{self.name} did not give message {sequence}, which it has")

    async def records(self) -> list[Stored]:
        """Return all term records that are left and not void, oldest first. O(terms) requests.

        Raises ChainBroken, Declined and Unknown.
        """
        found, at = [], 1
        newest = await self.newest()
        end = 0 if newest is None else newest.sequence + 1
        while (record := await self._message({"seq": at, "next_by_subj": self._term_subject})) is not None:
            behind = min(record.sequence + WINDOW // 2, max(end, record.sequence + 1))
            if record in await self.chain(record.sequence - WINDOW // 2, behind):
                found.append(record)
            at = record.sequence + 1
        return found

    async def before(self, stored: Stored) -> Stored | None:
        """Return the message before one that is not void; None if none is left. Raises as ``records``."""
        chain = await self.chain(stored.sequence - WINDOW, stored.sequence + 1)
        place = chain.index(stored)
        return chain[place - 1] if place else None

    def read(self, after: Stored | None = None) -> AsyncIterator[Stored]:
        """Return all messages after one that was read, for ever; without one from the first message that is left.

        It fetches ahead a bounded number, reconnects, and survives the loss of a server without a gap or a repetition.
        It skips void messages. Raises ChainBroken, and Purged if the next message is gone.
        """
        return read(self.client, self.name, after)

    async def chain(self, start: int, end: int) -> list[Stored]:
        """The messages of a window, by sequence in the stream, without void ones.

        ``end``: at most behind the last message. Raises Unknown if one is not given that was not purged.
        """
        sequences = range(max(start - 1, 1), end)
        read = await asyncio.gather(*(self._message({"seq": sequence}) for sequence in sequences))
        found = [each for each in read if each is not None]
        if missing := [sequence for sequence, each in zip(sequences, read, strict=True) if each is None]:
            await self._check_purged(missing[-1])
        anchored = start <= 1 or len(found) < len(read)  # the stream begins in the window, and not with a void message
        return chain_of(found, self.name, anchored=anchored)

    async def purge(self, before: Stored) -> None:
        """Delete the messages before one that is not void. Term records stay with the pages behind them."""
        record = await self._message({"last_by_subj": self._term_subject})
        keep = before.sequence
        if record is not None and record.sequence < keep <= record.sequence + IN_FLIGHT:
            keep = record.sequence
        await ask(self.client, f"STREAM.PURGE.{self.name}", {"seq": keep})

    async def close(self) -> None:
        """Stop receiving acknowledgements; appends in flight fail with Unknown. The connection stays open."""
        await self._appends.close()

    async def _message(self, which: dict[str, object]) -> Stored | None:
        """A message, as the stream's leader has it."""
        try:
            said = (await ask(self.client, f"STREAM.MSG.GET.{self.name}", which))["message"]
        except Declined as error:
            if error.code == NO_MESSAGE:
                return None
            raise
        sequence = int(said["seq"])
        data = base64.b64decode(said.get("data", ""))
        return Stored(sequence, decode(data, f"message {sequence} of {self.name}"))
