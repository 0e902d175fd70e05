"""The rules of a session, the same for both ends: first in words, then as a table. ``session.py`` plays by them.

A session is a conversation of two over one stream of bytes, the CLIENT and the EXCHANGE. Both follow the same table:
a state, who speaks, and the type of the message give the next state, or nothing, and then the message may not come.

    OPENED      The exchange speaks first: a Challenge. If it has no room it says LoginRejected instead.
    CHALLENGED  The client speaks: one Login, with its proof. The exchange waits only so long.
    LOGGING_IN  The exchange answers, LoginAccepted or LoginRejected. The client says nothing until then.
    ACTIVE      Orders one way, reports the other, heartbeats both ways, until one of the two says Logout.
    LEAVING     The client has said Logout, its last message. Reports may still come, then the exchange's own Logout.
    CLOSED      The exchange has said its last message, LoginRejected or Logout. Nothing more is said or heard.

* Only the client's Logout is answered. When the exchange says Logout, or LoginRejected, that is all: what is still on
  its way from the client is not read.
* A message of no known type ends the session, because nobody knows where the next one starts; one that may not come
  now ends it too. Its first byte is enough for that. The end that finds it says why, LoginRejected before the login
  and Logout after it, and closes.
* A client has little to say before it is logged in: of what arrives in one piece no more than 128 bytes are looked at.
* A login of another version, with flags that are not known or with a zero that is none, is BAD_VERSION; one of an owner
  that cannot be is BAD_CREDENTIALS. Whether the proof is good is for the caller to find out (``auth.verify``).
* The reports of a session are numbered without a gap, from the next_sequence of the LoginAccepted on, which is the one
  that the client asked for when it resumes. A report that comes twice or not at all ends the session, SEQUENCE_BROKEN:
  the client logs in again and resumes. The next_sequence of a Heartbeat or a Logout of the exchange may be ahead of the
  reports that came (they are on their way, or left for a resume) but never behind.
* Each end says something at least every heartbeat_ms, and ends the session, HEARTBEAT_TIMEOUT, when it heard nothing
  for timeout_ms; any byte counts. The exchange sets both, in its LoginAccepted; 0 stands for never.
"""

from __future__ import annotations

from enum import Enum

from .messages import SIZES
from .types import MessageType, SessionReason

#: Of what an exchange is sent before the login, so much is looked at.
BEFORE_LOGIN_BYTES = 128


class Role(Enum):
    """One of the two ends."""

    CLIENT = "client"
    EXCHANGE = "exchange"

    @property
    def other(self) -> Role:
        """The end that it speaks with."""
        return Role.EXCHANGE if self is Role.CLIENT else Role.CLIENT


class State(Enum):
    """How far the conversation is."""

    OPENED = "opened"
    CHALLENGED = "challenged"
    LOGGING_IN = "logging in"
    ACTIVE = "active"
    LEAVING = "leaving"
    CLOSED = "closed"


#: state -> who speaks -> type of the message -> next state.
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
    """What may come from an end in a state, as two tables of 256 bytes by the type.

    The first has the size of each message that may come, 0 for any other; the second the ``SessionReason`` that ends
    the session for any other. For loops that look at nothing else, as the gateway's.
    """
    row = RULES[state][sender]
    sizes = bytes(SIZES[kind] if kind in row else 0 for kind in range(256))
    return sizes, bytes(0 if kind in row else refusal(kind) for kind in range(256))


def refusal(kind: int) -> SessionReason:
    """Why a type that may not come may not."""
    return SessionReason.OUT_OF_STATE if SIZES[kind] else SessionReason.UNKNOWN_TYPE
