"""Where something is in a network: a host, which is a name or an address of IPv4 or IPv6, and a port."""

from __future__ import annotations

import socket
from typing import Any

Address = tuple[str, int]


def text(address: tuple[Any, ...]) -> str:
    """``host:port`` of an address, a socket's own too; IPv6 is in brackets."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse(value: str) -> Address:
    """The reverse of ``text``. Raises ValueError."""
    host, _, port = value.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not host or not port.isdecimal() or (":" in host and "[" not in value):
        raise ValueError(f"{value!r} is no address: give HOST:PORT, or [HOST]:PORT for an IPv6 address")
    return host, int(port)


def resolve(address: Address) -> list[tuple[int, Any]]:
    """Family and socket address of each address that a host has, those of IPv4 first. Raises OSError.

    A name waits for the resolver; an address does not.
    """
    found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    return [(family, where) for family, _, _, _, where in sorted(found, key=lambda one: one[0] != socket.AF_INET)]
