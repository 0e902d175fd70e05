"""Accepts connections and serves each one in its own task: the base of all servers of the control side but the page.

The acceptor closes every connection itself, because a task that is cancelled before it first runs cannot close
anything.

A task reads the socket before it checks a deadline. If the whole process was suspended, its deadlines have passed, but
the data that clients sent in time is already in the sockets.
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from ...wire.types import SessionReason
from ..settings.server_log import LimitedLog
from .places import Places

#: Delay before the next attempt after accept() failed, in seconds.
PAUSE_S = 0.1

#: Delay if a connection is being closed to make room, in seconds.
CLOSING_S = 0.001

#: Address shown for a connection over a Unix socket.
LOCAL = "local"


@dataclass(eq=False)
class Client:
    """An accepted connection, and why the server closes it."""

    socket: socket.socket
    address: str
    owner: int = 0  #: that it names in its login
    reason: SessionReason = SessionReason.NO_REASON
    midway: bool = False  #: a part of a reply is sent: no other message may be sent now
    task: asyncio.Task[None] = field(init=False)


class Acceptor(ABC):
    """Accepts connections in the running event loop, from ``open`` to ``close``.

    ``event``: the log event when accept() fails. ``places``: if all are taken, a new connection replaces the idlest.
    """

    def __init__(self, listener: socket.socket, event: str, log: LimitedLog, places: Places[Client]) -> None:
        self.counts: Counter[str] = Counter()  #: counters by name
        self._listener = listener
        self._event = event
        self._log = log
        self._places = places
        self._loop = asyncio.get_running_loop()
        self._clients: set[Client] = set()

    def __len__(self) -> int:
        return len(self._places)

    def _make_room(self) -> bool:
        """Close a connection if no file descriptor is left for a new one. False: none is closed."""
        return False

    @abstractmethod
    async def _serve(self, client: Client) -> None:
        """Serve a connection. The acceptor closes it after this and ``_ended``."""

    def _ended(self, client: Client) -> None:  # noqa: B027 - most servers have nothing to do then
        """A connection has ended, possibly before it was served."""

    def open(self) -> None:
        """Start to accept connections."""
        self._listener.setblocking(False)
        self._listen()

    async def close(self) -> None:
        """Stop accepting and close every connection. Can be called twice."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
        tasks = [client.task for client in self._clients]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _listen(self) -> None:
        if self._listener.fileno() >= 0:  # it may have been closed during a pause
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        """Accept one connection. Further ones wait for the next loop iteration, so a flood cannot block the loop."""
        try:
            connection, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # the client has closed it already
        except OSError as error:
            self.counts["out of files"] += 1
            self._log.info(self._event, error=error.strerror)
            self._loop.remove_reader(self._listener.fileno())
            self._loop.call_later(CLOSING_S if self._make_room() else PAUSE_S, self._listen)
            return
        connection.setblocking(False)
        client = Client(connection, str(address[0]) if address else LOCAL)  # a Unix socket has no address
        self.counts["connections"] += 1
        if (idlest := self._places.displaced_by(client.address)) is not None:
            self._displace(idlest)
        client.task = self._loop.create_task(self._serve(client))
        self._clients.add(client)
        self._places.enter(client, client.address)
        client.task.add_done_callback(partial(self._end, client))

    def _displace(self, client: Client) -> None:
        self._places.leave(client)
        client.reason = SessionReason.TOO_MANY_CLIENTS
        client.task.cancel()

    def _end(self, client: Client, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            client.reason = client.reason or SessionReason.SHUTDOWN
        self._places.leave(client)
        self._clients.discard(client)
        self._ended(client)
        client.socket.close()
        del client.task  # its traceback refers to the client: no cycle may keep the memory of a flood

    # ------------------------------------------------------------------ for the tasks

    async def _receive(self, connection: socket.socket, most: int, deadline: float) -> bytes:
        """Wait for data: 1 to ``most`` bytes. Raises OSError: ConnectionResetError at the end, TimeoutError."""
        while True:
            try:
                if got := connection.recv(most):
                    return got
                raise ConnectionResetError("the connection is closed")
            except BlockingIOError:
                self._check_deadline(deadline)
            fd = connection.fileno()
            await self._wait(partial(self._loop.add_reader, fd), partial(self._loop.remove_reader, fd), deadline)

    async def _receive_all(self, connection: socket.socket, count: int, deadline: float) -> bytes:
        """Exactly ``count`` bytes. Raises OSError."""
        got = b""
        while len(got) < count:
            got += await self._receive(connection, count - len(got), deadline)
        return got

    async def _receive_until(self, connection: socket.socket, end: bytes, most: int, deadline: float) -> bytes:
        """Everything up to ``end``, or the first ``most`` bytes. Raises OSError."""
        got = b""
        while end not in got and len(got) < most:
            got += await self._receive(connection, most - len(got), deadline)
        return got

    async def _send_some(self, connection: socket.socket, data: memoryview, deadline: float) -> int:
        """Send at least one byte. Returns the number of bytes that the kernel took. Raises TimeoutError and OSError."""
        while True:
            try:
                return connection.send(data)
            except BlockingIOError:
                self._check_deadline(deadline)
            fd = connection.fileno()
            await self._wait(partial(self._loop.add_writer, fd), partial(self._loop.remove_writer, fd), deadline)

    async def _send_all(self, connection: socket.socket, data: bytes, deadline: float) -> None:
        """Send all of ``data``. Raises TimeoutError and OSError."""
        rest = memoryview(data)
        while rest:
            rest = rest[await self._send_some(connection, rest, deadline) :]

    def _check_deadline(self, deadline: float) -> None:
        if self._loop.time() >= deadline:
            raise TimeoutError("the other side took too long")

    async def _wait(
        self, watch: Callable[[Callable[[], None]], None], unwatch: Callable[[], object], deadline: float
    ) -> None:
        """Wait until a socket is ready or the deadline has passed, without reading from it."""
        ready = asyncio.Event()
        watch(ready.set)
        try:
            async with asyncio.timeout_at(deadline):
                await ready.wait()
        except TimeoutError:
            pass
        finally:
            unwatch()
