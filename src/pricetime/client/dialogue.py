"""A client's sessions over several connections, without sockets or a clock: what to send, what came, where to resume.

Each connection has a ``Session`` of its own. The numbers of the reports continue over all of them, so that none is lost
or comes twice.
"""

from __future__ import annotations

from enum import Enum, auto

from pricetime import address as addresses
from pricetime.checks import whole
from pricetime.client.errors import ConnectionLost, LoginRefused, SessionEnded
from pricetime.errors import InvalidOwner, PricetimeError
from pricetime.wire.messages import (
    SIZES,
    Challenge,
    ExecutionReport,
    Heartbeat,
    LoginAccepted,
    LoginRejected,
)
from pricetime.wire.session import Ended, Event, Role, Session
from pricetime.wire.types import MAX_OWNER, SessionReason

#: Ends after which a new connection can continue. After any other end, a new login would end the same way.
TEMPORARY = frozenset(
    {
        SessionReason.NO_REASON,
        SessionReason.LOGIN_TIMEOUT,
        SessionReason.HEARTBEAT_TIMEOUT,
        SessionReason.SLOW_READER,
        SessionReason.SEQUENCE_BROKEN,
        SessionReason.TOO_MANY_CLIENTS,
        SessionReason.LOGIN_TOO_SOON,
        SessionReason.NOT_LEADER,
    }
)

#: Milliseconds in which the exchange must answer a connection and a login; less if there are several addresses.
ANSWER_MS, ANSWER_OF_SEVERAL_MS = 5000, 2000

#: What to do about a final end.
REMEDIES = {
    SessionReason.BAD_VERSION: "use a client of the exchange's version",
    SessionReason.BAD_CREDENTIALS: "give an owner that the exchange knows, and its secret",
    SessionReason.SEQUENCE_GONE: "log in without resume_from, then call open_orders() or mass_cancel()",
    SessionReason.THROTTLE_EXCEEDED: "send fewer orders a second",
    SessionReason.SUPERSEDED: "the same owner logged in elsewhere: use one client per owner",
    SessionReason.CREDENTIALS_REVOKED: "the owner's secret was removed or changed: ask the operator for the new one",
    SessionReason.BY_OPERATOR: "the operator logged the owner out, or blocks it: ask the operator",
    SessionReason.SHUTDOWN: "the exchange shuts down: log in when it runs again",
}


class Stage(Enum):
    """State of a client's sessions."""

    DISCONNECTED = auto()  #: no connection
    LOGGING_IN = auto()  #: connected, not logged in
    RESUMING = auto()  #: logged in; reports about commands of earlier connections are still to come
    ACTIVE = auto()
    LEAVING = auto()  #: the client has sent its Logout
    ENDED = auto()  #: for good: ``error`` says why, None if the client logged out


