"""The stream of a partition in JetStream: append with compare, read, find.

Late pages. JetStream compares only the sequence of the last message. A leader has up to ``IN_FLIGHT`` pages in flight:
if the term record of the next leader takes the place of one of them, a page behind it can still find the sequence that
it expects, and is stored after the record. Such a late page never counts: ``append`` settles in order, so its writer
sees the refusal first, and every call here that reads skips it. It can only be among the first ``IN_FLIGHT``
messages after a term record, because its writer appends nothing after the refusal. A late page could take the place of
a page of the new leader in the same way, so the new leader appends its first ``IN_FLIGHT`` pages one at a time.

After Unknown the messages may still arrive, so the writer appends the same ones again: another page in the place of one
of them could be followed by those behind it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, NamedTuple

from .appends import IN_FLIGHT, Appends, Refused
from .jetstream import NO_MESSAGE, Declined, Unknown, ask
from .page import Kind, Message, decode, is_late
from .promise import find_stream, make_stream, stream_name, subjects
from .reader import Purged, Stored, read

if TYPE_CHECKING:
    from nats.aio.client import Client

__all__ = ["IN_FLIGHT", "Last", "PageStream", "Purged", "Refused", "Stored", "Unknown"]

#: How long an append waits for its acknowledgement, in seconds.
APPEND_S = 5.0


class Last(NamedTuple):
    """The end of the stream."""

    sequence: int  #: of the stream, also if the last message is a late page: what the next append expects
    stored: Stored | None  #: the last message that is not a late page; None if there is none


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

    @property
    def in_flight(self) -> int:
        """How many appends wait for their acknowledgement."""
        return len(self._appends)

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
        message_id = f"{self.partition}/{message.message_id}"
        return await self._appends.append(
            subject, message.data, message_id, expected, alone=expected < self._record + IN_FLIGHT
        )

    def connection_lost(self) -> None:
        """Fail the appends in flight with Unknown now: no acknowledgement arrives over a connection that is lost."""
        self._appends.lose(Unknown("the connection to the NATS server was lost"))

    async def last(self) -> Last:
        """Return the end of the stream; appends are possible again. Raises ChainBroken, Declined and Unknown."""
        newest = found = await self._message({"last_by_subj": ">"})
        record = await self._message({"last_by_subj": self._term_subject})
        if record is not None and newest is not None:
            newest = found = max(newest, record, key=lambda each: each.sequence)  # it may be stored since
            while is_late(found.page, record.page):
                found = await self.get(found.sequence - 1)
        if newest is None:
            state = (await ask(self.client, f"STREAM.INFO.{self.name}"))["state"]
        last = newest.sequence if newest is not None else int(state["last_seq"])
        self._record = record.sequence if record is not None else 0
        self._appends.resume(last)
        return Last(last, found)

    async def get(self, sequence: int) -> Stored:
        """Return the message with a sequence of the stream, from the stream's leader.

        Raises LookupError without one, ChainBroken, Declined and Unknown.
        """
        found = await self._message({"seq": sequence}) if sequence > 0 else None
        if found is None:
            raise LookupError(f"the stream {self.name} has no message {sequence}")
        return found

    async def first_sequence(self) -> int:
        """The stream's sequence of the first message that is left; of the next one if there is none."""
        said = await ask(self.client, f"STREAM.INFO.{self.name}")
        state = said["state"]
        return max(int(state["first_seq"]), 1) if state["messages"] else int(state["last_seq"]) + 1

    async def find(self, command: int) -> Stored | None:
        """Return the page with the command of this sequence, or the first page after it; None beyond the end.

        O(log messages) requests. Raises ChainBroken, Declined and Unknown.
        """
        state = (await ask(self.client, f"STREAM.INFO.{self.name}"))["state"]
        first, end = max(int(state["first_seq"]), 1), int(state["last_seq"]) + 1
        low, high = first, end  # the page is at low or after it, but for late pages
        while high - low > 1:
            middle = (low + high) // 2
            try:
                before = (await self.get(middle)).page.first <= command
            except LookupError:  # purged meanwhile
                before = True
            low, high = (middle, high) if before else (low, middle)
        return await self._find_from(max(first, low - 2 * IN_FLIGHT), low - IN_FLIGHT, command, end)

    def read(self, after: Stored | None = None) -> AsyncIterator[Stored]:
        """Return all messages after one that was read, for ever; without one from the first message that is left.

        It fetches ahead a bounded number, reconnects, and survives the loss of a server without a gap or a repetition.
        It skips late pages. Raises ChainBroken, and Purged if the next message is gone.
        """
        return read(self.client, self.name, after)

    async def purge(self, before: Stored) -> None:
        """Delete the messages before one that is not a late page. Term records stay with the pages behind them."""
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

    async def _find_from(self, start: int, low: int, command: int, end: int) -> Stored | None:
        """The first page from ``low`` on that ends at the command or after it; ``start``: to see the term before."""
        term = 0
        for sequence in range(start, end):
            try:
                found = await self.get(sequence)
            except LookupError:
                continue
            if found.page.term < term:
                continue
            term = found.page.term
            if sequence >= low and found.page.kind == Kind.PAGE and found.page.last >= command:
                return found
        return None
