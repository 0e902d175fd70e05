"""Which browser may use the page: one that came by a name of this server (``hosts.py``), with a page of this server.

A page from elsewhere may open a WebSocket to any address, and the browser only tells of it: so the origin of a
WebSocket must be the address that it connects to.
"""

from __future__ import annotations

from collections.abc import Mapping

#: What a browser may do with the page: load what this server has, connect to it, and nothing else.
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
    """Is the page that opens a connection one that came from here? By ``https`` too: a proxy may be between."""
    return origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}
