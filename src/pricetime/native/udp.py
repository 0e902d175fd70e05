"""Opens the socket of a feed."""

from __future__ import annotations

import contextlib
import socket
import warnings
from ipaddress import IPv4Address

from pricetime.errors import FeedUnavailable, SmallReceiveBuffer

# Options of Linux that Python does not name.
SO_RCVBUFFORCE = 33
IP_MULTICAST_ALL = 49
SOL_UDP, UDP_GRO = 17, 104

DEFAULT_BUFFER_BYTES = 64 << 20


def join_feed(group: str, port: int, interface: str, buffer_bytes: int | None = None) -> socket.socket:
    """Return a non-blocking socket that receives the datagrams of a multicast group, or of an address of this machine.

    ``interface``: the IPv4 address, or its name, of the interface on which to join the group. ``buffer_bytes``: receive
    buffer, with a SmallReceiveBuffer warning if the system grants less; by default what the system grants, up to 64
    MiB. Several sockets may join. Raises FeedUnavailable.
    """
    for name, value in (("group", group), ("interface", interface)):
        if ":" in value:
            raise FeedUnavailable(f"{name} {value} is not IPv4: the feed uses IPv4, give an IPv4 address")
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _ask_for_large_pieces(made)
        made.bind((group, port))
        if IPv4Address(group).is_multicast:
            membership = socket.inet_aton(group) + socket.inet_aton(socket.gethostbyname(interface))
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
    except (OSError, ValueError) as error:
        made.close()
        raise FeedUnavailable(
            f"cannot join {group}:{port} on the interface {interface}: {error}. Give the group and port of the feed, "
            "and the address of an interface of this machine that supports multicast"
        ) from error
    _grow(made, buffer_bytes or DEFAULT_BUFFER_BYTES)
    if buffer_bytes is not None and granted_bytes(made) < buffer_bytes:
        warnings.warn(
            f"the system grants a receive buffer of {granted_bytes(made)} bytes, {buffer_bytes} were requested: bursts "
            f"of reports may be lost. As root: sysctl -w net.core.rmem_max={buffer_bytes}",
            SmallReceiveBuffer,
            stacklevel=3,  # the caller of Subscriber
        )
    return made


def _ask_for_large_pieces(made: socket.socket) -> None:
    """Receive joined datagrams if the kernel supports it, and none of other groups on the same port."""
    for level, option, value in ((SOL_UDP, UDP_GRO, 1), (socket.IPPROTO_IP, IP_MULTICAST_ALL, 0)):
        with contextlib.suppress(OSError):
            made.setsockopt(level, option, value)


def _grow(made: socket.socket, buffer_bytes: int) -> None:
    try:
        made.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)
    except OSError:
        with contextlib.suppress(OSError):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)


def granted_bytes(made: socket.socket) -> int:
    """Return the receive buffer of a socket in bytes. Linux reports it twice as large."""
    return made.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