class Dialogue:
    """``secret``: b"" if the exchange checks no proofs. ``resume_from``: the first report wanted, None for new ones
    only.

    ``keep_orders``: the exchange leaves the orders in the book when the session ends; ``keep_gtc_and_gtd``: those that
    are GTC or GTD. ``resends``: the caller sends commands of earlier connections again, so a session is active only
    after it has all reports about them. ``several``: the exchange has several addresses, so the end of a server is
    temporary. Raises InvalidOwner.
    """

    def __init__(
        self,
        owner: int,
        secret: bytes = b"",
        *,
        keep_orders: bool = False,
        keep_gtc_and_gtd: bool = False,
        resume_from: int | None = None,
        resends: bool = False,
        several: bool = False,
    ) -> None:
        self.owner = whole(owner, 1, MAX_OWNER, InvalidOwner, "owner")
        self.secret, self.keep_orders, self.keep_gtc_and_gtd = secret, keep_orders, keep_gtc_and_gtd
        self.next_sequence = resume_from  #: of the next report; None before the first login without ``resume_from``
        self.stage = Stage.DISCONNECTED
        self.error: PricetimeError | None = None
        self.connections = 0  #: logins that were accepted
        self.caught_up = False  #: whether all reports about commands of earlier connections have come
        self.accepted: LoginAccepted | None = None
        self.term = 0  #: the highest so far
        self.leader: addresses.Address | None = None  #: where the last node that does not lead said to log in
        self.setback = ""  #: why the last connection could not be used
        self.outgoing = b""  #: to be sent now
        self._resends, self._several = resends, several
        self._session = Session(Role.CLIENT, 0)
        self._left = b""  # an incomplete frame

    # ------------------------------------------------------------------ connections

    def connected(self, now_ns: int) -> None:
        """There is a new connection, on which the exchange sends first."""
        timeout_ms = ANSWER_OF_SEVERAL_MS if self._several else ANSWER_MS
        self._session = Session(Role.CLIENT, now_ns, timeout_ms=timeout_ms)
        self.leader = None
        self._left = self.outgoing = b""
        self.stage = Stage.LOGGING_IN
        self.caught_up = self.connections == 0

    def disconnected(self, detail: str) -> None:
        """The connection has ended."""
        for event in self._session.receive_eof():
            assert isinstance(event, Ended)
            self._end(event._replace(detail=detail))

    def resumed(self) -> None:
        """The caller has sent the commands of earlier connections again, which it may when ``caught_up`` is True."""
        self.stage = Stage.ACTIVE

    def give_up(self, error: PricetimeError) -> None:
        """End for good, with this error."""
        self.stage, self.error = Stage.ENDED, error

    # ------------------------------------------------------------------ in

    def receive(self, data: bytes, now_ns: int) -> list[bytes]:
        """Return the complete reports in what was read, as runs of bytes. May change ``outgoing`` and ``stage``.

        A refusal, which is not in sequence, is a run by itself.
        """
        data = self._left + data if self._left else data
        self._left = b""
        runs = []
        while data and self.stage not in {Stage.DISCONNECTED, Stage.ENDED}:
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
                    if isinstance(event, ExecutionReport):
                        runs.append(data[:size])
                    else:
                        self._follow(event, now_ns)
            data = data[size:]
        return runs

    def _follow(self, event: Event, now_ns: int) -> None:
        session = self._session
        if isinstance(event, Ended):
            self._end(event)
        elif isinstance(event, Challenge):
            self.outgoing += session.login(
                self.owner, self.secret, now_ns, resume_from=self.next_sequence,
                keep_orders=self.keep_orders, keep_gtc_and_gtd=self.keep_gtc_and_gtd,
            )  # fmt: skip
        elif isinstance(event, LoginRejected):
            self._reject(event)
        elif isinstance(event, LoginAccepted):
            self._accept(event)
        elif isinstance(event, Heartbeat) and event.next_sequence == session.next_sequence:
            self.caught_up = True

    def _reject(self, rejected: LoginRejected) -> None:
        """The login was rejected. A node that does not lead may be behind, and then it does not know who leads now. A
        leader of a lower term than one before leads no more, and its reasons do not count: it lacks reports.
        """
        if rejected.reason == SessionReason.NOT_LEADER:
            self.setback = "the node does not lead"
            if rejected.term >= self.term:
                self.leader = parse_leader(rejected.leader)
        elif 0 < rejected.term < self.term:
            self._leave(rejected.term)

    def _leave(self, term: int) -> None:
        """The node has a lower term than one before."""
        self.setback = f"the exchange there has term {term}, and term {self.term} has begun elsewhere"
        self.stage = Stage.DISCONNECTED

    def _accept(self, accepted: LoginAccepted) -> None:
        """The login was accepted. A node of a lower term than one before leads no more: leave it."""
        if accepted.term < self.term:
            self._leave(accepted.term)
            return
        self.accepted, self.term = accepted, accepted.term
        self.next_sequence = self._session.next_sequence
        self.connections += 1
        self.stage = Stage.RESUMING if self._resends and not self.caught_up else Stage.ACTIVE

    def _end(self, ended: Ended) -> None:
        self.outgoing = ended.reply
        if self.stage is Stage.DISCONNECTED:
            return
        if self.stage is Stage.LEAVING:
            self.stage = Stage.ENDED
            return
        logging_in, self.stage = self.stage is Stage.LOGGING_IN, Stage.DISCONNECTED
        if ended.reason in TEMPORARY or (self._several and ended.reason == SessionReason.SHUTDOWN):
            return
        reason = SessionReason(ended.reason).name if ended.reason in set(SessionReason) else str(ended.reason)
        remedy = REMEDIES.get(SessionReason(ended.reason), "") if ended.reason in set(SessionReason) else ""
        message = ", ".join(text for text in (reason, ended.detail) if text) + (f": {remedy}" if remedy else "")
        if logging_in:
            error = f"the exchange rejected the login of owner {self.owner}: {message}"
            self.give_up(LoginRefused(error, ended.reason))
        else:
            self.give_up(SessionEnded(f"the session of owner {self.owner} ended: {message}", ended.reason))

    @property
    def is_between_messages(self) -> bool:
        """Whether all received messages are complete."""
        return not self._left

    # ------------------------------------------------------------------ out

    def check_active(self) -> None:
        """Raise ConnectionLost or SessionEnded unless commands may be sent now."""
        if self.stage is Stage.ACTIVE:
            return
        if self.error is not None:
            raise self.error
        if self.stage in {Stage.LEAVING, Stage.ENDED}:
            raise SessionEnded("the client has logged out: make a new client", SessionReason.CLIENT_LOGOUT)
        raise ConnectionLost("the client is not logged in now: wait_until_active() waits for the login")

    def logout(self, now_ns: int) -> bytes:
        """Return the Logout to send, b"" if the client is not logged in. The exchange answers it and closes."""
        if self.stage not in {Stage.ACTIVE, Stage.RESUMING}:
            self.stage = Stage.ENDED
            return b""
        self.stage = Stage.LEAVING
        return self._session.logout(now_ns)

    # ------------------------------------------------------------------ time

    @property
    def next_due_ns(self) -> int | None:
        """When to call ``due``, None for never."""
        return None if self.stage in {Stage.DISCONNECTED, Stage.ENDED} else self._session.next_due_ns

    def due(self, now_ns: int) -> None:
        """Add a heartbeat to ``outgoing`` if it is due. End the connection if the exchange was silent for too long."""
        if self.stage in {Stage.DISCONNECTED, Stage.ENDED}:
            return
        event = self._session.due(now_ns)
        if isinstance(event, Ended):
            self._end(event)
        elif event is not None:
            self.outgoing += self._session.send(event, now_ns)


def parse_leader(text: bytes) -> addresses.Address | None:
    """Return the address in a rejected login; None without one."""
    try:
        return addresses.parse(text.rstrip(b"\0").decode())
    except ValueError:  # UnicodeDecodeError is one
        return None
