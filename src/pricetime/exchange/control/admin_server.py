"""Serves ``pricetime admin`` over a Unix socket. The file permissions of the socket decide who may connect.

A connection carries one request, a JSON object on one line, and its reply: one line for each row, then a last line with
``"ok": true``, or with ``"error"`` and the reason. The protocol may change with every version.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from ...errors import PricetimeError
from ..settings.server_log import LimitedLog
from .acceptor import Acceptor, Client
from .operator import Answer
from .places import Places

#: Maximum number of connections; time for a request, and for its reply, in seconds; maximum size of a request.
MOST_CLIENTS, TIMEOUT_S, MOST_BYTES = 8, 5.0, 8192


class AdminServer(Acceptor):
    """Serves requests in the running event loop, from ``open`` to ``close``. ``do``: ``Operator.do``."""

    def __init__(self, listener: socket.socket, do: Callable[[object], Awaitable[Answer]], log: LimitedLog) -> None:
        super().__init__(listener, "cannot accept an admin connection", log, Places(MOST_CLIENTS))
        self._do = do

    async def _serve(self, client: Client) -> None:
        """Answer one request. Errors go to the operator, not to the log."""
        try:
            deadline = self._loop.time() + TIMEOUT_S
            line = await self._receive_until(client.socket, b"\n", MOST_BYTES + 1, deadline)
            if not line.endswith(b"\n"):
                raise ConnectionError("the request is not one line of JSON")
            rows, last = await self._answer(line)
            reply = b"".join(json.dumps(row).encode() + b"\n" for row in [*rows, last])
            await self._send_all(client.socket, reply, self._loop.time() + TIMEOUT_S)
        except OSError as error:
            self._log.info("admin connection ended", error=str(error))

    async def _answer(self, line: bytes) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        try:
            rows, last = await self._do(json.loads(line))
        except (PricetimeError, OSError, ValueError) as error:
            return [], {"error": str(error)}
        return rows, {"ok": True, **last}
