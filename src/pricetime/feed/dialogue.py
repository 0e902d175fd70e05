"""A client's side of order entry across connections: what to send, what came, where to go on. No sockets, no clock.

A dialogue is one session after another of the same owner. Each connection has a ``Session`` of its own; the sequence of
the reports goes on over all of them, so that none is lost or comes twice.
"""

from __future__ import annotations

from enum import Enum, auto

from pricetime.checks import whole
from pricetime.errors import InvalidOwner, PricetimeError
from pricetime.feed.errors import ConnectionLost, LoginRefused, SessionEnded
from pricetime.wire.messages import (
    SIZES,
    Challenge,
    Heartbeat,
    LoginAccepted,
)
from pricetime.wire.session import Ended, Event, Role, Session
from pricetime.wire.types import MAX_OWNER, SessionReason

#: Ends after which another connection may go on: the rest would only happen again.
PASSING = frozenset(
    {
        SessionReason.NO_REASON,
        SessionReason.LOGIN_TIMEOUT,
        SessionReason.HEARTBEAT_TIMEOUT,
        SessionReason.SLOW_READER,
        SessionReason.SEQUENCE_BROKEN,
        SessionReason.TOO_MANY_CLIENTS,
        SessionReason.LOGIN_TOO_SOON,
    }
)

#: What to do about an end that does not pass.
REMEDIES = {
    SessionReason.BAD_VERSION: "use a client of the exchange's version",
    SessionReason.BAD_CREDENTIALS: "give an owner that the exchange knows, and its secret",
    SessionReason.SEQUENCE_GONE: "reports were missed for good: log in anew without resume_from, and cancel or look up",
    SessionReason.THROTTLE_EXCEEDED: "send fewer orders a second",
    SessionReason.SUPERSEDED: "the same owner logged in elsewhere: one client an owner",
    SessionReason.CREDENTIALS_REVOKED: "the owner's secret was removed or changed: ask the operator for the new one",
    SessionReason.BY_OPERATOR: "the operator logged the owner out, or blocks it: ask the operator",
    SessionReason.SHUTDOWN: "the exchange is going down: log in when it is back",
}


class Stage(Enum):
    """How far a dialogue is."""

    APART = auto()  #: no connection
    ENTERING = auto()  #: connected, not logged in
    ACTIVE = auto()
    LEAVING = auto()  #: the client has said that it leaves
    OVER = auto()  #: for good: ``error`` says why, None when the client wanted it


