"""Opens the sockets of a server at the start. A socket that cannot be opened gives a one-line error."""

from __future__ import annotations

import errno
import resource
import socket
from contextlib import ExitStack

from ..settings.config import GatewayConfig
from ..settings.errors import CannotStart
from ..settings.fields import Host

#: Maximum number of connections that the kernel queues until the server accepts them.
BACKLOG = 1024

#: File descriptors for everything except clients.
SPARE_FILES = 64


def listen(host: Host, port: int, setting: str, host_setting: str = "host") -> socket.socket:
    """A non-blocking listening socket. Raises CannotStart.

    ``setting``, ``host_setting``: names of the settings for the port and the host, for error messages.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            str(host), port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )[0]
        with ExitStack() as on_error:
            made = on_error.enter_context(socket.socket(family, kind))
            made.setblocking(False)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(BACKLOG)
            on_error.pop_all()
    except OSError as error:
        raise CannotStart(_why_not(error, host, port, setting, host_setting)) from error
    return made


def _why_not(error: OSError, host: Host, port: int, setting: str, host_setting: str) -> str:
    """Why the server cannot listen on an address, and what to do."""
    if error.errno == errno.EADDRINUSE:
        return f"{setting}: port {port} of {host} is in use: stop the process that uses it, or give a different port"
    if error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{host_setting}: {host} is not an address of this machine: give one of its addresses, or 0.0.0.0 for all"
        )
    if error.errno == errno.EAFNOSUPPORT:
        return (
            f"{host_setting}: this machine has no {'IPv6' if host.version == 6 else 'IPv4'}: give a different address"
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{setting}: this user may not use port {port}: give a port from 1024 upwards"
    return f"{setting}: cannot listen on {host} port {port}: {error.strerror}"


def feed(config: GatewayConfig) -> socket.socket:
    """A UDP socket connected to the feed's multicast group. Raises CannotStart."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    group, interface = config.feed_group, config.feed_interface
    try:
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface.packed)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, config.feed_ttl)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    except OSError as error:
        made.close()
        message = (
            f"feed_interface: {interface} is not the address of a network interface of this machine "
            f"({error.strerror}): give one that is"
        )
        raise CannotStart(message) from error
    try:
        made.connect((str(group), config.feed_port))
    except OSError as error:
        made.close()
        raise CannotStart(
            f"feed_group: there is no multicast route from {interface} to {group} ({error.strerror}): give a different "
            f"feed_interface, or add a route: ip route add 239.0.0.0/8 dev INTERFACE"
        ) from error
    return made


def raise_file_limit(config: GatewayConfig) -> int:
    """Raise the limit of file descriptors to what the maximum number of clients needs.

    Returns how many are missing because the system does not allow them.
    """
    pages = 0 if config.http_port is None else config.http_pages
    wanted = config.max_clients + config.pending_logins + config.recovery_clients + pages + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    target = wanted if hard == unlimited else min(wanted, hard)
    if soft != unlimited and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        soft = target
    return 0 if soft == unlimited else max(0, wanted - soft)
