"""Sessions in any state, and two of them that talk to each other."""

import random
from collections.abc import Callable, Iterable

from pricetime.types import Instruction
from pricetime.wire import auth
from pricetime.wire.messages import (
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
)
from pricetime.wire.rules import Role, State
from pricetime.wire.session import Ended, Event, Session
from pricetime.wire.types import WIRE_VERSION

OWNER, SECRET = 7, b"a secret for tests"
CHALLENGE = Challenge(version=WIRE_VERSION, login_timeout_ms=2000, nonce=bytes(range(32)))
LOGIN = auth.prove(SECRET, CHALLENGE.nonce, Login(version=WIRE_VERSION, owner=OWNER))
ACCEPTED = LoginAccepted(owner=OWNER, next_sequence=1, oldest_sequence=1, heartbeat_ms=1000, timeout_ms=5000)
REJECTED = LoginRejected(reason=3, owner=OWNER)
LOGOUT = Logout(reason=1, next_sequence=1)

#: Who says what on the way to each state.
WAYS: dict[State, list[tuple[Role, Message]]] = {State.OPENED: []}
WAYS[State.CHALLENGED] = [(Role.EXCHANGE, CHALLENGE)]
WAYS[State.LOGGING_IN] = [*WAYS[State.CHALLENGED], (Role.CLIENT, LOGIN)]
WAYS[State.ACTIVE] = [*WAYS[State.LOGGING_IN], (Role.EXCHANGE, ACCEPTED)]
WAYS[State.EXTENDING] = [*WAYS[State.ACTIVE], (Role.CLIENT, NewOrder(instructions=Instruction.EXTENDED))]
WAYS[State.LEAVING] = [*WAYS[State.ACTIVE], (Role.CLIENT, LOGOUT)]
WAYS[State.CLOSED] = [*WAYS[State.LEAVING], (Role.EXCHANGE, LOGOUT)]

#: Of each type a message with which nothing is wrong.
GOOD: dict[int, Message] = {number: kind() for number, kind in MESSAGES.items()}
GOOD |= {message.type: message for message in (CHALLENGE, LOGIN, ACCEPTED, REJECTED, LOGOUT)}
GOOD[ExecutionReport.TYPE] = ExecutionReport(kind=1, seq_num=1)
GOOD[Heartbeat.TYPE] = Heartbeat(next_sequence=1)


def session(role: Role, state: State, now_ns: int = 0) -> Session:
    """One end, after all that must be said to come there."""
    made = Session(role, now_ns)
    for speaker, message in WAYS[state]:
        if speaker is role:
            made.send(message, now_ns)
        else:
            made.receive(message.encode(), now_ns)
    assert made.state is state
    return made


class Link:
    """Two ends in memory. What one says comes to the other in pieces of any size, when ``deliver`` is called."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.now_ns = 0
        self.client, self.exchange = Session(Role.CLIENT, 0), Session(Role.EXCHANGE, 0)
        self.heard: dict[Role, list[Event]] = {Role.CLIENT: [], Role.EXCHANGE: []}
        self._way = {Role.CLIENT: bytearray(), Role.EXCHANGE: bytearray()}  # to whom

    def end(self, role: Role) -> Session:
        return self.client if role is Role.CLIENT else self.exchange

    def say(self, role: Role, data: bytes) -> None:
        """Put bytes on the way to the other end."""
        self._way[role.other] += data

    def send(self, role: Role, *messages: Message) -> None:
        for message in messages:
            self.say(role, self.end(role).send(message, self.now_ns))

    def deliver(self, answer: Callable[[Role, Message], Iterable[Message]] = lambda role, message: ()) -> None:
        """Until nothing is on the way. Each message heard is answered as ``answer`` says."""
        while ready := [role for role, way in self._way.items() if way]:
            role = self.rng.choice(ready)
            way = self._way[role]
            count = self.rng.randint(1, min(len(way), self.rng.choice([1, 3, 16, 60, 500])))
            piece, way[:count] = bytes(way[:count]), b""
            for event in self.end(role).receive(piece, self.now_ns):
                self.heard[role].append(event)
                if isinstance(event, Ended):
                    self.say(role, event.reply)
                else:
                    self.send(role, *answer(role, event))

    def log_in(self, resume_from: int | None = None, next_sequence: int = 1) -> None:
        self.say(Role.EXCHANGE, self.exchange.challenge(self.now_ns))
        self.deliver()
        self.say(Role.CLIENT, self.client.login(OWNER, SECRET, self.now_ns, resume_from=resume_from))
        self.deliver()
        login = self.heard[Role.EXCHANGE][-1]
        assert isinstance(login, Login)
        assert auth.verify(SECRET, self.exchange.nonce, login)
        self.send(Role.EXCHANGE, ACCEPTED._replace(next_sequence=resume_from or next_sequence))
        self.deliver()
        assert self.client.state is self.exchange.state is State.ACTIVE
