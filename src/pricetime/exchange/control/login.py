"""Accepts connections on the port for orders, checks their login, and hands them to the gateway or closes them.

A connection that has not logged in gets few resources: it must log in within ``login_timeout_ms``, the number of such
connections is bounded, and only the login frame is read, because the gateway reads everything after it. It never
reaches the threads that carry orders.

If the maximum number of pending connections is reached, a new connection replaces the one that has waited longest,
among those of the address with the most connections (``places.py``). A flood from one address therefore does not
disturb clients at other addresses, and a client at the same address has as much time to log in as the flood needs to
replace all pending connections once. If the server rejected new connections instead, a few idle ones could lock out all
clients.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Container
from typing import Protocol

from ...wire import auth
from ...wire.messages import SIZES, Challenge, Login, LoginRejected
from ...wire.types import MAX_OWNER, WIRE_VERSION, LoginFlag, MessageType, SessionReason
from ..settings.config import GatewayConfig
from ..settings.server_log import LimitedLog
from .places import Places
from .secrets import Secrets

#: Maximum number of connections accepted in one iteration of the event loop.
ACCEPTS_IN_A_ROW = 32

#: Maximum number of bytes read from a connection that does not log in successfully. Bytes after the login frame are
#: read and discarded before the connection is closed: closing with unread bytes would reset it and lose the rejection.
MOST_READ_BYTES = 128

KNOWN_FLAGS = int(LoginFlag.KEEP_ORDERS | LoginFlag.RESUME)  # an int, because ~ of a Flag differs from ~ of an int

#: Pause in accepting when no file descriptor is left and there is no pending connection to close, in seconds.
OUT_OF_FILES_PAUSE_S = 0.1


class Admit(Protocol):
    """Hands a connection with a valid login to the gateway.

    True: the gateway owns the descriptor and answers the login with LoginAccepted or LoginRejected. False: it has no
    room. Called in the event loop's thread; must not block.
    """

    def __call__(self, fd: int, owner: int, flags: int, next_sequence: int) -> bool: ...


class PendingConnection:
    """A connection that has not logged in."""

    __slots__ = ("address", "deadline", "frame", "nonce", "socket")

    def __init__(self, connection: socket.socket, address: str, deadline: float) -> None:
        self.socket = connection
        self.address = address
        self.deadline = deadline
        self.nonce = auth.make_nonce()
        self.frame = b""  # bytes of the login frame received so far


class LoginHandler:
    """Accepts and checks logins in the running event loop, from ``open`` to ``close``.

    ``secrets``: may be replaced at any time; None accepts every login (setting ``open``). ``blocked``: owners that may
    not log in; its content may change at any time.
    """

    def __init__(
        self,
        listener: socket.socket,
        config: GatewayConfig,
        secrets: Secrets | None,
        admit: Admit,
        log: LimitedLog,
        blocked: Container[int] = (),
    ) -> None:
        self.secrets = secrets
        self._blocked = blocked
        self.counts: Counter[str] = Counter()  #: counters by name
        self._listener = listener
        self._timeout_ms = config.login_timeout_ms
        self._admit = admit
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._pending: Places[PendingConnection] = Places(config.pending_logins)
        self._timer: asyncio.TimerHandle | None = None
        self._short_of_files = False

    def __len__(self) -> int:
        return len(self._pending)

    def open(self) -> None:
        """Start to accept connections."""
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def close(self) -> None:
        """Stop accepting, and reject all pending connections. Can be called twice."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
        for pending in list(self._pending):
            self._reject(pending, SessionReason.SHUTDOWN)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _accept(self) -> None:
        for _ in range(ACCEPTS_IN_A_ROW):
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
                    self._out_of_files(error)
                    return
                continue  # the client has closed it already
            self._begin_login(connection, str(address[0]))
            if self._short_of_files:  # wait until the event loop reports the next connection
                self._short_of_files = False
                return

    def _out_of_files(self, error: OSError) -> None:
        """The machine or the process has no file descriptor left: close a pending connection, or pause."""
        self.counts["out of files"] += 1
        self._short_of_files = True
        self._log.info("cannot accept a connection", error=error.strerror)
        if (longest := self._pending.idlest()) is not None:
            self._reject(longest, SessionReason.TOO_MANY_CLIENTS)
            return
        self._loop.remove_reader(self._listener.fileno())
        self._loop.call_later(OUT_OF_FILES_PAUSE_S, self._resume_accepting)

    def _resume_accepting(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _begin_login(self, connection: socket.socket, address: str) -> None:
        self.counts["connections"] += 1
        if (longest := self._pending.displaced_by(address)) is not None:
            self._reject(longest, SessionReason.TOO_MANY_CLIENTS)
        pending = PendingConnection(connection, address, self._loop.time() + self._timeout_ms / 1000)
        question = Challenge(
            version=WIRE_VERSION, open=self.secrets is None, login_timeout_ms=self._timeout_ms, nonce=pending.nonce
        )
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.send(question.encode())  # never blocks: the send buffer of a new connection is empty
        except OSError:
            connection.close()
            return
        self._pending.enter(pending, address)
        self._loop.add_reader(connection.fileno(), self._receive, pending)
        if self._timer is None:
            self._timer = self._loop.call_at(pending.deadline, self._expire)

    def _expire(self) -> None:
        """Reject the pending connections whose time is over, and set the timer for the next one.

        Their sockets are read first: if this process was suspended, a login may already be there.
        """
        self._timer = None
        now = self._loop.time()
        for longest in list(self._pending):
            if longest.deadline > now:
                self._timer = self._loop.call_at(longest.deadline, self._expire)
                return
            self._receive(longest)
            if longest in self._pending:
                self._reject(longest, SessionReason.LOGIN_TIMEOUT)

    def _receive(self, pending: PendingConnection) -> None:
        try:
            received = pending.socket.recv(Login.SIZE - len(pending.frame))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            received = b""
        if not received:
            self.counts["left"] += 1
            self._remove(pending)
            pending.socket.close()
            return
        pending.frame += received
        if pending.frame[0] != MessageType.LOGIN:
            known = SIZES[pending.frame[0]]
            self._reject(pending, SessionReason.OUT_OF_STATE if known else SessionReason.UNKNOWN_TYPE)
        elif len(pending.frame) == Login.SIZE:
            self._check_login(pending)

    def _check_login(self, pending: PendingConnection) -> None:
        login = Login.decode(pending.frame)
        if login.version != WIRE_VERSION or login.malformed or login.flags & ~KNOWN_FLAGS:
            self._reject(pending, SessionReason.BAD_VERSION, login.owner)
        elif not self._verify(login, pending):
            self._reject(pending, SessionReason.BAD_CREDENTIALS, login.owner)
        elif login.owner in self._blocked:
            self._reject(pending, SessionReason.BY_OPERATOR, login.owner)
        else:
            self._hand_over(pending, login)

    def _verify(self, login: Login, pending: PendingConnection) -> bool:
        """Does the login prove that the client knows the owner's secret?"""
        if self.secrets is None:
            return 1 <= login.owner <= MAX_OWNER
        return auth.verify(self.secrets.get(login.owner), pending.nonce, login)

    def _hand_over(self, pending: PendingConnection, login: Login) -> None:
        self._remove(pending)  # before the gateway gets the descriptor, which it may close at any time
        if self._admit(pending.socket.fileno(), login.owner, login.flags, login.next_sequence):
            pending.socket.detach()
            self.counts["admitted"] += 1
            self._log.info("login", owner=login.owner, address=pending.address)
        else:
            self._send_rejection(pending, SessionReason.TOO_MANY_CLIENTS, login.owner)

    def _reject(self, pending: PendingConnection, reason: SessionReason, owner: int = 0) -> None:
        self._remove(pending)
        self._send_rejection(pending, reason, owner)

    def _send_rejection(self, pending: PendingConnection, reason: SessionReason, owner: int) -> None:
        """Send the reason and close, without waiting for a client that does not read."""
        self.counts[f"rejected: {reason.name}"] += 1
        self._log.info("login rejected", reason=reason.name, owner=owner, address=pending.address)
        try:
            pending.socket.send(LoginRejected(reason=reason, owner=owner).encode())
            pending.socket.recv(MOST_READ_BYTES - Login.SIZE)
        except OSError:
            pass
        finally:
            pending.socket.close()

    def _remove(self, pending: PendingConnection) -> None:
        self._loop.remove_reader(pending.socket.fileno())
        self._pending.leave(pending)
