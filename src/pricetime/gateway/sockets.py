"""The sockets that a server begins with. What cannot be had is told in one line, before anything else runs."""

from __future__ import annotations

import errno
import resource
import socket
from contextlib import ExitStack

from .config import GatewayConfig
from .errors import CannotStart
from .fields import Host

#: Connections that the kernel keeps until they are accepted.
BACKLOG = 1024

#: Descriptors beside those of clients: files, threads' own, the log.
SPARE_FILES = 64


def listen(host: Host, port: int, setting: str, host_setting: str = "host") -> socket.socket:
    """A socket that listens, without waiting. ``setting`` names the port's, and the host's. Raises CannotStart."""
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
    """What to do about an address that cannot be listened on."""
    if error.errno == errno.EADDRINUSE:
        return f"{setting}: port {port} of {host} is in use: end what listens there, or give another port"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host_setting}: {host} is no address of this machine: give one that is, or 0.0.0.0 for all"
    if error.errno == errno.EAFNOSUPPORT:
        return f"{host_setting}: this machine has no {'IPv6' if host.version == 6 else 'IPv4'}: give another address"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{setting}: port {port} is not yours to take: give one from 1024 on"
    return f"{setting}: {host} port {port} cannot be listened on: {error.strerror}"


def feed(config: GatewayConfig) -> socket.socket:
    """A socket connected to the multicast group: every send is a datagram of the feed. Raises CannotStart."""
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    group, interface = config.feed_group, config.feed_interface
    try:
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface.packed)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, config.feed_ttl)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
    except OSError as error:
        made.close()
        message = f"feed_interface: {interface} is no address of an interface here: give one ({error.strerror})"
        raise CannotStart(message) from error
    try:
        made.connect((str(group), config.feed_port))
    except OSError as error:
        made.close()
        raise CannotStart(
            f"feed_group: no multicast route to {group} from {interface} ({error.strerror}): give the feed_interface"
            f" of a network that has one, or add one: ip route add 239.0.0.0/8 dev INTERFACE"
        ) from error
    return made


def raise_file_limit(config: GatewayConfig) -> int:
    """Let this process have a descriptor for every client, as far as the system allows: how many are missing."""
    pages = 0 if config.http_port is None else config.http_pages
    wanted = config.max_clients + config.pending_logins + config.recovery_clients + pages + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    target = wanted if hard == unlimited else min(wanted, hard)
    if soft != unlimited and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
        soft = target
    return 0 if soft == unlimited else max(0, wanted - soft)
