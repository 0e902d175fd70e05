"""Listens to the feed's own group for another publisher: two of them on one group and port ruin both feeds."""

from __future__ import annotations

import ctypes
import select
import socket
import struct
import time
from contextlib import suppress

from ..errors import PricetimeError
from ..feed.udp import join_feed
from .config import GatewayConfig
from .errors import CannotStart

#: Of Linux, where Python has no name for it.
SO_ATTACH_FILTER = 26

#: Instructions of a classic BPF program.
LOAD_HALF, LOAD_WORD, JUMP_EQUAL, RETURN = 0x28, 0x20, 0x15, 0x06

#: Where a filter finds the sender of a datagram: the port begins the UDP header, the address is in that of IP.
PORT_AT, ADDRESS_AT = 0, 0xFFF00000 + 12

#: Datagrams that are looked at in one go, and bytes that the system keeps of those that wait.
MOST_READ, BUFFER_BYTES = 64, 1 << 16

Address = tuple[str, int]


class FeedListener:
    """A socket that hears every datagram of the group but our own, which the system drops before it wakes anything.

    ``own``: the socket that sends the feed. Raises CannotStart.
    """

    def __init__(self, config: GatewayConfig, own: socket.socket) -> None:
        self.datagrams = 0  #: of other publishers, so far; of a flood only some are counted
        self._config = config
        self._own: Address = own.getsockname()
        self._until = time.monotonic() + config.feed_listen_ms / 1000
        try:
            self._socket = join_feed(str(config.feed_group), config.feed_port, str(config.feed_interface), BUFFER_BYTES)
        except PricetimeError as error:
            raise CannotStart(f"feed_listen_ms: {error}; or give 0") from error
        with suppress(OSError):  # then they are told apart here
            drop_from(self._socket, self._own)

    def others(self) -> list[Address]:
        """Who else has sent to the group since the last call, each once."""
        found: dict[Address, None] = {}
        for _ in range(MOST_READ):
            try:
                _, address = self._socket.recvfrom(1)
            except OSError:  # most of the time: nothing is there
                break
            if address != self._own:
                self.datagrams += 1
                found[address] = None
        return list(found)

    def check(self) -> None:
        """Listen until ``feed_listen_ms`` after the socket was opened. Raises CannotStart if there is another."""
        while True:
            left = self._until - time.monotonic()
            heard = select.select([self._socket], [], [], max(0.0, left))[0]
            if heard and (others := self.others()):
                config, (host, port) = self._config, others[0]
                raise CannotStart(
                    f"feed_group: {host}:{port} sends to {config.feed_group}:{config.feed_port} already: "
                    "stop that exchange, or give another feed_group or feed_port; --force starts beside it"
                )
            if left <= 0:
                return

    def close(self) -> None:
        self._socket.close()


def drop_from(receiver: socket.socket, sender: Address) -> None:
    """Let the system drop the datagrams of one sender. Raises OSError."""
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
