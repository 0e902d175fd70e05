"""The messages that the control side of the server reads and writes."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

CHALLENGE, LOGIN, LOGIN_ACCEPTED, LOGIN_REJECTED, HEARTBEAT, LOGOUT = range(32, 38)
RETRANSMIT_REQUEST, RETRANSMIT_REPLY, SNAPSHOT_REQUEST, SNAPSHOT_HEADER, SNAPSHOT_INSTRUMENT = range(49, 54)
KNOWN = {1, 2, 3, 4, 6, 16, *range(32, 38), *range(48, 55)}
KEEP_ORDERS, RESUME = 1, 2
WIRE_VERSION = 1


class SessionReason(IntEnum):
    NO_REASON = 0
    CLIENT_LOGOUT = 1
    BAD_VERSION = 2
    BAD_CREDENTIALS = 3
    SEQUENCE_GONE = 4
    LOGIN_TIMEOUT = 5
    UNKNOWN_TYPE = 6
    OUT_OF_STATE = 7
    HEARTBEAT_TIMEOUT = 8
    THROTTLE_EXCEEDED = 9
    SLOW_READER = 10
    SUPERSEDED = 11
    SHUTDOWN = 12
    TOO_MANY_CLIENTS = 13


class RetransmitStatus(IntEnum):
    FOLLOWS = 0
    GONE = 1
    AHEAD = 2
    LIMITED = 3


_CHALLENGE = struct.Struct("<BBBBI32s")
_LOGIN = struct.Struct("<BBBBIQ32s")
_REJECTED = struct.Struct("<BBHIQ")
_REQUEST = struct.Struct("<BBHIQQ")
_REPLY = struct.Struct("<BBHIQQQQ")
_HEADER = struct.Struct("<BBHIQQQQQ")
_INSTRUMENT = struct.Struct("<BBHIQQqq16s")

LOGIN_BYTES = _LOGIN.size
RETRANSMIT_REQUEST_BYTES = _REQUEST.size
SNAPSHOT_REQUEST_BYTES = 8


class Login(NamedTuple):
    type: int
    version: int
    flags: int
    zero: int
    owner: int
    next_sequence: int
    proof: bytes


class RetransmitRequest(NamedTuple):
    type: int
    zero: int
    zero2: int
    reports: int
    seq_num: int
    epoch: int


def challenge(*, is_open: bool, timeout_ms: int, nonce: bytes) -> bytes:
    return _CHALLENGE.pack(CHALLENGE, WIRE_VERSION, is_open, 0, timeout_ms, nonce)


def read_login(frame: bytes) -> Login:
    return Login._make(_LOGIN.unpack(frame))


def login_rejected(reason: int, owner: int) -> bytes:
    return _REJECTED.pack(LOGIN_REJECTED, reason, 0, owner, 0)


def logout(reason: int) -> bytes:
    return _REJECTED.pack(LOGOUT, reason, 0, 0, 0)


def read_retransmit_request(frame: bytes) -> RetransmitRequest:
    return RetransmitRequest._make(_REQUEST.unpack(frame))


def retransmit_reply(status: int, count: int, seq_num: int, oldest: int, following: int, epoch: int) -> bytes:
    return _REPLY.pack(RETRANSMIT_REPLY, status, 0, count, seq_num, oldest, following, epoch)


def snapshot_header(instruments: int, seq_num: int, orders: int, digest: int, epoch: int) -> bytes:
    return _HEADER.pack(SNAPSHOT_HEADER, 0, 0, instruments, seq_num, orders, digest, epoch, 0)


def snapshot_instrument(state: int, number: int, tick: int, lot: int, low: int, high: int, symbol: bytes) -> bytes:
    return _INSTRUMENT.pack(SNAPSHOT_INSTRUMENT, state, 0, number, tick, lot, low, high, symbol)
