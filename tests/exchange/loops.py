"""An asyncio loop in a thread of its own, so that a test can be the other end with plain blocking sockets."""

import asyncio
import io
import json
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from pricetime.exchange.settings.fields import LogFormat, LogLevel
from pricetime.exchange.settings.server_log import Log, make_log

T = TypeVar("T")
PATIENCE_S = 30.0


def until(condition: Callable[[], object]) -> None:
    """Wait until the condition is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.001)


class LoopThread:
    """``call`` runs a function in the loop, ``wait`` a coroutine, and both give what it gave."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def wait(self, awaitable: Awaitable[T]) -> T:
        async def awaited() -> T:
            return await awaitable

        return asyncio.run_coroutine_threadsafe(awaited(), self.loop).result(PATIENCE_S)

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        async def called() -> T:
            return function(*arguments)

        return self.wait(called())

    def until(self, condition: Callable[..., object], *arguments: Any) -> None:
        """Wait until the condition, which is looked at in the loop, is true."""
        until(lambda: self.call(condition, *arguments))

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@contextmanager
def loop_thread() -> Iterator[LoopThread]:
    running = LoopThread()
    try:
        yield running
    finally:
        running.stop()


class Listener(socket.socket):
    """Listens on a free port, and keeps what it accepted: so nothing is closed merely because it is forgotten."""

    def __init__(self) -> None:
        super().__init__(socket.AF_INET, socket.SOCK_STREAM)
        self.bind(("127.0.0.1", 0))
        self.listen(4096)
        self.setblocking(False)
        self.accepted: list[socket.socket] = []
        self.errors: list[OSError] = []  # what accepting fails with first

    def accept(self) -> tuple[socket.socket, Any]:
        if self.errors:
            raise self.errors.pop()
        made = super().accept()
        self.accepted.append(made[0])
        return made


def connect(to: socket.socket) -> socket.socket:
    made = socket.create_connection(to.getsockname())
    made.settimeout(PATIENCE_S)
    return made


class Server(Protocol):
    async def close(self) -> None: ...


async def close_after(iterations: int, server: Server, to: Listener) -> None:
    """A connection comes, and so many iterations of the loop later the server closes: nothing stays open."""
    with connect(to):
        for _ in range(iterations):
            await asyncio.sleep(0)
        await server.close()
        assert [connection for connection in to.accepted if connection.fileno() >= 0] == []


def receive(connection: socket.socket, count: int) -> bytes:
    """Exactly this many bytes, or as many as came before the end."""
    got = b""
    while len(got) < count and (more := connection.recv(count - len(got))):
        got += more
    return got


class Events:
    """A log, and what was written to it."""

    def __init__(self, level: LogLevel = LogLevel.DEBUG) -> None:
        self._text = io.StringIO()
        self.log: Log = make_log(level, LogFormat.JSON, self._text)

    def all(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._text.getvalue().splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [found for found in self.all() if found["event"] == event]
