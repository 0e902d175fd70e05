"""Where Prometheus comes by: ``GET /metrics`` over HTTP, in the loop of the control side.

Whoever asks costs little and harms nobody: one request of a few KiB is read, within seconds, and answered with what was
collected once for all who ask at about the same time; the connection ends with the answer. When every place is taken,
the connection that is there longest makes room, of the address with most of them, so that idle ones cannot keep
Prometheus out. A browser is answered only if it came by a name of this server, as at the live page (``hosts.py``).
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Collection
from functools import partial
from http import HTTPStatus

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

from .acceptor import Acceptor
from .config import GatewayConfig
from .hosts import is_known
from .log import Seldom
from .measured import Measured
from .metrics import ExchangeCollector, Listener, Service, Services
from .places import Places

#: Connections at a time, the time that each has, and the most that is read of what it asks.
MOST_CLIENTS, TIMEOUT_S, MOST_BYTES = 16, 5.0, 8192

#: What was collected is good for this long, and for that many times what it took: so that any number of scrapers costs
#: no more than a tenth of a processor.
GOOD_FOR_S, REST = 0.1, 10

#: The answer to a request by a name that this server does not know.
UNKNOWN_HOST = b"Host is no name of this server: come by its address, or give the name to http_names\n"

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class MetricsServer(Acceptor):
    """Answers on a listening socket, in the running loop, from ``open`` to ``close``.

    ``read`` gives what is answered. It is called in a thread of its own, never in two at a time. ``names``: those that
    a request may come by, beside addresses and localhost.
    """

    def __init__(
        self,
        listener: socket.socket,
        counts: Counter[str],
        read: Callable[[], bytes],
        log: Seldom,
        names: Collection[str] = (),
    ) -> None:
        super().__init__(listener, "no scrape can be accepted", log)
        self.counts = counts  #: requests, by how they were answered
        self._names = names
        self._page = SharedPage(read, log)
        self._clients: Places[asyncio.Task[None]] = Places(MOST_CLIENTS)

    def __len__(self) -> int:
        return len(self._clients)

    def _welcome(self, connection: socket.socket, address: str) -> asyncio.Task[None]:
        """Serve a connection, in the place of another if there is no room."""
        if (longest := self._clients.displaced_by(address)) is not None:
            self._clients.leave(longest)
            longest.cancel()
        task = self._loop.create_task(self._serve(connection))
        self._clients.enter(task, address)
        task.add_done_callback(self._part)
        return task

    def _part(self, task: asyncio.Task[None]) -> None:
        """A connection is over, be it before it was served at all."""
        self._clients.leave(task)
        if task.cancelled():
            self.counts["cut_off"] += 1

    async def _serve(self, connection: socket.socket) -> None:
        """One request and its answer."""
        deadline = self._loop.time() + TIMEOUT_S
        try:
            status, method, body = await self._answer(await self._read_head(connection, deadline))
            rest = memoryview(head_of(status, body) + (b"" if method == "HEAD" else body))
            while rest:
                rest = rest[await self._send_some(connection, rest, deadline) :]
            self.counts[str(status.value)] += 1
        except TimeoutError:
            self.counts["cut_off"] += 1
        except OSError:
            pass  # it has gone

    async def _read_head(self, connection: socket.socket, deadline: float) -> bytes:
        """What comes up to the empty line, or what there is when that does not come. Raises OSError."""
        got = b""
        while b"\r\n\r\n" not in got and len(got) < MOST_BYTES:
            more = await self._receive(connection, MOST_BYTES - len(got), deadline)
            if not more:
                raise ConnectionResetError("the connection is closed")
            got += more
        return got

    async def _answer(self, request: bytes) -> tuple[HTTPStatus, str, bytes]:
        """What is answered: status, method of the request, and body."""
        words = request.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return HTTPStatus.BAD_REQUEST, "", b"this speaks HTTP/1.1: GET /metrics\n"
        method = words[0]
        if b"\r\n\r\n" not in request:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, method, b"send fewer headers\n"
        if not is_known(host_of(request), self._names):
            return HTTPStatus.FORBIDDEN, method, UNKNOWN_HOST
        if words[1].partition("?")[0] != "/metrics":
            return HTTPStatus.NOT_FOUND, method, b"the metrics are at /metrics\n"
        if method not in {"GET", "HEAD"}:
            return HTTPStatus.METHOD_NOT_ALLOWED, method, b"metrics are read, nothing else: GET /metrics\n"
        page = await self._page.get()
        if page is None:
            return HTTPStatus.INTERNAL_SERVER_ERROR, method, b"the metrics cannot be read: the log says why\n"
        return HTTPStatus.OK, method, page


class SharedPage:
    """One collection for all who ask at about the same time. The loop goes on meanwhile."""

    def __init__(self, read: Callable[[], bytes], log: Seldom) -> None:
        self._read = read
        self._log = log
        self._taking: asyncio.Task[bytes | None] | None = None
        self._good_until = 0.0

    async def get(self) -> bytes | None:
        """What is young enough, or else is collected now; None when that fails."""
        loop = asyncio.get_running_loop()
        if self._taking is None or (self._taking.done() and loop.time() >= self._good_until):
            self._taking = loop.create_task(self._take())
        return await asyncio.shield(self._taking)

    async def _take(self) -> bytes | None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            return await asyncio.to_thread(self._read)
        except Exception as error:  # whatever is wrong with it, orders go on
            self._log.info("metrics failed", error=repr(error))
            return None
        finally:
            ended = loop.time()
            self._good_until = ended + max(GOOD_FOR_S, REST * (ended - began))


def host_of(request: bytes) -> str:
    """The Host that a request names, "" if it names none."""
    for line in request.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"host":
            return value.strip().decode("latin-1")
    return ""


def head_of(status: HTTPStatus, body: bytes) -> bytes:
    """The head of an answer."""
    allow = "Allow: GET, HEAD\r\n" if status is HTTPStatus.METHOD_NOT_ALLOWED else ""
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {TEXT}\r\nContent-Length: {len(body)}\r\n"
        f"{allow}Connection: close\r\n\r\n"
    ).encode()


def serve(
    listener: socket.socket,
    config: GatewayConfig,
    exchange: Measured,
    services: tuple[Service, Service, Service | None],
    first: int,
    log: Seldom,
    others: Listener | None = None,
) -> MetricsServer:
    """Let the metrics of an exchange be read.

    ``services``: login handler, recovery server and journal server; ``others``: hears other publishers of the feed.
    """
    counts = Counter({"200": 0, "cut_off": 0})
    registry = CollectorRegistry()
    registry.register(ExchangeCollector(config, exchange, Services(*services, counts, others), first))
    ProcessCollector(registry=registry)
    made = MetricsServer(listener, counts, partial(generate_latest, registry), log, config.http_names)
    made.open()
    return made
