"""Order entry for asyncio: a client with a task of the event loop, which keeps the session up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from types import TracebackType
from typing import TypeVar

from pricetime.client.dialogue import Stage
from pricetime.client.errors import ConnectionLost, NotAcknowledged
from pricetime.client.future import CommandFuture
from pricetime.client.open_orders import OpenOrder
from pricetime.client.order_entry import OrderEntry, Reports
from pricetime.errors import PricetimeError
from pricetime.wire.messages import ExecutionReport

T = TypeVar("T")

#: Bytes that may wait to be sent before ``drain`` waits.
MOST_UNSENT = 1 << 20


#: Bytes that are collected before they go to the transport within one iteration of the event loop.
SEND_BYTES = 1 << 16


class AsyncClient(OrderEntry):
    """A session with an exchange, as one owner, for asyncio. ``async with`` logs in and out; so do ``login`` and
    ``close``.

    While it is open, a task reads, sends heartbeats, and after a disconnect logs in again and resumes with the next
    report: none is lost or comes twice. A command returns at once with a future: await it for the answer, or ignore it.
    The commands of one iteration of the event loop are sent together. An ``AsyncClient`` belongs to one event loop.

    The arguments are those of ``OrderEntry``. Raises InvalidOwner.
    """

    _futures_wait = False

    def _begin(self) -> None:
        self._changed = asyncio.Event()
        self._connection: _Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._flushes = False  # what is collected is sent in this iteration of the loop

    async def login(self) -> None:
        """Connect and log in. Raises LoginRefused, ConnectionLost and NotAcknowledged."""
        if self._task is not None:
            raise ConnectionLost("login() was called before, and the client reconnects by itself: make a new client")
        self._loop = asyncio.get_running_loop()
        await self._open()
        self._task = asyncio.create_task(self._live(), name=f"pricetime client {self._dialogue.owner}")
        try:
            await self.wait_until_active()
        except PricetimeError:
            await self.close()
            raise

    def _notify(self) -> None:
        self._changed.set()

    async def _wait_for(self, holds: Callable[[], bool], timeout: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()

    async def _answer(self, future: CommandFuture[T], timeout: float) -> T:
        try:
            return await asyncio.wait_for(future, timeout)
        except TimeoutError as error:
            raise NotAcknowledged(f"no answer within {timeout:g} s: it may still come") from error

    # ------------------------------------------------------------------ sending

    async def open_orders(self, timeout: float | None = None) -> list[OpenOrder]:
        """Return the owner's resting orders: see ``Client.open_orders``."""
        return await self._list_open_orders(timeout)

    async def drain(self) -> None:
        """Wait while more than a mebibyte waits to be sent."""
        self._flush_all()
        if self._connection is not None:
            await self._connection.writable.wait()

    def _announce(self) -> None:
        if self._unsent_bytes >= SEND_BYTES:
            self._flush_all()
        elif not self._flushes:
            assert self._loop is not None
            self._flushes = True
            self._loop.call_soon(self._flush_all)

    def _flush_all(self) -> None:
        self._flushes = False
        if self._unsent and self._connection is not None:
            self._connection.transport.write(self._collected())

    # ------------------------------------------------------------------ reports

    async def reports(self, timeout: float | None = None) -> AsyncIterator[ExecutionReport]:
        """Iterate over the reports as they come: see ``Client.reports``."""
        while self._front or await self._take_front(timeout):
            yield self._front.popleft()

    async def read(self, timeout: float | None = 0.0) -> Reports:
        """Return all reports that have come, as an array of ``pricetime.REPORT``: see ``Client.read``."""
        return await self._take_all(timeout)

    # ------------------------------------------------------------------ the task

    async def _follow(self) -> None:
        dialogue = self._dialogue
        while dialogue.stage not in {Stage.DISCONNECTED, Stage.ENDED}:
            due_ns = dialogue.next_due_ns
            wait = None if due_ns is None else max(0.0, (due_ns - time.monotonic_ns()) / 1e9)
            await self._wait_for(partial(self._has_changed, due_ns), wait)
            if not self._has_changed(due_ns):  # something is due
                for _ in range(2):  # let the loop read the socket first: after a pause of this process data may wait
                    await asyncio.sleep(0)
                dialogue.due(time.monotonic_ns())
                self._collect_outgoing()
                self._flush_all()
        self._abort()

    def _has_changed(self, due_ns: int | None) -> bool:
        """Whether the connection has ended, or something is due earlier than before."""
        now_due_ns = self._dialogue.next_due_ns
        ended = self._dialogue.stage in {Stage.DISCONNECTED, Stage.ENDED}
        return ended or (now_due_ns is not None and (due_ns is None or now_due_ns < due_ns))

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.timeout):
                await loop.create_connection(lambda: _Connection(self), *self.address)
        except OSError as error:
            raise self._no_connection(error) from error
        if self._has_ended:
            raise ConnectionLost("the client was closed")

    def _abort(self) -> None:
        if self._connection is not None:
            self._connection.transport.abort()

    def begin(self, connection: _Connection) -> None:
        """There is a new connection."""
        if self._has_ended:
            connection.transport.abort()
            return
        self._connection = connection
        self._connected()

    def received(self, connection: _Connection, data: bytes) -> None:
        """A connection received data."""
        if connection is self._connection:
            self._read(data)
            self._flush_all()
            self._changed.set()

    def lost(self, connection: _Connection, why: str) -> None:
        """A connection has ended."""
        if connection is self._connection:
            self._dialogue.disconnected(why)
            self._changed.set()

    # ------------------------------------------------------------------ login and logout

    async def wait_until_active(self, timeout: float | None = None) -> None:
        """Wait until the client is logged in, or logged in again after a disconnect. Raises as ``login``."""
        await self._wait_until_active(timeout)

    async def close(self) -> None:
        """Log out. The exchange cancels the orders, unless ``keep_orders``. Reports that came can still be taken."""
        await self._close()

    async def _finish(self) -> None:
        if self._task is not None:
            await self._task
        self._abort()

    async def __aenter__(self) -> AsyncClient:
        await self.login()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()


class _Connection(asyncio.Protocol):
    """A connection of a client. The client may have a newer one."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self.writable = asyncio.Event()
        self.writable.set()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(MOST_UNSENT)
        self.transport = transport
        self._client.begin(self)

    def data_received(self, data: bytes) -> None:
        self._client.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.writable.set()
        self._client.lost(self, str(exc or "the connection was closed"))

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()
