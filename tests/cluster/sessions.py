"""A client that stays with its node, whatever that does: it shows what a zombie sends."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from pricetime.cluster.local import wait_for
from pricetime.types import EXECUTION_REPORT
from pricetime.wire.messages import SIZES, Challenge, Heartbeat, Login, LoginAccepted, NewOrder
from pricetime.wire.types import WIRE_VERSION, LoginFlag

#: Pause between its heartbeats, in seconds.
ALIVE_S = 0.2


class LastingSession:
    """Logs in as an owner that no other client uses, and sends orders that trade with no other client's.

    A thread reads until the node closes the connection, which it never does by itself.
    """

    def __init__(self, address: str, owner: int) -> None:
        self.owner = owner
        self.reports: list[tuple[float, bytes]] = []  #: with the time when they came
        self._sent = 0
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), 10)
        self._socket.settimeout(10)
        self._data = b""
        self._lock = threading.Lock()
        assert self._message()[0] == Challenge.TYPE
        flags = int(LoginFlag.KEEP_ORDERS)
        self._socket.sendall(Login(version=WIRE_VERSION, flags=flags, owner=owner).encode())
        assert self._message()[0] == LoginAccepted.TYPE
        self._socket.settimeout(ALIVE_S)
        self._thread = threading.Thread(target=self._run, name=f"session {owner}")
        self._thread.start()
        self.send(10)

    def send(self, count: int) -> None:
        """Send orders far from those of all others, which rest."""
        with self._lock, contextlib.suppress(OSError):
            for _ in range(count):
                self._sent += 1
                order = NewOrder(side=1, instrument=1, order_id=self._sent, price=1, quantity=self._sent)
                self._socket.sendall(order.encode())

    def wait_reports(self, number: int) -> None:
        """Wait for so many reports in all."""
        wait_for(lambda: len(self.reports) >= number or None, 30, f"owner {self.owner} gets no reports")

    def wait_end(self) -> None:
        """Wait until the node has closed the connection."""
        self._thread.join(60)
        assert not self._thread.is_alive(), "the old leader keeps a session"
        self._socket.close()

    def _message(self) -> bytes:
        """The next message; b"" at the end."""
        while not self._data or len(self._data) < SIZES[self._data[0]]:
            try:
                more = self._socket.recv(1 << 16)
            except TimeoutError:
                with self._lock:
                    self._socket.sendall(Heartbeat().encode())
                continue
            if not more:
                return b""
            self._data += more
        size = SIZES[self._data[0]]
        message, self._data = self._data[:size], self._data[size:]
        return message

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while message := self._message():
                if message[0] == EXECUTION_REPORT:
                    self.reports.append((time.time(), message))
