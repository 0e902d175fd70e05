"""By which names a browser may come to a server of ours.

A name that an attacker owns may be made to lead to this machine (DNS rebinding), so the name that a browser came by
must be one of ours.
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address


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
