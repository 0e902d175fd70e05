"""Addresses in a network: a host, which is a name or an IPv4 or IPv6 address, and a port."""

from __future__ import annotations

import socket
from typing import Any

Address = tuple[str, int]


def text(address: tuple[Any, ...]) -> str:
    """Return ``host:port`` of an address, also one from a socket; an IPv6 host is in brackets."""
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse(value: str) -> Address:
    """Return the address that ``text`` shows. Raises ValueError."""
    host, _, port = value.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not host or not port.isdecimal() or (":" in host and "[" not in value):
        raise ValueError(f"{value!r} is not an address: give HOST:PORT, or [HOST]:PORT for IPv6")
    return host, int(port)


def resolve(address: Address) -> list[tuple[int, Any]]:
    """Return family and socket address of each address of a host, IPv4 first. Raises OSError.

    Resolving a name may take time; an address is returned at once.
    """
    found = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)
    return [(family, where) for family, _, _, _, where in sorted(found, key=lambda one: one[0] != socket.AF_INET)]
