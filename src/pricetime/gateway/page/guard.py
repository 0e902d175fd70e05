"""Who may ask: a browser that was sent here by this server, and by nobody else.

A name that an attacker owns may be made to lead to this machine (DNS rebinding), so the name that a browser came by
must be one of ours. A page of somebody else may open a WebSocket to any address, and the browser only tells of it: so
its origin must be the address that it connects to.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from ipaddress import ip_address

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


def is_known(host: str, names: Collection[str]) -> bool:
    """May a browser come by this ``Host``? An address says for itself who is meant; a name must be one of ours."""
    name = host.lower()
    if not name.endswith("]"):
        before, colon, port = name.rpartition(":")
        name = before if colon and port.isdecimal() else name
    if name == "localhost" or name in names:
        return True
    try:
        ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def is_own(origin: str, host: str) -> bool:
    """Is the page that opens a connection one that came from here? By ``https`` too: a proxy may be between."""
    return origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}
