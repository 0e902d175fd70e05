"""A segment: a file of a journal, its head, and how a new one is made."""

from __future__ import annotations

import hashlib
import struct
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..native.crc import crc32c
from .layout import PAGE, VERSION

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAGIC = b"PTJRNSEG"

#: The head: what ``static_crc`` covers with the configuration, then ``static_crc`` itself and what the engine stores.
STATIC, REST = struct.Struct("<8sII32sQIIQ16s16sI"), struct.Struct("<IQII")
HEAD_BYTES = STATIC.size + REST.size

#: Number of bytes that ``crc`` covers.
CRC_OFFSET = HEAD_BYTES - 4

SUFFIX, TEMPORARY, BROKEN = ".journal", ".temporary", ".broken"


def name(number: int) -> str:
    """Return the file name of a segment."""
    return f"{number:08}{SUFFIX}"


class BadHead(ValueError):
    """The first bytes of a file are not the head of a segment; the message says why."""


class SegmentHead(NamedTuple):
    """The first bytes of a segment, as ``layout.pxd`` describes them, with the configuration behind them."""

    configuration: bytes  #: its JSON
    number: int
    segment_bytes: int
    term: int
    epoch: int
    boot: bytes
    journal: bytes
    level: int
    first_sequence: int = 0
    carried: int = 0
    crc: int = 0

    @property
    def digest(self) -> bytes:
        """SHA-256 of the configuration."""
        return hashlib.sha256(self.configuration).digest()

    @property
    def in_use(self) -> bool:
        """Whether the segment is in use. Records may follow the head of one that is; a prepared one has none."""
        return self.crc != 0

    @property
    def first_offset(self) -> int:
        """Offset of the first record: the page after the configuration."""
        return -(-(HEAD_BYTES + len(self.configuration)) // PAGE) * PAGE

    def fork_of(self, before: SegmentHead, last: int) -> str | None:
        """Return why this segment cannot come after ``before``, whose last command is ``last``; None if it can."""
        if self.term < before.term:
            return f"its term is {self.term}, but segment {before.number} has term {before.term}"
        if self.in_use and self.first_sequence <= last:
            return f"it begins with command {self.first_sequence}, but segment {before.number} goes up to {last}"
        return None

    def encode(self) -> bytes:
        """Return the bytes of the head and the configuration."""
        static = STATIC.pack(MAGIC, VERSION, len(self.configuration), self.digest, *self[1:8])
        static_crc = crc32c(self.configuration, crc32c(static))
        return static + REST.pack(static_crc, *self[8:]) + self.configuration

    @classmethod
    def decode(cls, data: ReadableBuffer) -> SegmentHead:
        """Return the head at the start of a file. Raises BadHead if any part of it is wrong."""
        view = memoryview(data).cast("B")
        if len(view) < HEAD_BYTES:
            raise BadHead(f"it has {len(view)} bytes, but a head takes {HEAD_BYTES}")
        first = bytes(view[:HEAD_BYTES])  # the engine may store into it meanwhile
        magic, version, configuration_bytes, digest, *values = STATIC.unpack_from(first)
        static_crc, *use = REST.unpack_from(first, STATIC.size)
        if magic != MAGIC:
            raise BadHead("it is not a segment: the magic is wrong")
        if version != VERSION:
            raise BadHead(f"its format is version {version}: this program reads version {VERSION}")
        if HEAD_BYTES + configuration_bytes > len(view):
            raise BadHead("its configuration is longer than the file")
        head = cls(bytes(view[HEAD_BYTES : HEAD_BYTES + configuration_bytes]), *values, *use)
        if crc32c(head.configuration, crc32c(first[: STATIC.size])) != static_crc:
            raise BadHead("the CRC of its head is wrong")
        if head.digest != digest:
            raise BadHead("the digest of its configuration is wrong")
        if head.in_use and (crc32c(first[:CRC_OFFSET]) or 1) != head.crc:
            raise BadHead("the CRC of its head in use is wrong")
        return head


def boot_id() -> bytes:
    """Return the id of the machine's start: 16 bytes, zeros if the system has none."""
    try:
        return uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()).bytes
    except (OSError, ValueError):
        return bytes(16)
