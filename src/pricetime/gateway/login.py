"""Everything before login: connections are accepted, asked who they are, and handed to the gateway or closed.

A stranger gets little: one frame of a login is read and not a byte beyond it, so that what follows is the gateway's to
read; two seconds; and one of a bounded number of places. It never reaches the threads that carry orders.

When every place is taken, a newcomer gets the place of the connection that has waited longest, among those of the
address with most of them (``places.py``). A client from another address than a flood keeps its place however fast the
flood comes, and one from the same address has the time in which the flood fills all places once. To refuse newcomers
instead would let a few idle connections lock everyone out, two seconds at a time, for ever.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import Counter
from collections.abc import Container
from typing import Protocol

from ..wire import auth
from ..wire.messages import SIZES, Challenge, Login, LoginRejected
from ..wire.types import MAX_OWNER, WIRE_VERSION, LoginFlag, MessageType, SessionReason
from .config import GatewayConfig
from .log import Seldom
from .places import Places
from .secrets import Secrets

#: Connections accepted before other events of the loop have their turn.
ACCEPTS_IN_A_ROW = 32

#: What is looked at of a connection that has not logged in: its login, and this much thrown away when it is refused,
#: so that the refusal arrives (closing over unread bytes would reset the connection).
LOOKED_AT_BYTES = 128

KNOWN_FLAGS = int(LoginFlag.KEEP_ORDERS | LoginFlag.RESUME)  # ~ of a flag is not that of its number

#: No descriptor is left and nobody can be put out: how long nothing is accepted.
OUT_OF_FILES_PAUSE_S = 0.1


class Admit(Protocol):
    """Takes a connection whose login was good: with True the descriptor is the gateway's, to read, write and close.

    It may refuse with False when it has no room. It answers the login itself, LoginAccepted or LoginRejected. Called in
    the thread of the loop; must not wait.
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
        self.frame = b""  # of the login, as far as it came


class LoginHandler:
    """The door. ``secrets`` may be put in anew at any time; None takes any login, for a server that is open.

    ``blocked``: owners that may not log in; the set may change at any time.
    """

    def __init__(
        self,
        listener: socket.socket,
        config: GatewayConfig,
        secrets: Secrets | None,
        admit: Admit,
        log: Seldom,
        blocked: Container[int] = (),
    ) -> None:
        self.secrets = secrets
        self._blocked = blocked
        self.counts: Counter[str] = Counter()  #: what happened here so far, by name
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
        """Begin to accept."""
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def close(self) -> None:
        """Accept no more, and tell those who wait. May be called again."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
        for pending in list(self._pending):
            self._refuse(pending, SessionReason.SHUTDOWN)
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
                continue  # it was gone before we came to it
            self._welcome(connection, str(address[0]))
            if self._short_of_files:  # whether another waits is known only when the loop says so
                self._short_of_files = False
                return

    def _out_of_files(self, error: OSError) -> None:
        """The machine or the process has no descriptor left: put one out, or wait a little."""
        self.counts["out of files"] += 1
        self._short_of_files = True
        self._log.info("no connection can be accepted", error=error.strerror)
        if (longest := self._pending.idlest()) is not None:
            self._refuse(longest, SessionReason.TOO_MANY_CLIENTS)
            return
        self._loop.remove_reader(self._listener.fileno())
        self._loop.call_later(OUT_OF_FILES_PAUSE_S, self._again)

    def _again(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener.fileno(), self._accept)

    def _welcome(self, connection: socket.socket, address: str) -> None:
        self.counts["connections"] += 1
        if (longest := self._pending.displaced_by(address)) is not None:
            self._refuse(longest, SessionReason.TOO_MANY_CLIENTS)
        pending = PendingConnection(connection, address, self._loop.time() + self._timeout_ms / 1000)
        question = Challenge(
            version=WIRE_VERSION, open=self.secrets is None, login_timeout_ms=self._timeout_ms, nonce=pending.nonce
        )
        try:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.send(question.encode())  # the first bytes of a connection always have room
        except OSError:
            connection.close()
            return
        self._pending.enter(pending, address)
        self._loop.add_reader(connection.fileno(), self._hear, pending)
        if self._timer is None:
            self._timer = self._loop.call_at(pending.deadline, self._expire)

    def _expire(self) -> None:
        """Refuse those whose time is over; look again when that of the next one is.

        What they sent is read first: if this process was stopped for a while, a login may wait in the socket.
        """
        self._timer = None
        now = self._loop.time()
        for longest in list(self._pending):
            if longest.deadline > now:
                self._timer = self._loop.call_at(longest.deadline, self._expire)
                return
            self._hear(longest)
            if longest in self._pending:
                self._refuse(longest, SessionReason.LOGIN_TIMEOUT)

    def _hear(self, pending: PendingConnection) -> None:
        try:
            heard = pending.socket.recv(Login.SIZE - len(pending.frame))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            heard = b""
        if not heard:
            self.counts["left"] += 1
            self._forget(pending)
            pending.socket.close()
            return
        pending.frame += heard
        if pending.frame[0] != MessageType.LOGIN:
            known = SIZES[pending.frame[0]]
            self._refuse(pending, SessionReason.OUT_OF_STATE if known else SessionReason.UNKNOWN_TYPE)
        elif len(pending.frame) == Login.SIZE:
            self._judge(pending)

    def _judge(self, pending: PendingConnection) -> None:
        login = Login.decode(pending.frame)
        if login.version != WIRE_VERSION or login.malformed or login.flags & ~KNOWN_FLAGS:
            self._refuse(pending, SessionReason.BAD_VERSION, login.owner)
        elif not self._is(login, pending):
            self._refuse(pending, SessionReason.BAD_CREDENTIALS, login.owner)
        elif login.owner in self._blocked:
            self._refuse(pending, SessionReason.BY_OPERATOR, login.owner)
        else:
            self._hand_over(pending, login)

    def _is(self, login: Login, pending: PendingConnection) -> bool:
        """Whether the pending connection is who it says."""
        if self.secrets is None:
            return 1 <= login.owner <= MAX_OWNER
        return auth.verify(self.secrets.get(login.owner), pending.nonce, login)

    def _hand_over(self, pending: PendingConnection, login: Login) -> None:
        self._forget(pending)  # before the gateway has the descriptor, which it may close at any moment
        if self._admit(pending.socket.fileno(), login.owner, login.flags, login.next_sequence):
            pending.socket.detach()
            self.counts["admitted"] += 1
            self._log.info("login", owner=login.owner, address=pending.address)
        else:
            self._turn_away(pending, SessionReason.TOO_MANY_CLIENTS, login.owner)

    def _refuse(self, pending: PendingConnection, reason: SessionReason, owner: int = 0) -> None:
        self._forget(pending)
        self._turn_away(pending, reason, owner)

    def _turn_away(self, pending: PendingConnection, reason: SessionReason, owner: int) -> None:
        """Say why, and close. A pending connection that does not read is not waited for."""
        self.counts[f"refused: {reason.name}"] += 1
        self._log.info("login refused", reason=reason.name, owner=owner, address=pending.address)
        try:
            pending.socket.send(LoginRejected(reason=reason, owner=owner).encode())
            pending.socket.recv(LOOKED_AT_BYTES - Login.SIZE)
        except OSError:
            pass
        finally:
            pending.socket.close()

    def _forget(self, pending: PendingConnection) -> None:
        self._loop.remove_reader(pending.socket.fileno())
        self._pending.leave(pending)
