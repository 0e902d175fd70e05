"""Write ``wire-vectors.json``: messages as values and as bytes, to test an implementation in a different language."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pricetime.native.crc import linked
from pricetime.wire import auth
from pricetime.wire.messages import (
    MESSAGES,
    Challenge,
    ExecutionReport,
    Heartbeat,
    Login,
    LoginAccepted,
    Logout,
    Message,
    NewOrder,
)
from pricetime.wire.sheet import SIZES, Field
from pricetime.wire.types import WIRE_VERSION, SessionReason

NONCE, SECRET = bytes(range(1, 33)), bytes(range(200, 232))

NOTES = [
    "Written by 'make wire'. All numbers little-endian; hex in the order of the wire.",
    "Numbers of 64 bits are strings, because some readers of JSON round them; bytes are hex.",
    "'fields' has neither 'type', which stands beside it, nor fields named zero, which are 0.",
    "proofs: the last 32 bytes of a login are HMAC-SHA256 under 'secret' over 'nonce' and its first 16 bytes.",
    "feed: the first reports of a feed, and the checksum of all reports up to and including each.",
    "session: all messages of a session with their senders, with the secret and the nonce of the first proof.",
]


def counting(field: Field) -> int | bytes:
    """Return a value whose bytes all differ, to reveal a wrong byte order."""
    data = bytes((field.offset + at) % 255 + 1 for at in range(field.size))
    return data if field.length else int.from_bytes(data, "little", signed=field.type.startswith("i"))


def highest(field: Field) -> int | bytes:
    bits = 8 * SIZES[field.type]
    return b"\xff" * field.length if field.length else (1 << bits - field.type.startswith("i")) - 1


def lowest(field: Field) -> int | bytes:
    """Return 0, or the most negative number."""
    return bytes(field.length) if field.length else -(1 << 63) if field.type.startswith("i") else 0


def minus_one(field: Field) -> int | bytes:
    return -1 if field.type.startswith("i") else counting(field)


def examples(kind: type[Message]) -> list[Message]:
    """Return a few different messages of a kind."""
    fields = [field for field in kind.LAYOUT.fields if field.name in kind.FIELDS]
    made = [kind(**{field.name: way(field) for field in fields}) for way in (counting, highest, lowest, minus_one)]
    return list(dict.fromkeys([kind(), *made]))


def plain(message: Message) -> dict[str, Any]:
    """Return the fields for JSON."""
    shown: dict[str, Any] = {}
    for field in message.LAYOUT.fields:
        if field.name in message.FIELDS:
            value = getattr(message, field.name)
            shown[field.name] = value.hex() if field.length else str(value) if field.size == 8 else value
    return shown


def logins() -> list[Login]:
    options = [
        Login(version=WIRE_VERSION, owner=7),
        Login(version=WIRE_VERSION, owner=65535, flags=2, next_sequence=2**40 + 1),
        Login(version=WIRE_VERSION, owner=1, flags=3, next_sequence=1),
    ]
    return [auth.prove(SECRET, NONCE, login) for login in options]


def conversation() -> Iterator[tuple[str, Message]]:
    """Yield the messages of a short session."""
    yield "exchange", Challenge(version=WIRE_VERSION, login_timeout_ms=2000, nonce=NONCE)
    yield "client", logins()[0]
    yield (
        "exchange",
        LoginAccepted(owner=7, next_sequence=1, oldest_sequence=1, heartbeat_ms=1000, timeout_ms=5000),
    )
    yield "client", NewOrder(side=1, instrument=1, order_id=42, price=-10050, quantity=5)
    accepted = ExecutionReport(kind=1, side=1, instrument=1, order_id=42, price=-10050, quantity=5)
    yield "exchange", accepted._replace(seq_num=1, maker_id=0x9E3779B97F4A7C15)
    yield "exchange", Heartbeat(next_sequence=2)
    yield "client", Heartbeat(next_sequence=2)
    yield "client", Logout(reason=SessionReason.CLIENT_LOGOUT, next_sequence=2)
    yield "exchange", Logout(reason=SessionReason.CLIENT_LOGOUT, next_sequence=2)


def history() -> Iterator[tuple[bytes, int]]:
    """Yield the first reports of a feed, each with the checksum of all up to it."""
    rests = ExecutionReport(kind=1, side=2, instrument=1, seq_num=1, order_id=0x9E3779B97F4A7C15, price=101, quantity=5)
    takes = rests._replace(side=1, seq_num=2, order_id=0xC2B2AE3D27D4EB4F, quantity=3)
    trades = takes._replace(kind=2, seq_num=3, maker_id=rests.order_id)
    checksum = 0
    for report in (rests, takes, trades):
        checksum = linked(checksum, report.encode())
        yield report.encode(), checksum


def vectors() -> str:
    """Return the content of the file, a line for each vector."""
    parts: dict[str, list[Any]] = {
        "notes": [*NOTES],
        "messages": [
            {"message": kind.__name__, "type": kind.TYPE, "size": kind.SIZE, "hex": message.encode().hex()}
            | {"fields": plain(message)}
            for kind in MESSAGES.values()
            for message in examples(kind)
        ],
        "proofs": [{"secret": SECRET.hex(), "nonce": NONCE.hex(), "login": login.encode().hex()} for login in logins()],
        "feed": [{"hex": report.hex(), "checksum": checksum} for report, checksum in history()],
        "session": [
            {"from": speaker, "message": type(message).__name__, "hex": message.encode().hex()}
            for speaker, message in conversation()
        ],
    }
    lists = [f'"{name}": [\n' + ",\n".join(map(json.dumps, lines)) + "\n]" for name, lines in parts.items()]
    unknown = json.dumps(sorted(set(range(256)) - set(MESSAGES)))
    return "{\n" + ",\n".join(lists) + f',\n"unknown_types": {unknown}\n}}\n'
