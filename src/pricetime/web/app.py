"""The web application: the page, its files, and the WebSocket that sends it the market."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from ..exchange.control.hosts import is_known
from ..exchange.settings.server_log import LimitedLog
from .pages import Pages

#: The files of the page.
FILES = Path(__file__).parent / "files"

#: Code that closes a WebSocket if too many pages are open (in the registry of RFC 6455: try again later).
TRY_AGAIN_LATER = 1013


#: The page may load files from this server and connect to it, and nothing else.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def is_own(origin: str, host: str) -> bool:
    """Whether the page that opens a connection came from this server; with https too, for a proxy with TLS.

    A page of any other site can open a WebSocket to this server; the browser sends that site's address as ``Origin``.
    """
    return origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}


class Guarded:
    """Rejects browsers that use a name that is not this server's, and adds the security headers."""

    def __init__(self, app: ASGIApp, names: Collection[str], log: LimitedLog) -> None:
        self._app, self._names, self._log = app, names, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            return await self._app(scope, receive, send)
        given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        host, origin = given.get("host", ""), given.get("origin", "")
        refused = ""
        if not is_known(host, self._names):
            refused = (
                f"Host {host[:100]!r} is not a name of this server: use its address, or add the name to http_names"
            )
        elif scope["type"] == "websocket" and not is_own(origin, host):
            refused = f"Origin {origin[:100]!r} is not this server: only its own page may connect"
        if not refused:
            return await self._app(scope, receive, self._with_headers(scope, send))
        self._log.info("page refused", why=refused)
        answer = PlainTextResponse(refused + "\n", 403, headers=dict(HEADERS))
        if scope["type"] == "http":
            return await answer(scope, receive, send)
        return await WebSocket(scope, receive, send).send_denial_response(answer)

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        if scope["type"] != "http":
            return send
        bound = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

        async def send_bound(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *bound]
            await send(message)

        return send_bound


def make_app(pages: Pages, names: Collection[str], log: LimitedLog) -> ASGIApp:
    """The application. ``names``: host names that a browser may use, besides addresses and localhost."""

    async def index(_: Request) -> Response:
        return FileResponse(FILES / "index.html")

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        address = socket.client.host if socket.client else ""
        if pages.full(address):
            pages.counts["refused"] += 1
            await socket.close(TRY_AGAIN_LATER, "too many pages are open")
            return
        with suppress(WebSocketDisconnect, TimeoutError, KeyError):  # closed; stalled; sent bytes, not text
            await pages.serve(socket, address)
        with suppress(RuntimeError, WebSocketDisconnect):  # it is closed already
            await socket.close()

    routes = [Route("/", index), Mount("/page", StaticFiles(directory=FILES)), WebSocketRoute("/live", live)]
    return Guarded(Starlette(routes=routes), names, log)
