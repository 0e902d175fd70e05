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

import socket
from collections.abc import Callable, Container
from contextlib import suppress
from typing import TypeAlias

from ...wire import auth
from ...wire.messages import SIZES, Challenge, Login, LoginRejected
from ...wire.session import KNOWN_FLAGS
from ...wire.types import MAX_OWNER, WIRE_VERSION, MessageType, SessionReason
from ..settings.config import GatewayConfig
from ..settings.server_log import LimitedLog
from .acceptor import Acceptor, Client
from .places import Places
from .secrets import Secrets

#: Maximum number of bytes read from a connection that does not log in successfully. Bytes after the login frame are
#: read and discarded before the connection is closed: closing with unread bytes would reset it and lose the rejection.
MOST_READ_BYTES = 128


#: Hands a connection with a valid login to the gateway, see ``Exchange.admit``: its descriptor, owner, flags and next
#: sequence number. True: the gateway owns the descriptor and answers the login. False: it has no room. Must not block.
Admit: TypeAlias = Callable[[int, int, int, int], bool]


class LoginHandler(Acceptor):
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
        super().__init__(listener, "cannot accept a connection", log, Places(config.pending_logins))
        self.secrets = secrets
        self._blocked = blocked
        self._timeout_ms = config.login_timeout_ms
        self._admit = admit

    def _make_room(self) -> bool:
        """Close the pending connection that has waited longest, so that a flood cannot use up all descriptors."""
        if (longest := self._places.idlest()) is not None:
            self._displace(longest)
        return longest is not None

    async def _serve(self, client: Client) -> None:
        """Ask for a login, and hand the connection over or set the reason for its rejection."""
        deadline = self._loop.time() + self._timeout_ms / 1000
        nonce = auth.make_nonce()
        question = Challenge(
            version=WIRE_VERSION, open=self.secrets is None, login_timeout_ms=self._timeout_ms, nonce=nonce
        )
        frame = b""
        try:
            client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.socket.send(question.encode())  # never blocks: the send buffer of a new connection is empty
            while len(frame) < Login.SIZE:
                frame += await self._receive(client.socket, Login.SIZE - len(frame), deadline)
                if frame[0] != MessageType.LOGIN:
                    client.reason = SessionReason.OUT_OF_STATE if SIZES[frame[0]] else SessionReason.UNKNOWN_TYPE
                    return
        except TimeoutError:
            client.reason = SessionReason.LOGIN_TIMEOUT
        except OSError:
            self.counts["left"] += 1
        else:
            self._check_login(client, Login.decode(frame), nonce)

    def _check_login(self, client: Client, login: Login, nonce: bytes) -> None:
        client.owner = login.owner
        if not is_known(login):
            client.reason = SessionReason.BAD_VERSION
        elif not self._verify(login, nonce):
            client.reason = SessionReason.BAD_CREDENTIALS
        elif login.owner in self._blocked:
            client.reason = SessionReason.BY_OPERATOR
        else:
            self._places.leave(client)
            if self._admit(client.socket.fileno(), login.owner, login.flags, login.next_sequence):
                client.socket.detach()  # the gateway has the descriptor, which it may close at any time
                self.counts["admitted"] += 1
                self._log.info("login", owner=login.owner, address=client.address)
            else:
                client.reason = SessionReason.TOO_MANY_CLIENTS

    def _verify(self, login: Login, nonce: bytes) -> bool:
        """Does the login prove that the client knows the owner's secret?"""
        if self.secrets is None:
            return 1 <= login.owner <= MAX_OWNER
        return auth.verify(self.secrets.trader(login.owner), nonce, login)

    def _ended(self, client: Client) -> None:
        """Send the reason of a rejection, without waiting for a client that does not read."""
        if not client.reason:
            return
        self.counts[f"rejected: {client.reason.name}"] += 1
        self._log.info("login rejected", reason=client.reason.name, owner=client.owner, address=client.address)
        with suppress(OSError):
            client.socket.send(self._rejection(client).encode())
            client.socket.recv(MOST_READ_BYTES - Login.SIZE)

    def _rejection(self, client: Client) -> LoginRejected:
        return LoginRejected(reason=client.reason, owner=client.owner)


def is_known(login: Login) -> bool:
    """Is it a login of this version, with known flags?"""
    return login.version == WIRE_VERSION and not login.malformed and not login.flags & ~KNOWN_FLAGS
