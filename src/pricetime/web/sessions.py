"""Who is logged in, from the session events of the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..exchange.control.secrets import Secrets

#: Kinds of events (``exchange/io/layout.pxd``).
BEGAN, ENDED = 1, 2

#: Sessions that a page shows. The others are only counted.
SHOWN = 24


class Sessions:
    """``secrets``: those that are valid now; they have the names of owners."""

    def __init__(self, secrets: Callable[[], Secrets | None]) -> None:
        self._secrets = secrets
        self._since_ns: dict[int, int] = {}  # by owner, in the order of login

    def note(self, kind: int, owner: int, at_ns: int) -> None:
        """Apply an event of a session."""
        if kind in {BEGAN, ENDED}:
            self._since_ns.pop(owner, None)
        if kind == BEGAN:
            self._since_ns[owner] = at_ns

    def rows(self) -> dict[str, Any]:
        """The number of sessions, and the newest ones, the newest first."""
        newest = list(reversed(self._since_ns.items()))[:SHOWN]
        shown = [
            {"owner": owner, "name": self._name(owner), "since": since_ns // 1_000_000} for owner, since_ns in newest
        ]
        return {"count": len(self._since_ns), "newest": shown}

    def _name(self, owner: int) -> str:
        secrets = self._secrets()
        return "" if secrets is None or owner not in secrets else secrets[owner].name
