"""Sends requests to the exchange of a market as its operator: see ``pricetime admin``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import PricetimeError
from ..exchange.settings.admin_socket import connect


class OperatorFailed(PricetimeError):
    """The exchange did not execute a request of the operator."""


def request(socket: Path, command: str, **arguments: object) -> dict[str, Any]:
    """Send one request: the last line of the answer. Raises OperatorFailed."""
    try:
        with connect(socket) as server, server.makefile("rwb") as stream:
            stream.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
            stream.flush()
            lines = stream.read().splitlines()
    except OSError as error:
        raise OperatorFailed(f"{command}: {error.strerror or error}") from error
    last: dict[str, Any] = json.loads(lines[-1]) if lines else {"error": "the exchange closed the connection"}
    if "error" in last:
        raise OperatorFailed(f"{command}: {last['error']}")
    return last
