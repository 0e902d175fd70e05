"""A connection to the recovery server that never waits, so that a subscriber reads the feed meanwhile."""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Sequence

from pricetime import address as addresses
from pricetime.client.answers import Answer, Answers
from pricetime.client.errors import InvalidAnswer
from pricetime.wire.messages import Message

READ_BYTES = 1 << 20


class Recovery:
    """One request at a time. Connects for the first, keeps the connection, and reconnects if it breaks.

    ``known``: of each server host, by name or address, and port. Each connection tries the next one, and the next
    address if a name has several.
    ``selector``: watches the connection. ``patience``: seconds that the server may be silent before a question is
    given up.
    """

    def __init__(self, known: Sequence[addresses.Address], selector: selectors.BaseSelector, patience: float) -> None:
        self.known, self.address, self.patience = known, known[0], patience
        self.asking = False  #: whether a request is open
        self.failure = ""  #: why the last request got no answer, empty if it got one
        self._selector = selector
        self._socket: socket.socket | None = None
        self._connections = 0
        self._answers = Answers()
        self._unsent = b""
        self._deadline = 0.0

    def ask(self, wanted: Message, now: float) -> None:
        """Send a request, as far as possible without waiting. ``asking`` is False afterwards if that failed."""
        self.asking = True
        self._unsent = wanted.encode()
        self._deadline = now + self.patience
        try:
            if self._socket is None:
                self._connect()
            self._send()
        except OSError as error:
            self._give_up(str(error))

    def step(self, now: float) -> list[Answer]:
        """Return the answers that have come. ``asking`` is False afterwards if there is one or the request failed."""
        if self._socket is None:
            return []
        found: list[Answer] = []
        try:
            if self._unsent:
                self._send()
            while not found and (data := self._read()) is not None:
                self._deadline = now + self.patience
                found = self._answers.receive(data)
            if not found and self.asking and now > self._deadline:
                raise TimeoutError(f"no answer for {self.patience} s")
        except (OSError, InvalidAnswer) as error:
            self._give_up(str(error))
        if found:
            self.asking = False
            self.failure = ""
        return found

    def leave(self) -> None:
        """The answers of this server are behind: ask the next one, if there is one."""
        if len(self.known) > 1 and not self.asking:
            self.close()

    @property
    def deadline(self) -> float | None:
        """When the open request fails, None without one."""
        return self._deadline if self.asking else None

    def _give_up(self, reason: str) -> None:
        if self.asking:
            self.failure = f"recovery server {addresses.text(self.address)}: {reason}"
        self.close()

    def close(self) -> None:
        if self._socket is not None:
            self._selector.unregister(self._socket)
            self._socket.close()
        self._socket = None
        self._unsent = b""
        self.asking = False
        self._answers = Answers()

    def _connect(self) -> None:
        rounds, place = divmod(self._connections, len(self.known))
        self.address = self.known[place]
        self._connections += 1
        found = addresses.resolve(self.address)
        family, where = found[rounds % len(found)]
        made = socket.socket(family, socket.SOCK_STREAM)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(BlockingIOError):
            made.connect(where)
        self._selector.register(made, selectors.EVENT_READ | selectors.EVENT_WRITE, self)
        self._socket = made
        self._answers = Answers()

    def _send(self) -> None:
        """Send the rest of the request. Raises OSError if the connection fails."""
        assert self._socket is not None
        with contextlib.suppress(BlockingIOError):
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        if not self._unsent:
            self._selector.modify(self._socket, selectors.EVENT_READ, self)

    def _read(self) -> bytes | None:
        """Return what has come, None if nothing has. Raises OSError if the connection has ended."""
        assert self._socket is not None
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return None
        if not data:
            raise ConnectionError("the connection was closed")
        return data
