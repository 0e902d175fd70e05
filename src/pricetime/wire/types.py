"""The numbers of the wire that are not in ``pricetime.types``. Values may be added, but never change."""

from __future__ import annotations

from enum import IntEnum, IntFlag


class MessageType(IntEnum):
    """The first byte of a message, which determines its size."""

    NEW_ORDER = 1
    CANCEL_ORDER = 2
    REPLACE_ORDER = 3
    REDUCE_ORDER = 4
    MASS_CANCEL = 6
    OPEN_ORDERS = 10
    ORDER_EXTENSION = 11
    EXECUTION_REPORT = 16
    CHALLENGE = 32
    LOGIN = 33
    LOGIN_ACCEPTED = 34
    LOGIN_REJECTED = 35
    HEARTBEAT = 36
    LOGOUT = 37
    FEED_HEARTBEAT = 48
    RETRANSMIT_REQUEST = 49
    RETRANSMIT_REPLY = 50
    SNAPSHOT_REQUEST = 51
    SNAPSHOT_HEADER = 52
    SNAPSHOT_INSTRUMENT = 53
    SNAPSHOT_ORDER = 54


class SessionReason(IntEnum):
    """Why a login was rejected or a session ended."""

    NO_REASON = 0
    CLIENT_LOGOUT = 1
    BAD_VERSION = 2
    BAD_CREDENTIALS = 3  #: unknown owner or wrong proof; which of the two is not said on purpose
    SEQUENCE_GONE = 4  #: the requested reports are no longer kept, or were never sent
    LOGIN_TIMEOUT = 5
    UNKNOWN_TYPE = 6
    OUT_OF_STATE = 7
    HEARTBEAT_TIMEOUT = 8
    THROTTLE_EXCEEDED = 9
    SLOW_READER = 10
    SUPERSEDED = 11
    SHUTDOWN = 12
    TOO_MANY_CLIENTS = 13
    SEQUENCE_BROKEN = 14  #: a report is missing or came twice
    CREDENTIALS_REVOKED = 15  #: the owner's secret was removed or changed
    LOGIN_TOO_SOON = 16  #: the owner exceeded the throttle before: try again later
    BY_OPERATOR = 17  #: the operator ended the session or blocks the owner
    NOT_LEADER = 18  #: this node of a cluster does not lead: ``LoginRejected.leader`` says who does


class RetransmitStatus(IntEnum):
    """The answer of the recovery server to a request for reports."""

    RANGE_FOLLOWS = 0
    RANGE_GONE = 1  #: no longer kept: load a snapshot
    RANGE_AHEAD = 2  #: not sent yet
    RANGE_LIMITED = 3  #: too much was requested in too short a time: ask again later


class AcknowledgementLevel(IntEnum):
    """What a report promises about its command."""

    VOLATILE = 0  #: nothing is written
    MEMORY = 1  #: it survives the process
    DURABLE = 2  #: it survives a restart of the machine
    REPLICATED = 3  #: it survives the loss of the machine: a majority of the machines of a cluster has it


class LoginFlag(IntFlag):
    """The bits of ``Login.flags``."""

    KEEP_ORDERS = 1  #: do not cancel this owner's orders when the session ends
    RESUME = 2  #: resume at next_sequence; without it only new reports are sent
    KEEP_GTC_AND_GTD = 4  #: when the session ends, do not cancel this owner's GTC and GTD orders


WIRE_VERSION = 5
NONCE_BYTES = 32
PROOF_BYTES = 32
SYMBOL_BYTES = 16
ADDRESS_BYTES = 64
ORDER_ID_BITS = 48  #: a client's order id is below 2 to this power
MAX_OWNER = 65535
