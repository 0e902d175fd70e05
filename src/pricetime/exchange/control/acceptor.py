"""Accepts connections and serves each one in its own task: the base of the metrics, recovery, journal and admin
servers.

The acceptor closes every connection itself, because a task that is cancelled before it first runs cannot close
anything.

A task reads the socket before it checks a deadline. If the whole process was suspended, its deadlines have passed, but
the data that clients sent in time is already in the sockets.
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

from ..settings.server_log import LimitedLog

#: Delay before the next attempt after accept() failed, in seconds.
PAUSE_S = 0.1

#: Address shown for a connection over a Unix socket.
LOCAL = "local"


class Acceptor(ABC):
    """Accepts connections in the running event loop, from ``open`` to ``close``.

    ``event``: the log event when accept() fails.
    """

    def __init__(self, listener: socket.socket, event: str, log: LimitedLog) -> None:
        self._listener = listener
        self._event = event
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    @abstractmethod
    def _start_task(self, connection: socket.socket, address: str) -> asyncio.Task[None] | None:
        """Start the task that serves a connection; None if there is no room for it.

        The acceptor closes the connection after the task and its callbacks; without a task, at once.
        """

    def open(self) -> None:
        """Start to accept connections."""
        self._listener.setblocking(False)
        self._listen()

    async def close(self) -> None:
        """Stop accepting and close every connection. Can be called twice."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
            self._log.info(self._event, error=error.strerror)
            self._loop.remove_reader(self._listener.fileno())
            self._loop.call_later(PAUSE_S, self._listen)
            return
        connection.setblocking(False)
        task = self._start_task(connection, str(address[0]) if address else LOCAL)  # a Unix socket has no address
        if task is None:
            connection.close()
        else:
            self._tasks.add(task)
            task.add_done_callback(partial(self._end, connection))

    def _end(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        connection.close()

    # ------------------------------------------------------------------ for the tasks

    async def _receive(self, connection: socket.socket, most: int, deadline: float) -> bytes:
        """Wait for data: 1 to ``most`` bytes, or b"" at the end of the connection. Raises TimeoutError and OSError."""
        while True:
            try:
                return connection.recv(most)
            except BlockingIOError:
                self._check_deadline(deadline)
            fd = connection.fileno()
            await self._wait(partial(self._loop.add_reader, fd), partial(self._loop.remove_reader, fd), deadline)

    async def _receive_all(self, connection: socket.socket, count: int, deadline: float) -> bytes:
        """Exactly ``count`` bytes; b"" if the connection ends before that. Raises TimeoutError and OSError."""
        got = b""
        while len(got) < count:
            more = await self._receive(connection, count - len(got), deadline)
            if not more:
                return b""
            got += more
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
