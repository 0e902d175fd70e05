"""How a session of the load generator begins."""

from __future__ import annotations

import socket
import time
from typing import NamedTuple

from ..address import text
from ..errors import PricetimeError
from ..feed.dialogue import REMEDIES
from ..wire.messages import SIZES, Challenge, LoginAccepted
from ..wire.session import Ended, Role, Session
from ..wire.types import MessageType, SessionReason

#: How long an exchange may take to answer a login.
PATIENCE_S = 10.0


class LoadFailed(PricetimeError):
    """The exchange is not there, refused a login, ended a session, or did not answer as it must."""


class LoggedIn(NamedTuple):
    """A session that has begun."""

    connection: socket.socket
    accepted: LoginAccepted


def log_in(
    host: str, port: int, owner: int, secret: bytes = b"", *, resume_from: int | None = None, keep_orders: bool = False
) -> LoggedIn:
    """A connection on which this owner's session has begun; ``resume_from``: of the first report that follows.

    Raises LoadFailed.
    """
    try:
        connection = socket.create_connection((host, port), timeout=PATIENCE_S)
    except OSError as error:
        why = error.strerror or str(error)
        raise LoadFailed(f"no exchange at {text((host, port))}: {why}. Start one: pricetime serve --open") from error
    try:
        accepted = _begin(connection, owner, secret, resume_from, keep_orders=keep_orders)
    except OSError as error:
        connection.close()
        raise LoadFailed(f"owner {owner}: {text((host, port))} does not log in as an exchange does: {error}") from error
    except BaseException:
        connection.close()
        raise
    return LoggedIn(connection, accepted)


def _begin(
    connection: socket.socket, owner: int, secret: bytes, resume_from: int | None, *, keep_orders: bool
) -> LoginAccepted:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    session = Session(Role.CLIENT, time.monotonic_ns())
    while True:
        # as few bytes as the shortest way there: what follows the login is for whoever reads the reports
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
    """Why a session ended, and what to do."""
    if reason not in set(SessionReason):
        return f"reason {reason}"
    known = SessionReason(reason)
    remedy = REMEDIES.get(known, "")
    name = "the connection was closed" if known is SessionReason.NO_REASON else known.name
    return f"{name}: {remedy}" if remedy else name
