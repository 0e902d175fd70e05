"""Listens to the feed's group for a second publisher: two publishers on one group and port make both feeds unusable.

A socket that has joined the group makes each send of the feed about 0.3 us slower, so the listener joins only for short
samples. ``feed_listen_ms`` is long enough to hear a heartbeat of a running publisher.
"""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import time
from contextlib import suppress

from ...errors import PricetimeError
from ...native.udp import join_feed
from ..settings.config import GatewayConfig
from ..settings.errors import CannotStart

#: Linux constant that Python's socket module does not define.
SO_ATTACH_FILTER = 26

#: Opcodes of a classic BPF program.
LOAD_HALF, LOAD_WORD, JUMP_EQUAL, RETURN = 0x28, 0x20, 0x15, 0x06

#: Offsets of the sender for a BPF filter: the port begins the UDP header, the address is in the IP header.
PORT_AT, ADDRESS_AT = 0, 0xFFF00000 + 12

#: Maximum number of datagrams read at once, and size of the socket's receive buffer in bytes.
MOST_READ, BUFFER_BYTES = 64, 1 << 16

Address = tuple[str, int]


class FeedListener:
    """Receives, between ``join`` and ``leave``, the datagrams that other publishers send to the group.

    The kernel drops the datagrams of ``own``, the socket that sends this server's feed. A new listener has joined
    already. Raises CannotStart.
    """

    def __init__(self, config: GatewayConfig, own: socket.socket) -> None:
        self.datagrams = 0  #: datagrams received from other publishers so far
        self._config = config
        self._own: Address = own.getsockname()
        self._until = time.monotonic() + config.feed_listen_ms / 1000
        try:
            self._socket = join_feed(str(config.feed_group), config.feed_port, str(config.feed_interface), BUFFER_BYTES)
        except PricetimeError as error:
            raise CannotStart(f"feed_listen_ms: {error}; or give 0") from error
        self._membership = config.feed_group.packed + config.feed_interface.packed
        self._joined = True
        with suppress(OSError):  # without the filter, others() compares the addresses itself
            drop_from(self._socket, self._own)

    def others(self) -> list[Address]:
        """Addresses of other publishers heard since the last call, each once."""
        found: dict[Address, None] = {}
        for _ in range(MOST_READ):
            try:
                _, address = self._socket.recvfrom(1)
            except OSError:  # usually: no datagram is waiting
                break
            if address != self._own:
                self.datagrams += 1
                found[address] = None
        return list(found)

    def join(self) -> None:
        """Receive datagrams from now on."""
        if not self._joined:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, self._membership)
            self._joined = True

    def leave(self) -> None:
        """Stop receiving, and discard datagrams that were not read."""
        if self._joined:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, self._membership)
            self._joined = False
        while self.others():
            pass

    def check(self) -> None:
        """Listen until ``feed_listen_ms`` after the listener was created, then leave.

        Raises CannotStart if a second publisher was heard.
        """
        waiting = select.poll()  # select() takes no descriptor above 1,023
        waiting.register(self._socket, select.POLLIN)
        while True:
            left = self._until - time.monotonic()
            heard = waiting.poll(max(0.0, 1000 * left))
            if heard and (others := self.others()):
                config, (host, port) = self._config, others[0]
                raise CannotStart(
                    f"feed_group: {host}:{port} already sends to {config.feed_group}:{config.feed_port}: stop that "
                    "exchange, or give a different feed_group or feed_port; --force starts anyway"
                )
            if left <= 0:
                self.leave()
                return

    def close(self) -> None:
        self._socket.close()


def drop_from(receiver: socket.socket, sender: Address) -> None:
    """Let the kernel drop the datagrams of one sender. Raises OSError."""
    host, port = sender
    program = [
        (LOAD_HALF, 0, 0, PORT_AT),
        (JUMP_EQUAL, 0, 2, port),
        (LOAD_WORD, 0, 0, ADDRESS_AT),
        (JUMP_EQUAL, 1, 0, int.from_bytes(socket.inet_aton(host), "big")),
        (RETURN, 0, 0, 0xFFFFFFFF),
        (RETURN, 0, 0, 0),
    ]
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in program)
    kept = ctypes.create_string_buffer(code, len(code))
    receiver.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(kept)))
