"""Pages and term records: the messages of a partition's stream, as bytes and as values.

A page holds commands and the checkpoints between them. A term record begins a term. Each message covers the digest of
the message before it, so the messages of a stream are a chain: a changed, missing or foreign message breaks it.
Numbers are little-endian.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import blake2b
from typing import ClassVar, TypeAlias

import numpy as np

from ..errors import PricetimeError
from ..log.batch import Batch, Checkpoint, Commands
from ..log.configuration import Configuration
from ..types import COMMAND

MAGIC, VERSION = b"PTPG", 1

#: Magic, version, kind, checkpoints, term, commands, first, last, digest of the message before, own digest.
_HEAD = struct.Struct("<4sHBBIIQQ16s16s32x")
_CHECKPOINT = struct.Struct("<IIQQQ")
_DIGEST = slice(48, 64)  #: of the own digest in the head

DIGEST_BYTES = 16
NO_DIGEST = bytes(DIGEST_BYTES)  #: before the first message

#: Most commands and most checkpoints of a page, which together take less than 64 KiB.
COMMANDS, CHECKPOINTS = 1_000, 45

#: Most bytes of a term record, whose configuration lists all instruments.
TERM_BYTES = 960 << 10


class ChainBroken(PricetimeError, ValueError):
    """A message is damaged, or does not continue the stream. The text says which one and what is wrong."""


class Kind(IntEnum):
    """What a message is."""

    PAGE = 1
    TERM = 2


@dataclass(frozen=True, slots=True)
class Page:
    """Commands of one term, and the checkpoints between them."""

    kind: ClassVar[Kind] = Kind.PAGE

    term: int
    first: int  #: sequence of the first command; without commands: of the next one
    last: int  #: sequence of the last command; without commands ``first - 1``
    before: bytes  #: digest of the message before
    digest: bytes
    commands: Commands = field(compare=False)  #: read-only
    checkpoints: tuple[Checkpoint, ...]  #: ``index``: commands of this page that come before
    data: bytes = field(repr=False)  #: the message

    @classmethod
    def make(cls, term: int, first: int, commands: Commands, checkpoints: Sequence[Checkpoint], before: bytes) -> Page:
        """Make the page. Raises ValueError if it were too large, or if the commands are not ``first`` and the next."""
        count, last = len(commands), first + len(commands) - 1
        body = b"".join(_encoded(point) for point in checkpoints) + commands.tobytes()
        if count > COMMANDS or len(checkpoints) > CHECKPOINTS:
            raise ValueError(f"{count} commands and {len(checkpoints)} checkpoints are too many for a page")
        if not np.array_equal(commands["sequence"], np.arange(first, last + 1, dtype=np.uint64)):
            raise ValueError(f"the commands of a page are not {first} to {last} in order")
        if any(point.index > count for point in checkpoints):
            raise ValueError(f"a checkpoint of a page is after its {count} commands")
        data, digest = _sealed(Kind.PAGE, len(checkpoints), term, count, first, before, body)
        return cls(term, first, last, before, digest, _commands_of(data, count), tuple(checkpoints), data)

    @property
    def message_id(self) -> str:
        """What identifies the message in its partition: JetStream stores the same bytes once."""
        return f"{self.term}/{self.first}/{self.digest.hex()}"


@dataclass(frozen=True, slots=True)
class TermRecord:
    """The beginning of a term: which node leads from the next command on, and with which settings."""

    kind: ClassVar[Kind] = Kind.TERM

    term: int
    first: int  #: sequence of the next command
    last: int  #: ``first - 1``
    before: bytes  #: digest of the message before
    digest: bytes
    node: str
    began_ns: int  #: since 1970
    epoch: int  #: of the feed, ns
    configuration: Configuration
    addresses: Mapping[str, str]  #: of the node: what for, ``host:port``
    program: str  #: version of pricetime
    data: bytes = field(repr=False)  #: the message

    @classmethod
    def make(
        cls, term: int, first: int, before: bytes, *,
        node: str, began_ns: int, epoch: int, configuration: Configuration, addresses: Mapping[str, str], program: str,
    ) -> TermRecord:  # fmt: skip
        """Make the record. Raises ValueError if the configuration has too many instruments for it."""
        values = {
            "addresses": dict(addresses),
            "began_ns": began_ns,
            "configuration": json.loads(configuration.to_json()),
            "epoch": epoch,
            "node": node,
            "program": program,
        }
        body = _json(values)
        if _HEAD.size + len(body) > TERM_BYTES:
            raise ValueError(
                f"the settings of {len(configuration.instruments)} instruments take {len(body):,} bytes, and a term "
                f"record has room for {TERM_BYTES - _HEAD.size:,}: divide the instruments into more partitions"
            )
        data, digest = _sealed(Kind.TERM, 0, term, 0, first, before, body)
        said = node, began_ns, epoch, configuration, dict(addresses), program
        return cls(term, first, first - 1, before, digest, *said, data)

    @property
    def message_id(self) -> str:
        """What identifies the message in its partition. It differs for two nodes that begin the same term, so that
        JetStream cannot take the record of one for a repetition of the other's.
        """
        return f"{self.term}/term/{self.digest.hex()}"


Message: TypeAlias = Page | TermRecord


def decode(data: bytes, where: str) -> Message:
    """Return the page or the term record in a message. ``where`` names the message in errors. Raises ChainBroken."""
    if len(data) < _HEAD.size:
        raise ChainBroken(f"{where} has {len(data)} bytes, and a page has at least {_HEAD.size}")
    magic, version, kind, points, term, count, first, last, before, digest = _HEAD.unpack_from(data)
    if magic != MAGIC:
        raise ChainBroken(f"{where} is not a page of pricetime")
    if version != VERSION:
        raise ChainBroken(f"{where} has version {version}, and this program reads version {VERSION}: upgrade pricetime")
    if digest != _digest_of(data):
        raise ChainBroken(f"{where} is damaged: its digest is {_digest_of(data).hex()} instead of {digest.hex()}")
    body = _HEAD.size + points * _CHECKPOINT.size
    if kind == Kind.TERM and not points and not count and last == first - 1:
        return _term_record(data, where, (term, first, last, before, digest))
    if kind != Kind.PAGE or last != first + count - 1 or len(data) != body + count * COMMAND.itemsize:
        raise ChainBroken(f"{where} contradicts itself: kind {kind}, {count} commands from {first} to {last}")
    checkpoints = tuple(map(_decoded, _CHECKPOINT.iter_unpack(data[_HEAD.size : body])))
    return Page(term, first, last, before, digest, _commands_of(data, count), checkpoints, data)


def continues(message: Message, before: Message | None, where: str) -> bool:
    """Whether a message continues the stream after ``before``, None at its beginning. If not, it is void.

    Raises ChainBroken if it continues the digest, but not the term or the commands.
    """
    if message.before != (NO_DIGEST if before is None else before.digest):
        return False
    if before is None:
        return True
    if message.first != before.last + 1:
        raise ChainBroken(f"{where} begins at command {message.first}, after command {before.last}")
    if message.term <= before.term if message.kind == Kind.TERM else message.term != before.term:
        raise ChainBroken(f"{where} is of term {message.term}, after term {before.term}")
    return True


def pages_of(batch: Batch, term: int, after: int, before: bytes) -> Iterator[Page]:
    """Cut a batch into pages of at most ``COMMANDS`` commands; each continues the one before it.

    ``after``: sequence of the last command before the batch. ``before``: digest of the message before. A checkpoint
    between two pages is in the first of them. A batch of nothing makes no page.
    """
    points = sorted(batch.checkpoints)
    start = 0
    while start < len(batch.commands) or points:
        end = min(start + COMMANDS, len(batch.commands))
        if len(points) > CHECKPOINTS:
            end = min(end, points[CHECKPOINTS].index)
        inside = [point for point in points[:CHECKPOINTS] if point.index <= end]
        points = points[len(inside) :]
        relative = [point._replace(index=point.index - start) for point in inside]
        page = Page.make(term, after + start + 1, batch.commands[start:end], relative, before)
        yield page
        before, start = page.digest, end


def _encoded(point: Checkpoint) -> bytes:
    return _CHECKPOINT.pack(point.index, point.report_checksum, point.sequence, point.synced, point.seq_num)


def _decoded(fields: tuple[int, ...]) -> Checkpoint:
    index, report_checksum, sequence, synced, seq_num = fields
    return Checkpoint(index, sequence, synced, seq_num, report_checksum)


def _sealed(
    kind: Kind, points: int, term: int, count: int, first: int, before: bytes, body: bytes
) -> tuple[bytes, bytes]:
    """A message with this body, and its digest."""
    last = first + count - 1
    data = _HEAD.pack(MAGIC, VERSION, kind, points, term, count, first, last, before, NO_DIGEST) + body
    digest = _digest_of(data)
    return data[: _DIGEST.start] + digest + data[_DIGEST.stop :], digest


def _digest_of(data: bytes) -> bytes:
    """The digest of a message, whatever digest it says."""
    made = blake2b(data[: _DIGEST.start], digest_size=DIGEST_BYTES)
    made.update(NO_DIGEST)
    made.update(memoryview(data)[_DIGEST.stop :])
    return made.digest()


def _commands_of(data: bytes, count: int) -> Commands:
    return np.frombuffer(data, COMMAND, count, len(data) - count * COMMAND.itemsize)


def _json(values: object) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _term_record(data: bytes, where: str, head: tuple[int, int, int, bytes, bytes]) -> TermRecord:
    try:
        values = json.loads(data[_HEAD.size :])
        configuration = Configuration.from_json(_json(values["configuration"]))
        said = values["node"], values["began_ns"], values["epoch"], configuration, values["addresses"]
        return TermRecord(*head, *said, values["program"], data)
    except (ValueError, TypeError, KeyError, PricetimeError) as error:
        raise ChainBroken(f"{where} is a term record that this program cannot read: {error}") from error
