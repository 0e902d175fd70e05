"""The connection of a node to the NATS servers: once open, it reconnects until it is closed."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PricetimeError
from ..extras import require

if TYPE_CHECKING:
    from nats.aio.client import Client

#: Longest wait for the first server that answers, in seconds.
CONNECT_S = 5.0

#: Pause between attempts to reconnect, and between the pings that find a dead connection, in seconds.
RECONNECT_S, PING_S = 0.1, 1


class NatsUnavailable(PricetimeError, OSError):
    """No NATS server answers, or none lets this client in. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a NATS server asks of a client. Empty: nothing, and no TLS."""

    user: str = ""
    password: str = ""
    ca_file: Path | None = None  #: certificates that sign those of the servers; with it the connection uses TLS
    certificate_file: Path | None = None  #: of the client, if the servers verify clients
    key_file: Path | None = None  #: of that certificate

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"  # without the password

    def tls(self) -> ssl.SSLContext | None:
        """The settings of TLS; None without. Raises NatsUnavailable if a file cannot be read."""
        if self.ca_file is None:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.certificate_file is not None:
                context.load_cert_chain(self.certificate_file, self.key_file)
        except OSError as error:
            files = ", ".join(str(file) for file in (self.ca_file, self.certificate_file, self.key_file) if file)
            raise NatsUnavailable(f"the TLS files for NATS cannot be read ({files}): {error}") from error
        return context


def _nothing() -> None:
    pass


async def connect(
    urls: Sequence[str], credentials: Credentials | None = None, name: str = "pricetime", *,
    on_disconnect: Callable[[], None] = _nothing, on_reconnect: Callable[[], None] = _nothing,
    on_close: Callable[[str], None] = lambda _: None, timeout_s: float = CONNECT_S,
) -> Client:  # fmt: skip
    """Connect to one of the servers. Raises NatsUnavailable; afterwards the connection reconnects by itself.

    The callbacks run in the event loop. ``on_close`` gets the reason if a server ends the connection for good, such as
    changed credentials: the caller then connects again or ends.
    """
    nats = require("nats", "cluster", "pricetime cluster")
    credentials = credentials or Credentials()
    client: Client = nats.NATS()
    refused = asyncio.Event()
    errors: list[Exception] = []

    async def note(error: Exception) -> None:
        errors[:] = [error]
        if "Authorization" in str(error):
            refused.set()

    async def closed() -> None:
        on_close(str(client.last_error or "closed"))

    connecting = asyncio.ensure_future(
        client.connect(
            list(urls), name=name, error_cb=note, closed_cb=closed,
            disconnected_cb=_coroutine(on_disconnect), reconnected_cb=_coroutine(on_reconnect),
            user=credentials.user or None, password=credentials.password or None, tls=credentials.tls(),
            max_reconnect_attempts=-1, reconnect_time_wait=RECONNECT_S,  # type: ignore[arg-type]  # it takes fractions too
            connect_timeout=2,
            ping_interval=PING_S, max_outstanding_pings=2,
        )
    )  # fmt: skip
    refusal = asyncio.ensure_future(refused.wait())
    try:
        await asyncio.wait({connecting, refusal}, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if connecting.done() and not connecting.exception():
            return client
    finally:
        await _ended(refusal)
        if not client.is_connected:
            await _ended(connecting)
    if connecting.done() and not connecting.cancelled() and (raised := connecting.exception()):
        errors[:] = [raised if isinstance(raised, Exception) else NatsUnavailable(str(raised))]
    raise NatsUnavailable(_said(urls, credentials, refused.is_set(), errors))


@asynccontextmanager
async def connected(urls: Sequence[str], credentials: Credentials | None = None) -> AsyncIterator[Client]:
    """A connection for the time of a ``with``, for short tasks."""
    client = await connect(urls, credentials)
    try:
        yield client
    finally:
        await client.close()


def _coroutine(call: Callable[[], None]) -> Callable[[], Awaitable[None]]:
    async def run() -> None:
        call()

    return run


async def _ended(task: asyncio.Future[Any]) -> None:
    """Cancel a task that is not done, and wait for its end."""
    if not task.done():
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _said(urls: Sequence[str], credentials: Credentials, refused: bool, errors: list[Exception]) -> str:
    where = ", ".join(url.rpartition("@")[2] if "@" in url else url for url in urls)  # without a password
    if refused:
        who = f"user {credentials.user}" if credentials.user else "a client without a user"
        return f"the NATS servers at {where} refuse {who}: give the user and password of their configuration"
    why = f": {errors[0] or type(errors[0]).__name__}" if errors else ""
    return f"no NATS server answers at {where}{why}. Start the servers, or correct their addresses"
