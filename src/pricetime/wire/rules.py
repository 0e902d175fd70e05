"""The rules of a session, the same for both ends: first as text, then as a table that ``session.py`` follows.

A session is a conversation between CLIENT and EXCHANGE over one stream of bytes. Both follow the same table: the state,
the sender and the type of a message determine the next state. A message that is not in the table is not allowed.

    OPENED      The exchange sends first: a Challenge, or LoginRejected if it has no room.
    CHALLENGED  The client sends one Login with its proof. The exchange waits for a limited time.
    LOGGING_IN  The exchange answers with LoginAccepted or LoginRejected. The client sends nothing until then.
    ACTIVE      Commands go one way, reports the other, heartbeats both ways, until one end sends Logout.
    EXTENDING   The client has sent a NewOrder or ReplaceOrder with EXTENDED. Its next message is the OrderExtension.
    LEAVING     The client has sent Logout, its last message. Reports may still come, then the exchange's own Logout.
    CLOSED      The exchange has sent its last message, LoginRejected or Logout. Nothing more is sent or read.

* Only the client's Logout is answered. After a Logout or LoginRejected of the exchange, it does not read what the
  client still had under way.
* A first byte with an unknown type ends the session, because the start of the next message is unknown. A message that
  is not allowed ends it too; its first byte is enough for that. The end that detects it sends the reason, LoginRejected
  before the login and Logout after it, and closes.
* Before the login the exchange reads at most 128 bytes of what arrives in one piece.
* A login with a different version, an unknown flag or a nonzero ``zero`` field is BAD_VERSION; one with an invalid
  owner is BAD_CREDENTIALS. The caller checks the proof (``auth.verify``).
* The reports of a session are numbered without a gap from the next_sequence of LoginAccepted, which is the requested
  one if the client resumes. A report that is missing or comes twice ends the session, SEQUENCE_BROKEN; the client logs
  in again and resumes. The next_sequence of a Heartbeat or Logout of the exchange may be higher than that of the
  reports that came (they are under way, or left for a resume) but never lower.
* A refusal is a REJECTED report with seq_num 0: it belongs to no stream and is never sent again.
* Each end sends something at least every heartbeat_ms, and ends the session, HEARTBEAT_TIMEOUT, after timeout_ms
  without a byte from the other. The exchange sets both in LoginAccepted; 0 means never.
"""

from __future__ import annotations

from enum import Enum

from .messages import SIZES
from .types import MessageType, SessionReason

#: Bytes that an exchange reads of one piece before the login.
BEFORE_LOGIN_BYTES = 128


class Role(Enum):
    """One of the two ends."""

    CLIENT = "client"
    EXCHANGE = "exchange"

    @property
    def other(self) -> Role:
        """The other end."""
        return Role.EXCHANGE if self is Role.CLIENT else Role.CLIENT


class State(Enum):
    """State of a session."""

    OPENED = "opened"
    CHALLENGED = "challenged"
    LOGGING_IN = "logging in"
    ACTIVE = "active"
    EXTENDING = "extending"
    LEAVING = "leaving"
    CLOSED = "closed"


#: state -> sender -> type of the message -> next state. After a NewOrder or ReplaceOrder with EXTENDED it is EXTENDING.
RULES: dict[State, dict[Role, dict[int, State]]] = {
    State.OPENED: {
        Role.CLIENT: {},
        Role.EXCHANGE: {
            MessageType.CHALLENGE: State.CHALLENGED,
            MessageType.LOGIN_REJECTED: State.CLOSED,
        },
    },
    State.CHALLENGED: {
        Role.CLIENT: {MessageType.LOGIN: State.LOGGING_IN},
        Role.EXCHANGE: {MessageType.LOGIN_REJECTED: State.CLOSED},
    },
    State.LOGGING_IN: {
        Role.CLIENT: {},
        Role.EXCHANGE: {
            MessageType.LOGIN_ACCEPTED: State.ACTIVE,
            MessageType.LOGIN_REJECTED: State.CLOSED,
        },
    },
    State.ACTIVE: {
        Role.CLIENT: {
            MessageType.NEW_ORDER: State.ACTIVE,
            MessageType.CANCEL_ORDER: State.ACTIVE,
            MessageType.REPLACE_ORDER: State.ACTIVE,
            MessageType.REDUCE_ORDER: State.ACTIVE,
            MessageType.MASS_CANCEL: State.ACTIVE,
            MessageType.OPEN_ORDERS: State.ACTIVE,
            MessageType.HEARTBEAT: State.ACTIVE,
            MessageType.LOGOUT: State.LEAVING,
        },
        Role.EXCHANGE: {
            MessageType.EXECUTION_REPORT: State.ACTIVE,
            MessageType.HEARTBEAT: State.ACTIVE,
            MessageType.LOGOUT: State.CLOSED,
        },
    },
    State.EXTENDING: {
        Role.CLIENT: {MessageType.ORDER_EXTENSION: State.ACTIVE},
        Role.EXCHANGE: {
            MessageType.EXECUTION_REPORT: State.EXTENDING,
            MessageType.HEARTBEAT: State.EXTENDING,
            MessageType.LOGOUT: State.CLOSED,
        },
    },
    State.LEAVING: {
        Role.CLIENT: {},
        Role.EXCHANGE: {
            MessageType.EXECUTION_REPORT: State.LEAVING,
            MessageType.HEARTBEAT: State.LEAVING,
            MessageType.LOGOUT: State.CLOSED,
        },
    },
    State.CLOSED: {Role.CLIENT: {}, Role.EXCHANGE: {}},
}


def allowed(sender: Role = Role.CLIENT, state: State = State.ACTIVE) -> tuple[bytes, bytes]:
    """Return which messages an end may send in a state, as two tables of 256 bytes, indexed by type.

    The first has the size of each allowed message, 0 for others. The second has the ``SessionReason`` that ends the
    session for others, 0 for allowed ones. For compiled loops.
    """
    row = RULES[state][sender]
    sizes = bytes(SIZES[kind] if kind in row else 0 for kind in range(256))
    return sizes, bytes(0 if kind in row else refusal(kind) for kind in range(256))


def refusal(kind: int) -> SessionReason:
    """Return the reason that a message of a type that is not allowed ends the session with."""
    return SessionReason.OUT_OF_STATE if SIZES[kind] else SessionReason.UNKNOWN_TYPE
