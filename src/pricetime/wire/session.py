"""One end of a session: bytes in, messages out, without sockets or a clock. The rules are in ``rules.py``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..types import Instruction, ReportKind
from . import auth
from .errors import IllegalMessage
from .framing import Frames
from .messages import (
    DTYPES,
    MESSAGES,
    Challenge,
    ExecutionReport,
    Heartbeat,
    Login,
    LoginAccepted,
    LoginRejected,
    Logout,
    Message,
    NewOrder,
    ReplaceOrder,
)
from .rules import BEFORE_LOGIN_BYTES, RULES, Role, State, allowed, refusal
from .types import MAX_OWNER, WIRE_VERSION, LoginFlag, MessageType, SessionReason

__all__ = ["Ended", "Event", "Role", "Session", "State", "allowed"]

MS = 1_000_000  # ns

#: No stream has more reports. So a sequence cannot exceed 64 bits.
MOST_REPORTS = 2**63

#: States before the login is accepted.
BEFORE_LOGIN = frozenset({State.OPENED, State.CHALLENGED, State.LOGGING_IN})

#: States in which the exchange acts next, so it does not wait for the client.
EXCHANGE_ACTS = frozenset({State.LOGGING_IN, State.LEAVING})

_REPORT = DTYPES[ExecutionReport]

KNOWN_REASONS = frozenset(SessionReason)
KNOWN_FLAGS = sum(LoginFlag)  # an int, so that its complement has all other bits

#: What is wrong with a message, NO_REASON if nothing is, and a sentence about it.
Fault = tuple[SessionReason, str]
NO_FAULT: Fault = (SessionReason.NO_REASON, "")


class Ended(NamedTuple):
    """The last event of a session: send ``reply``, if there is one, and close."""

    reason: int  #: a ``SessionReason`` if the number is known
    by: Role  #: the end that ended it
    detail: str = ""
    reply: bytes = b""


Event = Message | Ended


class Session:
    """One end of a session. Pass ``receive`` what was read, ``send`` the messages, and call ``due`` in time.

    Times are ns of any clock that does not go back. The exchange chooses ``heartbeat_ms``, ``timeout_ms`` and
    ``login_timeout_ms``; a client uses them until it receives those of the exchange.
    """

    def __init__(
        self,
        role: Role,
        now_ns: int,
        *,
        heartbeat_ms: int = 1000,
        timeout_ms: int = 5000,
        login_timeout_ms: int = 2000,
    ) -> None:
        self.role = role
        self._enter(State.OPENED)
        self.heartbeat_ms = heartbeat_ms
        self.timeout_ms = timeout_ms
        self.login_timeout_ms = login_timeout_ms
        self.nonce = b""  #: of the challenge
        self.owner = 0  #: of the login
        self.next_sequence = 0  #: of the next report, from LoginAccepted on
        self.opened_ns = self.heard_ns = self.spoken_ns = now_ns
        self._resume_from = 0
        self._frames = Frames()

    @property
    def closed(self) -> bool:
        """Whether the session is over."""
        return self.state is State.CLOSED

    def _enter(self, state: State) -> None:
        self.state = state
        self._may_hear, self._may_say = RULES[state][self.role.other], RULES[state][self.role]

    # ------------------------------------------------------------------ bytes in

    def receive(self, data: bytes | bytearray | memoryview, now_ns: int) -> list[Event]:
        """Return the messages that are complete with these bytes. After an ``Ended``, bytes are ignored."""
        if self.closed:
            return []
        if data:
            self.heard_ns = now_ns
        if self.role is Role.EXCHANGE and self.state in BEFORE_LOGIN:
            data = data[:BEFORE_LOGIN_BYTES]
        events: list[Event] = []
        for frame in self._frames.receive(data):
            kind = frame[0]
            if kind not in self._may_hear:
                return [*events, self._refuse(kind)]
            message = MESSAGES[kind].decode(frame)
            if isinstance(message, Login):
                self.owner = message.owner  # a LoginRejected names it too
            reason, detail = self._fault(message, self.role.other)
            if reason:
                return [*events, self._end(reason, detail)]
            events.append(message)
            if self._follow(message, self.role.other):
                return [*events, Ended(_reason_of(message), self.role.other)]
        first = self._frames.unknown if self._frames.reason else self._frames.begun
        if first is not None and first not in self._may_hear:
            events.append(self._refuse(first))
        return events

    def receive_reports(self, data: bytes | memoryview, now_ns: int) -> int:
        """Return how many bytes at the front of ``data`` are complete reports in sequence; they count as received.
        A refusal is not in sequence: ``receive`` returns it.

        The caller reads them as an array and passes the rest to ``receive``. O(bytes), in NumPy.
        """
        if MessageType.EXECUTION_REPORT not in self._may_hear or self._frames.begun is not None:
            return 0
        reports = np.frombuffer(data, _REPORT, len(data) // _REPORT.itemsize)
        due = np.arange(self.next_sequence, self.next_sequence + len(reports), dtype=np.uint64)
        good = (reports["type"] == ExecutionReport.TYPE) & (reports["seq_num"] == due)
        count = len(good) if good.all() else int(good.argmin())
        if count:
            self.heard_ns = now_ns
            self.next_sequence += count
        return count * _REPORT.itemsize

    def receive_eof(self) -> list[Event]:
        """The connection has ended."""
        if self.closed:
            return []
        self._enter(State.CLOSED)
        return [Ended(SessionReason.NO_REASON, self.role.other, "the connection is closed")]

    def _refuse(self, kind: int) -> Ended:
        name = f"{MESSAGES[kind].__name__} is not allowed" if kind in MESSAGES else f"no message has the type {kind}"
        return self._end(refusal(kind), f"{self.state.value}: {name}")

    # ------------------------------------------------------------------ bytes out

    def send(self, message: Message, now_ns: int) -> bytes:
        """Return the bytes of a message, which must be sent. Raises IllegalMessage, MessageError before any effect."""
        if message.type not in self._may_say:
            raise IllegalMessage(f"{self.role.value}, {self.state.value}: {type(message).__name__} is not allowed")
        reason, detail = self._fault(message, self.role)
        if reason:
            raise IllegalMessage(detail)
        data = message.encode()
        self.spoken_ns = now_ns
        self._follow(message, self.role)
        return data

    def challenge(self, now_ns: int, *, is_open: bool = False) -> bytes:
        """Return the first message of an exchange, with a new nonce. ``is_open``: proofs are not checked."""
        nonce = auth.make_nonce()
        return self.send(
            Challenge(version=WIRE_VERSION, open=is_open, login_timeout_ms=self.login_timeout_ms, nonce=nonce), now_ns
        )

    def login(
        self,
        owner: int,
        secret: bytes,
        now_ns: int,
        *,
        resume_from: int | None = None,
        keep_orders: bool = False,
        keep_gtc_and_gtd: bool = False,
    ) -> bytes:
        """Return the login of a client after the Challenge. ``secret``: b"" if the exchange checks no proofs.

        ``resume_from``: number of the first report wanted, from 1; None for new reports only.
        """
        flags = LoginFlag(0)
        if keep_orders:
            flags |= LoginFlag.KEEP_ORDERS
        if keep_gtc_and_gtd:
            flags |= LoginFlag.KEEP_GTC_AND_GTD
        if resume_from is not None:
            flags |= LoginFlag.RESUME
        login = Login(version=WIRE_VERSION, flags=int(flags), owner=owner, next_sequence=resume_from or 0)
        return self.send(auth.prove(secret, self.nonce, login), now_ns)

    def logout(self, now_ns: int, reason: int = SessionReason.CLIENT_LOGOUT) -> bytes:
        """Return the last message of this end. It closes an exchange's session; a client waits for the answer."""
        return self.send(Logout(reason=reason, next_sequence=self.next_sequence), now_ns)

    # ------------------------------------------------------------------ time

    @property
    def next_due_ns(self) -> int | None:
        """When to call ``due`` next, if nothing is sent or received before; None for never."""
        return min((at for at in (self._heartbeat_ns, self._deadline_ns) if at is not None), default=None)

    def due(self, now_ns: int) -> Heartbeat | Ended | None:
        """Return a Heartbeat to ``send`` or the end of the session if it is due, else None."""
        deadline, heartbeat = self._deadline_ns, self._heartbeat_ns
        if deadline is not None and now_ns >= deadline:
            if self.role is Role.EXCHANGE and self.state in BEFORE_LOGIN:
                return self._end(SessionReason.LOGIN_TIMEOUT, f"no login within {self.login_timeout_ms} ms")
            return self._end(SessionReason.HEARTBEAT_TIMEOUT, f"nothing received for {self.timeout_ms} ms")
        if heartbeat is not None and now_ns >= heartbeat:
            return Heartbeat(next_sequence=self.next_sequence)
        return None

    @property
    def _heartbeat_ns(self) -> int | None:
        if MessageType.HEARTBEAT in self._may_say and self.heartbeat_ms:
            return self.spoken_ns + self.heartbeat_ms * MS
        return None

    @property
    def _deadline_ns(self) -> int | None:
        """When this end gives up waiting for a login, or for any byte."""
        if self.closed or (self.role is Role.EXCHANGE and self.state in EXCHANGE_ACTS):
            return None
        if self.role is Role.EXCHANGE and self.state in BEFORE_LOGIN:
            return self.opened_ns + self.login_timeout_ms * MS
        return self.heard_ns + self.timeout_ms * MS if self.timeout_ms else None

    # ------------------------------------------------------------------ both

    def _fault(self, message: Message, speaker: Role) -> Fault:
        """Return what is wrong with an allowed message."""
        if isinstance(message, ExecutionReport):
            return NO_FAULT if is_refusal(message) else self._fault_in_sequence(message.seq_num)
        if isinstance(message, Challenge) and message.version != WIRE_VERSION:
            return (
                SessionReason.BAD_VERSION,
                f"the exchange uses version {message.version} of the protocol, this client {WIRE_VERSION}",
            )
        if isinstance(message, Login):
            return _fault_of_login(message)
        if isinstance(message, LoginAccepted):
            return self._fault_of_acceptance(message)
        if isinstance(message, Heartbeat | Logout) and speaker is Role.EXCHANGE:
            return self._fault_of_position(message.next_sequence)
        return NO_FAULT

    def _fault_in_sequence(self, seq_num: int) -> Fault:
        if seq_num == self.next_sequence:
            return NO_FAULT
        what = "twice" if seq_num < self.next_sequence else "too early"
        return SessionReason.SEQUENCE_BROKEN, f"report {seq_num} came {what}: expected {self.next_sequence}"

    def _fault_of_position(self, next_sequence: int) -> Fault:
        if next_sequence >= self.next_sequence:
            return NO_FAULT
        return (
            SessionReason.SEQUENCE_BROKEN,
            f"the exchange says that its next report is {next_sequence}: expected {self.next_sequence} or more",
        )

    def _fault_of_acceptance(self, message: LoginAccepted) -> Fault:
        if message.owner != self.owner:
            return SessionReason.OUT_OF_STATE, f"owner {message.owner} was accepted, but {self.owner} logged in"
        if message.next_sequence not in range(1, MOST_REPORTS) or self._resume_from not in {0, message.next_sequence}:
            expected = self._resume_from or "a number from 1"
            return SessionReason.SEQUENCE_BROKEN, f"reports begin with {message.next_sequence}: expected {expected}"
        return NO_FAULT

    def _follow(self, message: Message, speaker: Role) -> bool:
        """Note an allowed message without a fault. Return whether it was the last."""
        self._enter((self._may_say if speaker is self.role else self._may_hear)[message.type])
        if isinstance(message, ExecutionReport):
            self.next_sequence += message.seq_num != 0
        elif isinstance(message, NewOrder | ReplaceOrder):
            if message.instructions & Instruction.EXTENDED:
                self._enter(State.EXTENDING)
        elif isinstance(message, Challenge):
            self.nonce = message.nonce
        elif isinstance(message, Login):
            self.owner = message.owner
            self._resume_from = message.next_sequence if message.flags & LoginFlag.RESUME else 0
        elif isinstance(message, LoginAccepted):
            self.next_sequence = message.next_sequence
            self.heartbeat_ms, self.timeout_ms = message.heartbeat_ms, message.timeout_ms
        return self.closed

    def _end(self, reason: SessionReason, detail: str) -> Ended:
        """End the session from this end, with the reason if a message is allowed."""
        reply = b""
        if MessageType.LOGIN_REJECTED in self._may_say:
            reply = LoginRejected(reason=reason, owner=self.owner).encode()
        elif MessageType.LOGOUT in self._may_say:
            reply = Logout(reason=reason, next_sequence=self.next_sequence).encode()
        self._enter(State.CLOSED)
        return Ended(reason, self.role, detail, reply)


def is_refusal(report: ExecutionReport) -> bool:
    """Whether a report refuses a command that the exchange did not take, so that it has no place in the stream."""
    return report.seq_num == 0 and report.kind == ReportKind.REJECTED


def _fault_of_login(login: Login) -> Fault:
    if login.version != WIRE_VERSION or login.malformed or login.flags & ~KNOWN_FLAGS:
        return (
            SessionReason.BAD_VERSION,
            f"version {login.version}, flags {login.flags}: expected version {WIRE_VERSION} and known flags",
        )
    if not 1 <= login.owner <= MAX_OWNER:
        return SessionReason.BAD_CREDENTIALS, f"owner {login.owner} is out of range: 1 to {MAX_OWNER}"
    return NO_FAULT


def _reason_of(message: Message) -> int:
    """Return the reason of a last message. An unknown one, of a later version, stays an int."""
    assert isinstance(message, LoginRejected | Logout)
    return SessionReason(message.reason) if message.reason in KNOWN_REASONS else message.reason
