"""Requests to JetStream, as JSON over one connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import PricetimeError
from ..extras import require

if TYPE_CHECKING:
    from nats.aio.client import Client

#: How long a request waits for its answer, in seconds.
REQUEST_S = 5.0

# Codes of errors that JetStream answers.
NO_MESSAGE, NO_STREAM, NAME_IN_USE = 10037, 10059, 10058

#: A different message is the last one; the second code says that one is about to be.
WRONG_LAST_SEQUENCE = 10071, 10164


class JetStreamError(PricetimeError, RuntimeError):
    """JetStream did not do what was asked."""


class Declined(JetStreamError):
    """JetStream answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"JetStream answers: {error.get('description')} (error {error.get('err_code')})")
        self.code = int(error.get("err_code", 0))


class Unknown(JetStreamError):
    """No answer in time, so the outcome is unknown."""


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
    """The answer in these bytes. Raises Declined for an error, and Unknown if it is no answer."""
    try:
        said: dict[str, Any] = json.loads(data)
    except ValueError as error:
        raise Unknown("JetStream has no leader for the stream now") from error  # an empty answer: no responders
    if "error" in said:
        raise Declined(said["error"])
    return said
