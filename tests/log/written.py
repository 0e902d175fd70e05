"""A journal's bytes by the letter of the format, in plain Python: apart from what the project writes them with.

``Segment(...)`` collects records; ``data()`` gives the file. Tests make journals of any shape with it: pages may be
turned anywhere, checkpoints say anything, and bytes may be changed after.
"""

import hashlib
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pricetime import Instrument
from pricetime.log.configuration import Configuration
from pricetime.log.segment import SegmentHead
from pricetime.types import COMMAND, CommandType, Side

PAGE, RECORD, HEAD = 4096, 72, 128
COMMAND_BYTES = struct.Struct("<QQIHHBBBBIQqQII")

#: The id of the journals that are written here.
JOURNAL = bytes(range(100, 116))

CONFIGURATION = Configuration((Instrument(1, "ONE"),), capacity=1024, level_capacity=1024, owner_limit=16)


def _table() -> list[int]:
    entries = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        entries.append(value)
    return entries


TABLE = _table()


def crc32c(data: bytes, value: int = 0) -> int:
    value ^= 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


def link(previous: int, data: bytes) -> int:
    return crc32c(data + struct.pack("<II", len(data), previous))


def head(
    configuration: bytes,
    *,
    number: int = 1,
    segment_bytes: int = 16 * PAGE,
    term: int = 1,
    epoch: int = 0,
    boot: bytes = bytes(16),
    journal: bytes = JOURNAL,
    level: int = 1,
    first_sequence: int = 1,
    carried: int | None = None,
    in_use: bool = True,
) -> bytes:
    """The first 128 bytes. ``carried`` is by default that of the first segment of a journal."""
    digest = hashlib.sha256(configuration).digest()
    static = b"PTJRNSEG" + struct.pack("<II", 4, len(configuration)) + digest
    static += struct.pack("<QIIQ", number, segment_bytes, term, epoch) + boot + journal + struct.pack("<I", level)
    static += struct.pack("<I", crc32c(static + configuration))
    if not in_use:
        return static + bytes(16)
    carried = crc32c(configuration) if carried is None else carried
    static += struct.pack("<QI", first_sequence, carried)
    return static + struct.pack("<I", crc32c(static) or 1)


def used(head: SegmentHead, first_sequence: int, carried: int) -> SegmentHead:
    """The head of the same segment in use."""
    head = head._replace(first_sequence=first_sequence, carried=carried)
    return head._replace(crc=crc32c(head.encode()[: HEAD - 4]) or 1)


class Segment:
    """One file. ``behind`` is the segment before it, from which it carries on."""

    def __init__(
        self,
        configuration: Configuration = CONFIGURATION,
        *,
        behind: "Segment | None" = None,
        segment_bytes: int = 16 * PAGE,
        **more: Any,
    ) -> None:
        """``more``: what ``head`` takes."""
        json = configuration.to_json()
        self.number: int = behind.number + 1 if behind else 1
        self.sequence: int = behind.sequence if behind else 0
        carried = behind.link if behind else None
        more |= {"number": self.number, "first_sequence": self.sequence + 1, "carried": carried}
        head_bytes = head(json, segment_bytes=segment_bytes, **more)
        self.first = -(-(HEAD + len(json)) // PAGE) * PAGE
        self.bytes = bytearray(head_bytes + json).ljust(segment_bytes, b"\0")
        self.offset = self.first
        self.link: int = struct.unpack_from("<I", head_bytes, HEAD - 4)[0]
        self.offsets: list[int] = []  #: of the records, checkpoints too

    @property
    def room(self) -> int:
        """Records that fit behind the last."""
        return (len(self.bytes) - self.offset) // RECORD

    def command(self, command: bytes | np.void) -> None:
        """The next command, under its own sequence."""
        body = bytes(command) if isinstance(command, bytes) else command.tobytes()
        self._put(body)
        self.sequence = struct.unpack_from("<Q", body)[0]

    def commands(self, commands: NDArray[np.void]) -> None:
        for command in commands:
            self.command(command)

    def checkpoint(self, *, synced: int, seq_num: int = 0, report_checksum: int = 0) -> None:
        fields = (self.sequence, 0, 0, 0, 0, 255, 0, 0, 0, 0, synced, 0, seq_num, 0, report_checksum)
        self._put(COMMAND_BYTES.pack(*fields))

    def turn(self) -> None:
        """The next record begins at the next page."""
        self.offset = -(-self.offset // PAGE) * PAGE

    def _put(self, body: bytes) -> None:
        assert self.room, "the segment is full"
        self.link = link(self.link, body)
        self.offsets.append(self.offset)
        self.bytes[self.offset : self.offset + RECORD] = struct.pack("<II", len(body), self.link) + body
        self.offset += RECORD

    def data(self) -> bytes:
        return bytes(self.bytes)

    def write(self, folder: Path) -> Path:
        """Into a folder under its name."""
        path = folder / f"{self.number:08}.journal"
        path.write_bytes(self.bytes)
        return path


def orders(count: int, first: int = 1) -> NDArray[np.void]:
    """New orders that do not meet, with sequences from ``first`` on."""
    commands = np.zeros(count, COMMAND)
    commands["sequence"] = commands["order_id"] = np.arange(first, first + count, dtype=np.uint64)
    commands["timestamp"] = commands["sequence"] * 1000
    commands["length"] = 40
    commands["type"] = CommandType.NEW_ORDER
    commands["side"] = Side.BID
    commands["instrument"] = 1
    commands["price"] = 100
    commands["quantity"] = 10
    return commands
