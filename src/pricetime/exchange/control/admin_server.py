"""Serves ``pricetime admin`` over a Unix socket. The file permissions of the socket decide who may connect.

A connection carries one request, a JSON object on one line, and its reply: one line for each row, then a last line with
``"ok": true``, or with ``"error"`` and the reason. The protocol may change with every version.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from ...errors import PricetimeError
from ..settings.server_log import LimitedLog
from .acceptor import Acceptor
from .operator import Answer
from .places import Places

#: Maximum number of connections; time for a request, and for its reply, in seconds; maximum size of a request.
MOST_CLIENTS, TIMEOUT_S, MOST_BYTES = 8, 5.0, 8192


class AdminServer(Acceptor):
    """Serves requests in the running event loop, from ``open`` to ``close``. ``do``: ``Operator.do``."""

    def __init__(self, listener: socket.socket, do: Callable[[object], Awaitable[Answer]], log: LimitedLog) -> None:
        super().__init__(listener, "cannot accept an admin connection", log)
        self._do = do
        self._clients: Places[asyncio.Task[None]] = Places(MOST_CLIENTS)

    def _start_task(self, connection: socket.socket, address: str) -> asyncio.Task[None]:
        if (idlest := self._clients.displaced_by(address)) is not None:
            self._clients.leave(idlest)
            idlest.cancel()
        task = self._loop.create_task(self._serve(connection))
        self._clients.enter(task, address)
        task.add_done_callback(self._clients.leave)
        return task

    async def _serve(self, connection: socket.socket) -> None:
        """Answer one request. Errors go to the operator, not to the log."""
        try:
            line = await self._read_line(connection, self._loop.time() + TIMEOUT_S)
            rows, last = await self._answer(line)
            rest = memoryview(b"".join(json.dumps(row).encode() + b"\n" for row in [*rows, last]))
            deadline = self._loop.time() + TIMEOUT_S
            while rest:
                rest = rest[await self._send_some(connection, rest, deadline) :]
        except OSError as error:
            self._log.info("admin connection ended", error=str(error))

    async def _answer(self, line: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        try:
            rows, last = await self._do(json.loads(line))
        except (PricetimeError, OSError, ValueError) as error:
            return [], {"error": str(error)}
        return rows, {"ok": True, **last}

    async def _read_line(self, connection: socket.socket, deadline: float) -> bytes:
        got = b""
        while not got.endswith(b"\n"):
            more = await self._receive(connection, MOST_BYTES, deadline)
            got += more
            if not more or len(got) > MOST_BYTES:
                raise ConnectionError("the request is not one line of JSON")
        return got
