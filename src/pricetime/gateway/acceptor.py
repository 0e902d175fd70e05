"""Where connections come in that have a task each: what the servers of metrics, recovery and journal have in common.

Each is closed here, whatever becomes of its task: one that is cancelled before it ran at all closes nothing itself.

A deadline is judged after the socket was looked at, never before. A process that was stopped for a while finds its
deadlines passed and what its clients sent meanwhile in the sockets; it must not blame the clients.
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

from .log import Seldom

#: No connection can be accepted: how long until that is tried again.
PAUSE_S = 0.1

#: Where a connection over a Unix socket comes from.
LOCAL = "local"


class Acceptor(ABC):
    """Accepts on a listening socket, in the running loop, from ``open`` to ``close``.

    ``event`` is what the log says when nothing can be accepted.
    """

    def __init__(self, listener: socket.socket, event: str, log: Seldom) -> None:
        self._listener = listener
        self._event = event
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    @abstractmethod
    def _welcome(self, connection: socket.socket, address: str) -> asyncio.Task[None] | None:
        """The task that serves a connection; None when there is no place for it.

        The connection is closed when the task is over, after its callbacks; without a task, at once.
        """

    def open(self) -> None:
        """Begin to accept."""
        self._listener.setblocking(False)
        self._listen()

    async def close(self) -> None:
        """Accept no more and end every connection. May be called again."""
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
        """One connection: a flood of them takes turns with everything else on this loop."""
        try:
            connection, address = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # it was gone before we came to it
        except OSError as error:
            self._log.info(self._event, error=error.strerror)
            self._loop.remove_reader(self._listener.fileno())
            self._loop.call_later(PAUSE_S, self._listen)
            return
        connection.setblocking(False)
        task = self._welcome(connection, str(address[0]) if address else LOCAL)  # a Unix socket's has no name
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
        """What has come, at least one byte and at most so many; b"" at the end. Raises TimeoutError and OSError."""
        while True:
            try:
                return connection.recv(most)
            except BlockingIOError:
                self._judge(deadline)
            fd = connection.fileno()
            await self._wait(partial(self._loop.add_reader, fd), partial(self._loop.remove_reader, fd), deadline)

    async def _receive_all(self, connection: socket.socket, count: int, deadline: float) -> bytes:
        """Exactly this many bytes; b"" if the connection ends before. Raises TimeoutError and OSError."""
        got = b""
        while len(got) < count:
            more = await self._receive(connection, count - len(got), deadline)
            if not more:
                return b""
            got += more
        return got

    async def _send_some(self, connection: socket.socket, data: memoryview, deadline: float) -> int:
        """Hand the kernel as much as it takes, at least one byte: how many. Raises TimeoutError and OSError."""
        while True:
            try:
                return connection.send(data)
            except BlockingIOError:
                self._judge(deadline)
            fd = connection.fileno()
            await self._wait(partial(self._loop.add_writer, fd), partial(self._loop.remove_writer, fd), deadline)

    def _judge(self, deadline: float) -> None:
        if self._loop.time() >= deadline:
            raise TimeoutError("the other end took too long")

    async def _wait(
        self, watch: Callable[[Callable[[], None]], None], unwatch: Callable[[], object], deadline: float
    ) -> None:
        """Wait until a socket is ready or the deadline has passed. It takes nothing from the socket."""
        ready = asyncio.Event()
        watch(ready.set)
        try:
            async with asyncio.timeout_at(deadline):
                await ready.wait()
        except TimeoutError:
            pass
        finally:
            unwatch()
