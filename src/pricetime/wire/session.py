"""One end of a session: bytes in, messages out, no sockets and no clock. The rules are in ``rules.py``."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

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
)
from .rules import BEFORE_LOGIN_BYTES, RULES, Role, State, allowed, refusal
from .types import MAX_OWNER, WIRE_VERSION, LoginFlag, MessageType, SessionReason

__all__ = ["Ended", "Event", "Role", "Session", "State", "allowed"]

MS = 1_000_000  # ns

#: A stream that says it has had so many is wrong; and so a sequence never leaves its 64 bits.
MOST_REPORTS = 2**63

#: States in which a client has not proved who it is.
BEFORE_LOGIN = frozenset({State.OPENED, State.CHALLENGED, State.LOGGING_IN})

#: States in which the exchange waits for nothing: it is its turn.
EXCHANGE_ACTS = frozenset({State.LOGGING_IN, State.LEAVING})

_REPORT = DTYPES[ExecutionReport]

KNOWN_REASONS = frozenset(SessionReason)
KNOWN_FLAGS = sum(LoginFlag)  # a number, whose complement has all other bits

#: What is wrong with a message, NO_REASON where nothing is, and a sentence about it.
Fault = tuple[SessionReason, str]
NO_FAULT: Fault = (SessionReason.NO_REASON, "")


class Ended(NamedTuple):
    """The last event of a session: send ``reply``, where there is one, and close."""

    reason: int  #: a ``SessionReason`` where the number is one
    by: Role  #: who ended it
    detail: str = ""
    reply: bytes = b""


Event = Message | Ended


class Session:
    """One end of a session. ``receive`` what the socket gives, ``send`` messages, ask ``due`` what time demands.

    Times are ns of any clock that does not go back. ``heartbeat_ms``, ``timeout_ms`` and ``login_timeout_ms`` are the
    exchange's to choose; a client has them for the time before it is told.
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
        """Whether everything is said."""
        return self.state is State.CLOSED

    def _enter(self, state: State) -> None:
        self.state = state
        self._may_hear, self._may_say = RULES[state][self.role.other], RULES[state][self.role]

    # ------------------------------------------------------------------ bytes in

    def receive(self, data: bytes | bytearray | memoryview, now_ns: int) -> list[Event]:
        """The messages that these bytes make whole; an ``Ended`` comes last. What comes after it is not looked at."""
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
                self.owner = message.owner  # known to a refusal too
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
        """The bytes at the front of ``data`` that are whole reports, each the next one: they count as received.

        For many at once, which the caller reads as an array; what follows them is for ``receive``. O(bytes), quickly.
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
        """The connection is gone: nothing will come any more."""
        if self.closed:
            return []
        self._enter(State.CLOSED)
        return [Ended(SessionReason.NO_REASON, self.role.other, "the connection is closed")]

    def _refuse(self, kind: int) -> Ended:
        name = f"a {MESSAGES[kind].__name__} may not come" if kind in MESSAGES else f"no message has the type {kind}"
        return self._end(refusal(kind), f"{self.state.value}: {name}")

    # ------------------------------------------------------------------ bytes out

    def send(self, message: Message, now_ns: int) -> bytes:
        """The bytes of a message, which must be sent. Raises IllegalMessage, MessageError; then nothing was done."""
        if message.type not in self._may_say:
            raise IllegalMessage(f"{self.role.value}, {self.state.value}: a {type(message).__name__} may not be sent")
        reason, detail = self._fault(message, self.role)
        if reason:
            raise IllegalMessage(detail)
        data = message.encode()
        self.spoken_ns = now_ns
        self._follow(message, self.role)
        return data

    def challenge(self, now_ns: int, *, is_open: bool = False) -> bytes:
        """The first message of an exchange, with a new nonce. ``is_open``: no proof will be looked at."""
        nonce = auth.make_nonce()
        return self.send(
            Challenge(version=WIRE_VERSION, open=is_open, login_timeout_ms=self.login_timeout_ms, nonce=nonce), now_ns
        )

    def login(
        self, owner: int, secret: bytes, now_ns: int, *, resume_from: int | None = None, keep_orders: bool = False
    ) -> bytes:
        """The login of a client that was challenged, with the proof that it knows the secret (b"" where none is due).

        ``resume_from``: the first report wanted, from 1; None for only what is new.
        """
        flags = LoginFlag(0)
        if keep_orders:
            flags |= LoginFlag.KEEP_ORDERS
        if resume_from is not None:
            flags |= LoginFlag.RESUME
        login = Login(version=WIRE_VERSION, flags=int(flags), owner=owner, next_sequence=resume_from or 0)
        return self.send(auth.prove(secret, self.nonce, login), now_ns)

    def logout(self, now_ns: int, reason: int = SessionReason.CLIENT_LOGOUT) -> bytes:
        """The last message of this end. Of an exchange it closes the session; a client waits for the answer."""
        return self.send(Logout(reason=reason, next_sequence=self.next_sequence), now_ns)

    # ------------------------------------------------------------------ time

    @property
    def next_due_ns(self) -> int | None:
        """When ``due`` has something to say, unless something is said or heard before; None for never."""
        return min((at for at in (self._heartbeat_ns, self._deadline_ns) if at is not None), default=None)

    def due(self, now_ns: int) -> Heartbeat | Ended | None:
        """What time demands: a Heartbeat to ``send``, the end, or nothing yet."""
        deadline, heartbeat = self._deadline_ns, self._heartbeat_ns
        if deadline is not None and now_ns >= deadline:
            if self.role is Role.EXCHANGE and self.state in BEFORE_LOGIN:
                return self._end(SessionReason.LOGIN_TIMEOUT, f"no login within {self.login_timeout_ms} ms")
            return self._end(SessionReason.HEARTBEAT_TIMEOUT, f"nothing was heard for {self.timeout_ms} ms")
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
        """When this end gives up: it waits for a login, or for anything at all."""
        if self.closed or (self.role is Role.EXCHANGE and self.state in EXCHANGE_ACTS):
            return None
        if self.role is Role.EXCHANGE and self.state is not State.ACTIVE:
            return self.opened_ns + self.login_timeout_ms * MS
        return self.heard_ns + self.timeout_ms * MS if self.timeout_ms else None

    # ------------------------------------------------------------------ both

    def _fault(self, message: Message, speaker: Role) -> Fault:
        """What is wrong with a message that may come."""
        if isinstance(message, ExecutionReport):
            return self._fault_in_sequence(message.seq_num)
        if isinstance(message, Challenge) and message.version != WIRE_VERSION:
            return SessionReason.BAD_VERSION, f"the exchange speaks version {message.version}, not {WIRE_VERSION}"
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
        how = "again" if seq_num < self.next_sequence else "too early"
        return SessionReason.SEQUENCE_BROKEN, f"report {seq_num} came {how}: the next is {self.next_sequence}"

    def _fault_of_position(self, next_sequence: int) -> Fault:
        if next_sequence >= self.next_sequence:
            return NO_FAULT
        return (
            SessionReason.SEQUENCE_BROKEN,
            f"the exchange says its next report is {next_sequence}: it is {self.next_sequence}",
        )

    def _fault_of_acceptance(self, message: LoginAccepted) -> Fault:
        if message.owner != self.owner:
            return SessionReason.OUT_OF_STATE, f"owner {message.owner} was accepted where {self.owner} logged in"
        if message.next_sequence not in range(1, MOST_REPORTS) or self._resume_from not in {0, message.next_sequence}:
            due = self._resume_from or "a number from 1"
            return SessionReason.SEQUENCE_BROKEN, f"reports come from {message.next_sequence} on: {due} is due"
        return NO_FAULT

    def _follow(self, message: Message, speaker: Role) -> bool:
        """What both ends remember of a message that may come and has no fault. True when it was the last."""
        self._enter((self._may_say if speaker is self.role else self._may_hear)[message.type])
        if isinstance(message, ExecutionReport):
            self.next_sequence += 1
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
        """This end ends it, and says why if it may still say something."""
        reply = b""
        if MessageType.LOGIN_REJECTED in self._may_say:
            reply = LoginRejected(reason=reason, owner=self.owner).encode()
        elif MessageType.LOGOUT in self._may_say:
            reply = Logout(reason=reason, next_sequence=self.next_sequence).encode()
        self._enter(State.CLOSED)
        return Ended(reason, self.role, detail, reply)


def _fault_of_login(login: Login) -> Fault:
    if login.version != WIRE_VERSION or login.malformed or login.flags & ~KNOWN_FLAGS:
        return SessionReason.BAD_VERSION, f"version {login.version}, flags {login.flags}: here it is {WIRE_VERSION}"
    if not 1 <= login.owner <= MAX_OWNER:
        return SessionReason.BAD_CREDENTIALS, f"owner {login.owner} is not in 1 to {MAX_OWNER}"
    return NO_FAULT


def _reason_of(message: Message) -> int:
    """Of a last message. A reason of a later version is kept as the number it is."""
    assert isinstance(message, LoginRejected | Logout)
    return SessionReason(message.reason) if message.reason in KNOWN_REASONS else message.reason