class Dialogue:
    """``secret``: b"" where the exchange takes any login. ``resume_from``: the first report wanted, None for new ones.

    ``keep_orders``: the exchange leaves the orders in the book when the session ends. Raises InvalidOwner.
    """

    def __init__(
        self, owner: int, secret: bytes = b"", *, keep_orders: bool = False, resume_from: int | None = None
    ) -> None:
        self.owner = whole(owner, 1, MAX_OWNER, InvalidOwner, "owner")
        self.secret, self.keep_orders = secret, keep_orders
        self.next_sequence = resume_from  #: of the next report; None until the first login without ``resume_from``
        self.stage = Stage.APART
        self.error: PricetimeError | None = None
        self.connections = 0  #: logins that were accepted
        self.caught_up = False  #: has every report come that the exchange has made for commands of connections before?
        self.accepted: LoginAccepted | None = None
        self.outgoing = b""  #: to be sent now
        self._session = Session(Role.CLIENT, 0)
        self._left = b""  # a frame that has begun

    # ------------------------------------------------------------------ connections

    def connected(self, now_ns: int) -> None:
        """There is a connection: the exchange speaks first."""
        self._session = Session(Role.CLIENT, now_ns)
        self._left = self.outgoing = b""
        self.stage = Stage.ENTERING
        self.caught_up = self.connections == 0

    def disconnected(self, detail: str) -> None:
        """The connection is gone."""
        for event in self._session.receive_eof():
            assert isinstance(event, Ended)
            self._end(event._replace(detail=detail))

    def give_up(self, error: PricetimeError) -> None:
        """There will be no other connection."""
        self.stage, self.error = Stage.OVER, error

    # ------------------------------------------------------------------ in

    def receive(self, data: bytes, now_ns: int) -> list[bytes]:
        """What came: the reports in it, as the bytes of whole records. ``outgoing`` and ``stage`` may have changed."""
        data = self._left + data if self._left else data
        self._left = b""
        runs = []
        while data and self.stage not in {Stage.APART, Stage.OVER}:
            size = self._session.receive_reports(data, now_ns)
            if size:
                runs.append(data[:size])
                self.next_sequence = self._session.next_sequence
            else:
                size = SIZES[data[0]] or len(data)
                if size > len(data):
                    self._left = data
                    return runs
                for event in self._session.receive(data[:size], now_ns):
                    self._follow(event, now_ns)
            data = data[size:]
        return runs

    def _follow(self, event: Event, now_ns: int) -> None:
        session = self._session
        if isinstance(event, Ended):
            self._end(event)
        elif isinstance(event, Challenge):
            self.outgoing += session.login(
                self.owner, self.secret, now_ns, resume_from=self.next_sequence, keep_orders=self.keep_orders
            )
        elif isinstance(event, LoginAccepted):
            self.accepted, self.next_sequence = event, session.next_sequence
            self.connections += 1
            self.stage = Stage.ACTIVE
        elif isinstance(event, Heartbeat) and event.next_sequence == session.next_sequence:
            self.caught_up = True

    def _end(self, ended: Ended) -> None:
        self.outgoing = ended.reply
        if self.stage is Stage.LEAVING:
            self.stage = Stage.OVER
            return
        entering, self.stage = self.stage is Stage.ENTERING, Stage.APART
        if ended.reason in PASSING:
            return
        reason = SessionReason(ended.reason).name if ended.reason in set(SessionReason) else str(ended.reason)
        remedy = REMEDIES.get(SessionReason(ended.reason), "") if ended.reason in set(SessionReason) else ""
        message = ", ".join(text for text in (reason, ended.detail) if text) + (f": {remedy}" if remedy else "")
        if entering:
            self.give_up(LoginRefused(f"the exchange refused the login of owner {self.owner}: {message}", ended.reason))
        else:
            self.give_up(SessionEnded(f"the session of owner {self.owner} was ended: {message}", ended.reason))

    @property
    def is_between_messages(self) -> bool:
        """Has everything that came been whole messages? Else the rest of one is under way."""
        return not self._left

    # ------------------------------------------------------------------ out

    def check_active(self) -> None:
        """Raise ConnectionLost or SessionEnded unless commands may be sent now."""
        if self.stage is Stage.ACTIVE:
            return
        if self.error is not None:
            raise self.error
        if self.stage in {Stage.LEAVING, Stage.OVER}:
            raise SessionEnded("the client has logged out: make a new client", SessionReason.CLIENT_LOGOUT)
        raise ConnectionLost("the client is not logged in now: wait_until_active() waits for the login")

    def logout(self, now_ns: int) -> bytes:
        """The client leaves: the exchange answers, and closes."""
        if self.stage is not Stage.ACTIVE:
            self.stage = Stage.OVER
            return b""
        self.stage = Stage.LEAVING
        return self._session.logout(now_ns)

    # ------------------------------------------------------------------ time

    @property
    def next_due_ns(self) -> int | None:
        """When ``due`` should be called."""
        return None if self.stage in {Stage.APART, Stage.OVER} else self._session.next_due_ns

    def due(self, now_ns: int) -> None:
        """What time demands: a heartbeat goes to ``outgoing``; silence ends the connection."""
        if self.stage in {Stage.APART, Stage.OVER}:
            return
        event = self._session.due(now_ns)
        if isinstance(event, Ended):
            self._end(event)
        elif event is not None:
            self.outgoing += self._session.send(event, now_ns)
