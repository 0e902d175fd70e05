"""Serves ``GET /metrics`` over HTTP for Prometheus, in the event loop of the control side.

Scrapes are cheap: a request of at most 8 KiB must arrive within seconds, requests at about the same time share one
collection, and the connection closes after the reply. If all connections are taken, a new one replaces the oldest of
the address with the most, so that idle connections cannot lock out Prometheus. The ``Host`` header is checked as on the
live page (``hosts.py``).
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from functools import partial
from http import HTTPStatus

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.registry import Collector

from ..exchange import Exchange
from ..settings.config import GatewayConfig
from ..settings.server_log import LimitedLog
from .acceptor import Acceptor, Client
from .feed_listener import FeedListener
from .hosts import is_known
from .metrics import ExchangeCollector, Services
from .places import Places
from .shared import Shared

#: Maximum number of connections, time for a request and its reply in seconds, maximum size of a request in bytes.
MOST_CLIENTS, TIMEOUT_S, MOST_BYTES = 16, 5.0, 8192

#: A collection is reused for CACHE_S seconds, or for CACHE_FACTOR times the duration of the collection if that is
#: longer. So any number of scrapers needs at most a tenth of one processor.
CACHE_S, CACHE_FACTOR = 0.1, 10

#: Reply to a request with an unknown host name.
UNKNOWN_HOST = b"Host is not a name of this server: use its address, or add the name to http_names\n"

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class MetricsServer(Acceptor):
    """Serves metrics in the running event loop, from ``open`` to ``close``.

    ``read``: returns the metrics as text; called in a separate thread, one call at a time. ``names``: host names that
    requests may use, besides addresses and localhost.
    """

    def __init__(
        self,
        listener: socket.socket,
        counts: Counter[str],
        read: Callable[[], bytes],
        log: LimitedLog,
        names: Collection[str] = (),
    ) -> None:
        super().__init__(listener, "cannot accept a metrics connection", log, Places(MOST_CLIENTS))
        self._requests = counts  # by HTTP status, or ``closed``
        self._names = names
        self._read = read
        self._page = Shared(self._collect)

    def _ended(self, client: Client) -> None:
        if client.task.cancelled():
            self._requests["closed"] += 1

    async def _serve(self, client: Client) -> None:
        """Answer one request."""
        deadline = self._loop.time() + TIMEOUT_S
        try:
            request = await self._receive_until(client.socket, b"\r\n\r\n", MOST_BYTES, deadline)
            status, method, body = await self._answer(request)
            reply = header_of(status, body) + (b"" if method == "HEAD" else body)
            await self._send_all(client.socket, reply, deadline)
            self._requests[str(status.value)] += 1
        except TimeoutError:
            self._requests["closed"] += 1
        except OSError:
            pass  # the client has disconnected

    async def _answer(self, request: bytes) -> tuple[HTTPStatus, str, bytes]:
        """The reply: status, method of the request, and body."""
        words = request.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return HTTPStatus.BAD_REQUEST, "", b"not an HTTP/1.1 request: use GET /metrics\n"
        method = words[0]
        if b"\r\n\r\n" not in request:
            return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, method, b"send fewer headers\n"
        if not is_known(host_of(request), self._names):
            return HTTPStatus.FORBIDDEN, method, UNKNOWN_HOST
        if words[1].partition("?")[0] != "/metrics":
            return HTTPStatus.NOT_FOUND, method, b"the metrics are at /metrics\n"
        if method not in {"GET", "HEAD"}:
            return HTTPStatus.METHOD_NOT_ALLOWED, method, b"use GET /metrics\n"
        page = await self._page.get(self._is_good)
        if page is None:
            return HTTPStatus.INTERNAL_SERVER_ERROR, method, b"the metrics cannot be read: see the log of the server\n"
        return HTTPStatus.OK, method, page

    def _collect(self) -> bytes | None:
        try:
            return self._read()
        except Exception as error:  # an error in the metrics must not stop the exchange
            self._loop.call_soon_threadsafe(partial(self._log.info, "metrics failed", error=repr(error)))
            return None

    def _is_good(self, now: float) -> bool:
        ended = self._page.ended_at
        return now < ended + max(CACHE_S, CACHE_FACTOR * (ended - self._page.began_at))


def host_of(request: bytes) -> str:
    """The Host header of a request; "" without one."""
    for line in request.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"host":
            return value.strip().decode("latin-1")
    return ""


def header_of(status: HTTPStatus, body: bytes) -> bytes:
    """The status line and headers of a reply."""
    allow = "Allow: GET, HEAD\r\n" if status is HTTPStatus.METHOD_NOT_ALLOWED else ""
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {TEXT}\r\nContent-Length: {len(body)}\r\n"
        f"{allow}Connection: close\r\n\r\n"
    ).encode()


def metrics_of(
    listener: socket.socket,
    config: GatewayConfig,
    exchange: Exchange,
    services: tuple[Acceptor, Acceptor, Acceptor | None],
    log: LimitedLog,
    others: FeedListener | None = None,
    further: Iterable[Collector] = (),
) -> MetricsServer:
    """A server for the metrics of an exchange.

    ``services``: login handler, recovery server and journal server. ``others``: counts datagrams of other publishers.
    ``further``: collectors besides that of the exchange.
    """
    counts = Counter({"200": 0, "closed": 0})
    registry = CollectorRegistry()
    registry.register(ExchangeCollector(config, exchange, Services(*services, counts, others)))
    for collector in further:
        registry.register(collector)
    ProcessCollector(registry=registry)
    return MetricsServer(listener, counts, partial(generate_latest, registry), log, config.http_names)
