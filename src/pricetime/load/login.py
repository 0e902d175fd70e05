"""Logs a connection of the load generator in."""

from __future__ import annotations

import socket
import time
from typing import NamedTuple

from ..address import text
from ..client.dialogue import REMEDIES
from ..errors import PricetimeError
from ..wire.messages import SIZES, Challenge, LoginAccepted
from ..wire.session import Ended, Role, Session
from ..wire.types import MessageType, SessionReason

#: Longest wait for the answer to a login, in seconds.
PATIENCE_S = 10.0


class LoadFailed(PricetimeError):
    """The exchange cannot be reached, refused a login, ended a session, or sent a wrong answer."""


class LoggedIn(NamedTuple):
    """A connection after its login."""

    connection: socket.socket
    accepted: LoginAccepted


def log_in(
    host: str,
    port: int,
    owner: int,
    secret: bytes = b"",
    *,
    resume_from: int | None = None,
    keep_orders: bool = False,
) -> LoggedIn:
    """Connect and log this owner in. ``resume_from``: sequence number of the first report to receive again.

    ``keep_orders``: its orders stay when the session ends. Raises LoadFailed.
    """
    try:
        connection = socket.create_connection((host, port), timeout=PATIENCE_S)
    except OSError as error:
        why = error.strerror or str(error)
        raise LoadFailed(f"no exchange at {text((host, port))}: {why}. Start one: pricetime serve --open") from error
    try:
        accepted = _begin(connection, owner, secret, resume_from, keep_orders)
    except OSError as error:
        connection.close()
        raise LoadFailed(
            f"owner {owner}: {text((host, port))} did not complete the login: {error}. Is it a pricetime server?"
        ) from error
    except BaseException:
        connection.close()
        raise
    return LoggedIn(connection, accepted)


def _begin(
    connection: socket.socket, owner: int, secret: bytes, resume_from: int | None, keep_orders: bool
) -> LoginAccepted:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    session = Session(Role.CLIENT, time.monotonic_ns())
    while True:
        # no more bytes than the shortest dialogue has: the driver must read what follows the login
        data = connection.recv(SIZES[MessageType.LOGIN_ACCEPTED])
        events = session.receive(data, time.monotonic_ns()) if data else session.receive_eof()
        for event in events:
            if isinstance(event, Ended):
                raise LoadFailed(f"the exchange refused the login of owner {owner}: {in_words(event.reason)}")
            if isinstance(event, LoginAccepted):
                return event
            if isinstance(event, Challenge):
                now_ns = time.monotonic_ns()
                login = session.login(owner, secret, now_ns, resume_from=resume_from, keep_orders=keep_orders)
                connection.sendall(login)


def in_words(reason: int) -> str:
    """Why the exchange ended a session, and what to do."""
    if reason not in set(SessionReason):
        return f"reason {reason}"
    known = SessionReason(reason)
    remedy = REMEDIES.get(known, "")
    name = "the connection was closed" if known is SessionReason.NO_REASON else known.name
    return f"{name}: {remedy}" if remedy else name
