"""Requests to JetStream, as JSON over one connection."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from ..errors import PricetimeError
from ..extras import require

if TYPE_CHECKING:
    from nats.aio.client import Client

#: Letters of the names of clusters, partitions and nodes, which become parts of subjects and of names of streams.
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")

#: How long a request waits for its answer, in seconds. A stream that has no leader does not answer.
REQUEST_S = 2.0

# Codes of errors that JetStream answers.
NO_MESSAGE, NO_STREAM, NAME_IN_USE = 10037, 10059, 10058

#: A different message is the last one; the second code says that one is about to be.
WRONG_LAST_SEQUENCE = 10071, 10164


class JetStreamError(PricetimeError, RuntimeError):
    """A request to JetStream failed."""


class Declined(JetStreamError):
    """JetStream answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"JetStream answers: {error.get('description')} (error {error.get('err_code')})")
        self.code = int(error.get("err_code", 0))


class StreamMissing(JetStreamError, LookupError):
    """The cluster has no stream for this partition."""


class Unknown(JetStreamError):
    """No answer in time, so the outcome is unknown."""


def checked_name(name: str) -> str:
    """Return a name of a cluster, a partition or a node. Raises ValueError if JetStream cannot use it."""
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a name: it has 1 to 64 letters, digits, - and _")
    return name


async def ask(client: Client, what: str, values: object = None, timeout_s: float = REQUEST_S) -> dict[str, Any]:
    """Send a request of the JetStream API and return the answer. Raises Declined and Unknown."""
    body = b"" if values is None else json.dumps(values).encode()
    return await _answer(client, f"$JS.API.{what}", body, None, timeout_s)


async def publish(
    client: Client, subject: str, data: bytes, headers: dict[str, str], timeout_s: float = REQUEST_S
) -> int:
    """Append a message to the stream of its subject and return its sequence. Raises Declined and Unknown."""
    return int((await _answer(client, subject, data, headers, timeout_s))["seq"])


async def _answer(
    client: Client, subject: str, data: bytes, headers: dict[str, str] | None, timeout_s: float
) -> dict[str, Any]:
    errors = require("nats.errors", "cluster", "pricetime cluster")
    if not client.is_connected:
        raise Unknown("no connection to a NATS server")
    try:
        answer = await client.request(subject, data, timeout=timeout_s, headers=headers)
    except (TimeoutError, errors.Error) as error:
        raise Unknown(f"no answer from JetStream to {subject} within {timeout_s:g} s: {error}") from error
    return parsed(answer.data)


def parsed(data: bytes) -> dict[str, Any]:
    """The answer in these bytes. Raises Declined for an error, and Unknown without one."""
    try:
        said: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise Unknown("the stream has no leader now") from error  # an empty answer
    if "error" in said:
        raise Declined(said["error"])
    return said
