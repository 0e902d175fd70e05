"""Order entry for asyncio: a client with a task of the event loop, which keeps the session up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

from pricetime.client.errors import ConnectionLost, NotAcknowledged
from pricetime.client.future import CommandFuture
from pricetime.client.open_orders import OpenOrder
from pricetime.client.order_entry import MOST_UNSENT, OrderEntry, Reports
from pricetime.wire.messages import ExecutionReport

T = TypeVar("T")

#: Bytes that are collected before they are sent within one iteration of the event loop.
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
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop
        self._flushes = False  # what is collected is sent in this iteration of the loop

    async def login(self) -> None:
        """Connect and log in. Raises LoginRefused, ConnectionLost and NotAcknowledged."""
        if self._task is not None:
            raise ConnectionLost("login() was called before, and the client reconnects by itself: make a new client")
        self._loop = asyncio.get_running_loop()
        await self._open_first()
        self._task = asyncio.create_task(self._live(), name=f"pricetime client {self._dialogue.owner}")
        try:
            await self.wait_until_active()
        except BaseException:  # a cancellation too, for the task would go on
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
        await self._wait_for(self._has_room, None)

    def _has_room(self) -> bool:
        return len(self._rest) + len(self._unsent) < MOST_UNSENT or not self._is_connected

    def _announce(self) -> None:
        if len(self._unsent) >= SEND_BYTES:
            self._flush_all()
        elif not self._flushes:
            self._flushes = True
            self._loop.call_soon(self._flush_all)

    def _flush_all(self) -> None:
        self._flushes = False
        if not self._rest:
            self._flush()

    def _send_later(self) -> None:
        self._loop.add_writer(self._socket, self._send_rest)

    def _send_rest(self) -> None:
        self._loop.remove_writer(self._socket)
        self._flush()
        self._notify()

    # ------------------------------------------------------------------ reports

    async def reports(self, timeout: float | None = None) -> AsyncIterator[ExecutionReport]:
        """Iterate over the reports as they come: see ``Client.reports``."""
        while self._front or await self._take_front(timeout):
            yield self._front.popleft()

    async def read(self, timeout: float | None = 0.0) -> Reports:
        """Return all reports that have come, as an array of ``pricetime.REPORT``: see ``Client.read``."""
        return await self._take_all(timeout)

    # ------------------------------------------------------------------ the task

    async def _connect(self) -> socket.socket:
        return await asyncio.to_thread(socket.create_connection, self.address, self._connect_timeout)

    async def _follow(self) -> None:
        self._loop.add_reader(self._socket, self._step)
        while self._is_connected:
            due_ns = self._dialogue.next_due_ns
            await self._wait_for(partial(self._is_due_elsewhen, due_ns), self._due_s)
            if self._due_s == 0:
                self._step()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)

    def _is_due_elsewhen(self, due_ns: int | None) -> bool:
        return not self._is_connected or self._dialogue.next_due_ns != due_ns

    # ------------------------------------------------------------------ login and logout

    async def wait_until_active(self, timeout: float | None = None) -> None:
        """Wait until the client is logged in, or logged in again after a disconnect. Raises as ``login``."""
        await self._wait_until_active(timeout)

    async def close(self) -> None:
        """Log out. The exchange cancels orders that are not kept. Reports that came can still be taken."""
        await self._close()

    async def _finish(self) -> None:
        if self._task is not None:
            await self._task

    async def __aenter__(self) -> AsyncClient:
        await self.login()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()
