"""A session of ``pricetime order``: commands out, and the reports that they made."""

from __future__ import annotations

import secrets as randomness
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import TracebackType

from ..errors import PricetimeError
from ..types import ReportKind
from ..wire.messages import CancelOrder, Challenge, ExecutionReport, LoginAccepted, Message
from ..wire.session import Ended, Event, Role, Session
from ..wire.types import ORDER_ID_BITS, SessionReason

READ_BYTES = 1 << 16

#: Why an exchange ends a session, and what to do about it.
REMEDIES = {
    SessionReason.BAD_CREDENTIALS: "see --owner and --secrets-file",
    SessionReason.SUPERSEDED: "the same owner logged in elsewhere",
    SessionReason.TOO_MANY_CLIENTS: "try again later",
    SessionReason.SHUTDOWN: "the exchange is going down",
}


class NoSession(PricetimeError):
    """The exchange cannot be reached, does not let this owner in, or has ended the session."""


class Conversation:
    """Logged in from ``with`` on. ``timeout_s``: the longest wait for anything. Raises NoSession."""

    def __init__(
        self, address: tuple[str, int], owner: int, secret: bytes, *, keep_orders: bool, timeout_s: float
    ) -> None:
        self._where = f"{address[0]}:{address[1]}"
        self._session = Session(Role.CLIENT, time.monotonic_ns())
        self._timeout_s = timeout_s
        try:
            self._socket = socket.create_connection(address, timeout_s)
        except OSError as error:
            raise NoSession(
                f"no exchange at {self._where}: {error.strerror or error}: is `pricetime serve` up?"
            ) from error
        self._login = (owner, secret, keep_orders)

    def __enter__(self) -> Conversation:
        owner, secret, keep_orders = self._login
        try:
            self._wait_for(Challenge)
            self._write(self._session.login(owner, secret, time.monotonic_ns(), keep_orders=keep_orders))
            self._wait_for(LoginAccepted)
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(NoSession, OSError):
            if not self._session.closed and error is None:
                self._write(self._session.logout(time.monotonic_ns()))
                while not self._session.closed:
                    self._read()
        self._socket.close()

    def ask(self, commands: Sequence[Message]) -> Iterator[ExecutionReport]:
        """Send commands: the reports that they make, and those of other orders that come meanwhile.

        After them goes the cancel of an order that is not there: when it is rejected, everything before it is done.
        """
        last = CancelOrder(order_id=randomness.randbits(ORDER_ID_BITS))
        now = time.monotonic_ns()
        self._write(b"".join(self._session.send(message, now) for message in (*commands, last)))
        while True:
            for event in self._read():
                if not isinstance(event, ExecutionReport):
                    continue
                if event.kind == ReportKind.REJECTED and event.order_id == last.order_id:
                    return
                yield event

    def _wait_for(self, kind: type[Message]) -> None:
        while not any(isinstance(event, kind) for event in self._read()):
            pass

    def _write(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise NoSession(f"{self._where}: {error.strerror or error}") from error

    def _read(self) -> list[Event]:
        """What comes next. Raises NoSession when that is the end."""
        try:
            data = self._socket.recv(READ_BYTES)
        except TimeoutError as error:
            raise NoSession(f"{self._where} said nothing for {self._timeout_s:g} s: is it an exchange?") from error
        except OSError as error:
            raise NoSession(f"{self._where}: {error.strerror or error}") from error
        events = self._session.receive(data, time.monotonic_ns()) if data else self._session.receive_eof()
        for event in events:
            if isinstance(event, Ended):
                reason = SessionReason(event.reason)
                why = event.detail or reason.name.lower().replace("_", " ")
                remedy = REMEDIES.get(reason)
                raise NoSession(f"{self._where} ended the session: {why}" + (f": {remedy}" if remedy else ""))
        return events
