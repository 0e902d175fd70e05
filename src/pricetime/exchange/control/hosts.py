"""Checks the ``Host`` header of HTTP requests, against DNS rebinding.

An attacker can point a domain name at this machine and let a victim's browser send requests to it. The server therefore
accepts a request only if its ``Host`` is an address, localhost or a configured name.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address


def is_known(host: str, names: Collection[str]) -> bool:
    """Is this ``Host`` header an address, localhost or one of ``names``? A port is ignored."""
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
