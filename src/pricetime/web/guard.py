"""Which browsers may use the page, and what the page may do in them.

A page of any other site can open a WebSocket to this server. The browser sends that site's address as ``Origin``, so a
WebSocket is accepted only if its origin is the address that it connects to.
"""

from __future__ import annotations

from collections.abc import Mapping

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
    """Whether the page that opens a connection came from this server; with https too, for a proxy with TLS."""
    return origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}
