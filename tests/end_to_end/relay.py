"""A bad network between a feed and a subscriber: it loses, doubles and reorders, each seed in its own way."""

from __future__ import annotations

import random
import socket
import struct
import threading

GROUP = "239.255.77.1"
LOOPBACK = "127.0.0.1"


class Relay:
    """Forwards datagrams of the group from one port to a second one, and drops some. A context manager."""

    def __init__(self, from_port: int, to_port: int, seed: int, most: float) -> None:
        self._random = random.Random(seed)
        self.drop, self.double, self.reorder = (self._random.uniform(0, most) for _ in range(3))
        self.passed = self.dropped = 0
        self._held: bytes | None = None
        self._in = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._in.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._in.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._in.bind((GROUP, from_port))
        membership = struct.pack("4s4s", socket.inet_aton(GROUP), socket.inet_aton(LOOPBACK))
        self._in.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        self._in.settimeout(0.02)
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._out.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LOOPBACK))
        self._out.connect((GROUP, to_port))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._in.close()
        self._out.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                datagram = self._in.recv(65_536)
            except TimeoutError:
                continue
            self._pass_on(datagram)

    def _pass_on(self, datagram: bytes) -> None:
        if self._random.random() < self.drop:
            self.dropped += 1
            return
        if self._held is None and self._random.random() < self.reorder:
            self._held = datagram
            return
        for _ in range(2 if self._random.random() < self.double else 1):
            self._out.send(datagram)
        self.passed += 1
        if self._held is not None:
            self._out.send(self._held)
            self._held = None
