"""Reads a stream from a message on, for ever: with a consumer that is made again whenever it does not deliver."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TYPE_CHECKING, NamedTuple

from ..errors import PricetimeError
from ..extras import require
from .jetstream import NO_STREAM, Declined, StreamMissing, Unknown, ask
from .page import ChainBroken, Message, continues, decode

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.aio.subscription import Subscription

#: Messages that are fetched ahead.
AHEAD = 64

#: Most void messages in a row: more cannot be pages in flight of a leader that lost the lead.
VOID = 64

#: A request for messages ends after so long, and the server says at least so often that it lives, in seconds.
EXPIRES_S, HEARTBEAT_S = 10.0, 0.5

#: How long JetStream keeps a consumer without requests, and the pause before a new one, in seconds.
INACTIVE_S, RETRY_S = 10.0, 0.1


class Purged(PricetimeError, LookupError):
    """The stream begins after the message that is wanted: begin with a snapshot."""

    def __init__(self, stream: str, wanted: int, first: int) -> None:
        super().__init__(f"the stream {stream} begins at message {first}, after {wanted}: begin with a snapshot")
        self.first = first  #: the first message of the stream that is left


class Stored(NamedTuple):
    """A message of the stream."""

    sequence: int  #: of the stream
    page: Message


class _Lost(Exception):
    """The consumer does not deliver what is next."""


async def read(client: Client, stream: str, after: Stored | None) -> AsyncIterator[Stored]:
    """See ``PageStream.read``."""
    sequence, before = (0, None) if after is None else after
    void = 0
    while not client.is_closed:
        async with contextlib.aclosing(_deliver(client, stream, sequence + 1)) as messages:
            try:
                async for at, data in messages:
                    where = f"message {at} of {stream}"
                    message = decode(data, where)
                    sequence = at
                    if (before is not None or at == 1) and not continues(message, before, where):
                        void += 1
                        if void > VOID:
                            raise ChainBroken(f"{where} and {VOID} before it do not continue the stream")
                        continue
                    before, void = message, 0
                    yield Stored(at, message)
            except (_Lost, Unknown):
                pass
            except Declined as error:
                if error.code == NO_STREAM:
                    raise StreamMissing(f"the NATS servers have no stream {stream} any more") from error
        await asyncio.sleep(RETRY_S)
        await _check_left(client, stream, sequence, started=before is not None)
    raise Unknown("the connection to the NATS servers is closed")


async def _check_left(client: Client, stream: str, sequence: int, *, started: bool) -> None:
    """Raise Purged if the message after ``sequence`` was deleted."""
    with contextlib.suppress(Declined, Unknown):
        first = int((await ask(client, f"STREAM.INFO.{stream}"))["state"]["first_seq"])
        if started and first > sequence + 1:
            raise Purged(stream, sequence + 1, first)


async def _deliver(client: Client, stream: str, start: int) -> AsyncGenerator[tuple[int, bytes], None]:
    """Sequence and bytes of each message from ``start`` on. Raises _Lost, Declined and Unknown."""
    inbox = client.new_inbox()
    answers = await client.subscribe(inbox, pending_msgs_limit=4 * AHEAD, pending_bytes_limit=0)
    try:
        consumer = await _make_consumer(client, stream, start)
        wanted = 0
        expected: int | None = start if start > 1 else None  # the first message may be any after a purge
        while True:
            if wanted <= AHEAD // 2:
                await _request(client, f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", inbox, AHEAD - wanted)
                wanted = AHEAD
            answer = await _next(answers)
            status = (answer.headers or {}).get("Status")
            if status is None:
                sequence = answer.metadata.sequence.stream
                if sequence != (expected or sequence):
                    raise _Lost
                expected, wanted = sequence + 1, wanted - 1
                yield sequence, answer.data
            elif status == "408":  # a request has ended without so many messages
                wanted -= int((answer.headers or {}).get("Nats-Pending-Messages", AHEAD))
            elif status != "100":
                raise _Lost
    finally:
        with contextlib.suppress(Exception):  # the connection may be gone, and JetStream removes the consumer by itself
            await answers.unsubscribe()


async def _make_consumer(client: Client, stream: str, start: int) -> str:
    settings = {
        "deliver_policy": "by_start_sequence", "opt_start_seq": start, "ack_policy": "none", "replay_policy": "instant",
        "mem_storage": True, "num_replicas": 1, "inactive_threshold": int(INACTIVE_S * 1e9), "max_waiting": 16,
    }  # fmt: skip
    made = await ask(client, f"CONSUMER.CREATE.{stream}", {"stream_name": stream, "config": settings})
    return str(made["name"])


async def _request(client: Client, subject: str, inbox: str, count: int) -> None:
    values = {"batch": count, "expires": int(EXPIRES_S * 1e9), "idle_heartbeat": int(HEARTBEAT_S * 1e9)}
    if not client.is_connected:
        raise _Lost
    await client.publish(subject, json.dumps(values).encode(), reply=inbox)


async def _next(answers: Subscription) -> Msg:
    """The next message of any kind. Raises _Lost if the server is silent."""
    errors = require("nats.errors", "cluster", "pricetime cluster")
    try:
        return await answers.next_msg(timeout=3 * HEARTBEAT_S)
    except (TimeoutError, errors.Error) as error:
        raise _Lost from error
