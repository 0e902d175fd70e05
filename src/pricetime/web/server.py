"""The HTTP server of the live page, in the loop of the control side."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ..exchange.control.places import Places
from ..exchange.control.secrets import Secrets
from ..exchange.exchange import Exchange
from ..exchange.settings.config import GatewayConfig
from ..exchange.settings.server_log import LimitedLog
from .app import make_app
from .market import Market
from .pages import ASKED_BYTES, Pages
from .sandbox import Sandbox
from .sessions import Sessions

#: Connections besides those of pages, and how many of them from one address: they load files, or are pages that the
#: server is about to reject because too many are open.
SPARE_CONNECTIONS, SPARE_PER_ADDRESS = 32, 16

#: Connections at a time, with those of pages and of rejected pages; far more than the other limits allow. A rejected
#: page's connection stays open until the browser closes it, or this long.
MOST_CONNECTIONS, REFUSED_S = 512, 1.0

#: A connection without a request is closed after this time.
REQUEST_S = 5.0

#: Bytes that the system buffers for a page that does not read. Further frames are dropped, not queued.
UNREAD_BYTES = 1 << 16

#: How long pages may take to close when the server stops.
LEAVE_S = 1


class Connection(H11Protocol):
    """An HTTP connection that is closed if it sends no request. ``places``: of all connections that are not pages.

    If there is no room for it, the one whose last request is the oldest is closed.
    """

    def __init__(self, *, places: Places[Connection], **given: Any) -> None:
        super().__init__(**given)
        self._places = places
        self._asked: object = None  # its last request

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._impatience = self.loop.call_later(REQUEST_S, self._end_unless_asked)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        address = self.client[0] if self.client else ""
        if (idlest := self._places.displaced_by(address)) is not None:
            self._places.leave(idlest)
            idlest.transport.abort()
        self._places.enter(self, address)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            self._places.leave(self)  # it is a page now, and counts as one
        elif (asked := self.cycle) is not None and asked is not self._asked:
            self._asked = asked
            self._places.touch(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._places.leave(self)
        self._impatience.cancel()

    def _end_unless_asked(self) -> None:
        asked: object = self.cycle  # of its first request
        if asked is None and self.transport.get_protocol() is self:
            self.transport.abort()


class PageConnection(WebSocketsSansIOProtocol):
    """A WebSocket that is closed soon after it is rejected."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.close_timeout = REFUSED_S


class Server(uvicorn.Server):
    """The HTTP server in a loop that handles signals itself."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class LogHandler(logging.Handler):
    """Writes warnings of the HTTP server into the exchange's log."""

    def __init__(self, log: LimitedLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._log.info("page server", said=record.getMessage().strip(), error=None if error is None else repr(error))


class LivePage:
    """Serves on a listening socket, in the running loop. ``orders_port``: where the sandbox logs in."""

    def __init__(
        self,
        listener: socket.socket,
        config: GatewayConfig,
        exchange: Exchange,
        orders_port: int,
        secrets: Callable[[], Secrets | None],
        log: LimitedLog,
    ) -> None:
        self.sessions = Sessions(secrets)
        self.sandbox = None
        if config.http_owner is not None:
            loopback = "::1" if config.host.version == 6 else "127.0.0.1"
            host = loopback if config.host.is_unspecified else str(config.host)
            units = {instrument.id: instrument.price_unit for instrument in config.instruments}
            self.sandbox = Sandbox((host, orders_port), config.http_owner, secrets, units)
        market = Market(exchange, (instrument.instrument() for instrument in config.instruments))
        hello = {"version": version("pricetime"), "sandbox": config.http_owner}
        places: Places[Any] = Places(config.http_pages, config.http_pages_per_address)
        self.pages = Pages(market, self.sessions, self.sandbox, places, hello)
        self._listener = listener
        self._log, self._handler = log, LogHandler(log)
        self._server = Server(
            uvicorn.Config(
                make_app(self.pages, config.http_names, log),
                http=partial(Connection, places=Places(SPARE_CONNECTIONS, SPARE_PER_ADDRESS)),  # type: ignore[arg-type]
                ws=PageConnection,
                ws_max_size=ASKED_BYTES,
                ws_per_message_deflate=False,  # frames are small, and compression takes processor time
                lifespan="off",
                proxy_headers=False,
                server_header=False,
                access_log=False,
                log_config=None,
                log_level="warning",
                timeout_graceful_shutdown=LEAVE_S,
            )
        )
        self._tasks: list[asyncio.Task[None]] = []

    def open(self) -> None:
        """Begin to accept connections."""
        logging.getLogger("uvicorn.error").addHandler(self._handler)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)  # accepted sockets inherit it
        self._tasks = [
            asyncio.create_task(self._server.serve([self._listener]), name="pricetime page server"),
            asyncio.create_task(self.pages.run(), name="pricetime pages"),
        ]
        for task in self._tasks:
            task.add_done_callback(self._log_failure)
        if self.sandbox is not None:
            self.sandbox.open()

    def note_session(self, kind: int, owner: int, timestamp_ns: int) -> None:
        """Show that a session began or ended."""
        self.sessions.note(kind, owner, timestamp_ns)

    def _log_failure(self, task: asyncio.Task[None]) -> None:
        """Log that the page failed. The exchange goes on without it."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.info("page failed", error=repr(error))

    async def close(self) -> None:
        """Close every page, and stop."""
        serving, ticking = self._tasks
        ticking.cancel()
        self._server.should_exit = True
        if self.sandbox is not None:
            await self.sandbox.close()
        await asyncio.gather(serving, ticking, return_exceptions=True)
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()  # their time is over
        self._listener.close()
        logging.getLogger("uvicorn.error").removeHandler(self._handler)
