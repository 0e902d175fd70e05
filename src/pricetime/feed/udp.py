"""A socket that has joined the group of a feed."""

from __future__ import annotations

import contextlib
import socket
import warnings
from ipaddress import IPv4Address

from pricetime.feed.errors import FeedUnavailable, SmallReceiveBuffer

# Of Linux, where Python has no names for them.
SO_RCVBUFFORCE = 33
IP_MULTICAST_ALL = 49
SOL_UDP, UDP_GRO = 17, 104

DEFAULT_BUFFER_BYTES = 64 << 20


def join_feed(group: str, port: int, interface: str, buffer_bytes: int | None = None) -> socket.socket:
    """A non-blocking socket that gets the datagrams of a group, or those sent to an address of this machine.

    ``interface``: IPv4 address, or a name of one, of the interface that the group is joined on. Several sockets may
    join. Raises FeedUnavailable; warns with SmallReceiveBuffer where the system buffers less than ``buffer_bytes``, by
    default never: then it is as much as the system allows, up to 64 MiB.
    """
    for name, value in (("group", group), ("interface", interface)):
        if ":" in value:
            raise FeedUnavailable(f"{name} {value}: the feed goes by IPv4, give an IPv4 address")
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
            "and the address of an interface of this machine that multicast goes over"
        ) from error
    _grow(made, buffer_bytes or DEFAULT_BUFFER_BYTES)
    if buffer_bytes is not None and granted_bytes(made) < buffer_bytes:
        warnings.warn(
            f"the system buffers {granted_bytes(made)} bytes of the feed, {buffer_bytes} were asked for: reports are "
            f"lost when they come in a burst. As root: sysctl -w net.core.rmem_max={buffer_bytes}",
            SmallReceiveBuffer,
            stacklevel=3,  # whoever makes a subscriber
        )
    return made


def _ask_for_large_pieces(made: socket.socket) -> None:
    """Datagrams that were sent together are read together, where the kernel can; no other group's are read."""
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
    """The receive buffer of a socket, as it may be asked for: Linux counts it twice."""
    return made.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 2
