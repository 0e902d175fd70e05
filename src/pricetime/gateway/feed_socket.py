"""The socket that the feed leaves by."""

from __future__ import annotations

import socket

from .config import GatewayConfig

SOL_UDP, UDP_SEGMENT = 17, 103

#: As much as the system gives without being asked twice; datagrams beyond it wait in the store.
SEND_BUFFER_BYTES = 4 << 20


def open_feed_socket(settings: GatewayConfig) -> tuple[socket.socket, bool]:
    """A datagram socket connected to the group, and whether the system cuts what it is given into datagrams.

    Raises OSError, with no multicast route for one.
    """
    feed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        interface = socket.inet_aton(str(settings.feed_interface))
        feed.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
        feed.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, settings.feed_ttl)
        feed.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        feed.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        feed.connect((str(settings.feed_group), settings.feed_port))
        return feed, _offload(feed, settings.reports_per_datagram * 48)
    except BaseException:
        feed.close()
        raise


def _offload(feed: socket.socket, datagram_bytes: int) -> bool:
    """Ask the system to cut at whole datagrams (Linux 4.18 and newer)."""
    try:
        feed.setsockopt(SOL_UDP, UDP_SEGMENT, datagram_bytes)
    except OSError:
        return False
    return True
