"""Appends to a stream that wait for their acknowledgements: up to eight, settled in order."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .jetstream import WRONG_LAST_SEQUENCE, Declined, JetStreamError, Unknown, parsed

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

#: Most appends that wait for an acknowledgement.
IN_FLIGHT = 8


class Refused(JetStreamError):
    """A different message is at this place of the stream, or an earlier append failed. ``last`` says whose it is."""


@dataclass(slots=True, eq=False)
class _Append:
    """An append in flight."""

    expected: int
    message_id: str
    alone: bool
    future: asyncio.Future[int]
    timer: asyncio.TimerHandle
    settled: bool = False
    failure: JetStreamError | None = None


class Appends:
    """The appends of one writer. It starts, and goes on after a failure, with ``resume``."""

    def __init__(self, client: Client, timeout_s: float) -> None:
        self.client, self.timeout_s = client, timeout_s
        self._inbox = ""
        self._answers: Subscription | None = None
        self._queue: deque[_Append] = deque()
        self._waiting: dict[str, _Append] = {}
        self._number = 0
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._failed = True  # as after a failure: the caller has to read how the stream ends
        self._unknown: dict[int, str] = {}  #: messages that may arrive later: what they expect, and their ids

    def resume(self, last: int) -> None:
        """Accept appends: the caller has read the last message of the stream, which has this sequence."""
        self._failed = False
        self._unknown = {expected: message for expected, message in self._unknown.items() if expected >= last}

    def forget(self) -> None:
        """Allow any message: a term record, after which earlier pages of this writer are void."""
        self._unknown.clear()

    async def append(
        self, subject: str, data: bytes, message_id: str, expected: int, *, alone: bool
    ) -> asyncio.Future[int]:
        """Send a message; return a future of its sequence in the stream. ``alone``: with no other in flight.

        Raises ValueError for a message other than the one with an unknown outcome at this place.
        """
        while self._queue and (alone or self._queue[-1].alone):
            await asyncio.wait([self._queue[-1].future])
        if self._answers is None:
            self._inbox = self.client.new_inbox()
            self._answers = await self.client.subscribe(f"{self._inbox}.*", cb=self._on_answer)
        await self._room.acquire()
        if self._failed:
            self._room.release()
            raise Refused("an append failed, or the end of the stream is not known: read the last message first")
        if self._unknown.get(expected, message_id) != message_id:
            self._room.release()
            raise ValueError(f"a different message that follows {expected} may still arrive: append that one again")
        loop = asyncio.get_running_loop()
        self._number += 1
        reply = f"{self._inbox}.{self._number}"
        timer = loop.call_later(self.timeout_s, self._timed_out, reply)
        append = self._waiting[reply] = _Append(expected, message_id, alone, loop.create_future(), timer)
        self._queue.append(append)
        headers = {"Nats-Expected-Last-Sequence": str(expected), "Nats-Msg-Id": message_id}
        if not self.client.is_connected:  # the client would keep the message and send it at any later time
            self._settle(reply, Unknown("no connection to a NATS server"))
            return append.future
        try:
            await self.client.publish(subject, data, reply=reply, headers=headers)
        except Exception as error:  # whatever happened to the connection: the message may have been sent
            self._settle(reply, Unknown(f"the append failed: {error}"))
        return append.future

    def lose(self, failure: JetStreamError) -> None:
        """Fail all appends in flight."""
        for reply in [*self._waiting]:
            self._settle(reply, failure)

    async def close(self) -> None:
        """Stop receiving acknowledgements. Appends in flight fail with Unknown."""
        self.lose(Unknown("the stream was closed"))
        if self._answers is not None and not self.client.is_closed:
            await self._answers.unsubscribe()
        self._answers = None

    async def _on_answer(self, answer: Msg) -> None:
        append = self._waiting.get(answer.subject)
        if append is not None:
            self._settle(answer.subject, _failure(answer.data, append.expected))

    def _timed_out(self, reply: str) -> None:
        self._settle(reply, Unknown(f"no acknowledgement within {self.timeout_s:g} s"))

    def _settle(self, reply: str, failure: JetStreamError | None) -> None:
        """Note the outcome of an append, and finish all whose outcome is now known in order."""
        append = self._waiting.pop(reply, None)
        if append is None:
            return
        append.settled, append.failure = True, failure
        append.timer.cancel()
        while self._queue and self._queue[0].settled:
            first = self._queue.popleft()
            self._room.release()
            if first.failure is not None:
                self._fail(first)
            elif not first.future.done():
                first.future.set_result(first.expected + 1)

    def _fail(self, first: _Append) -> None:
        """Fail an append and all behind it."""
        self._failed = True
        self._waiting.clear()
        for append in (first, *self._queue):
            append.timer.cancel()
            self._unknown[append.expected] = append.message_id
            if not append.future.done():
                assert first.failure is not None
                append.future.set_exception(type(first.failure)(*first.failure.args))
                append.future.exception()  # the caller need not look at each of them
        for _ in range(len(self._queue)):
            self._room.release()
        self._queue.clear()


def _failure(data: bytes, expected: int) -> JetStreamError | None:
    """What an answer to an append says: None if the message is stored in its place."""
    try:
        sequence = int(parsed(data)["seq"])
    except Declined as error:
        return Refused(str(error)) if error.code in WRONG_LAST_SEQUENCE else Unknown(str(error))
    except Unknown as error:
        return error
    return None if sequence == expected + 1 else Refused(f"the message is at {sequence}, not at {expected + 1}")
