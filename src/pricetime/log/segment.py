"""A segment: a file of a journal, its head, and how a new one is made."""

from __future__ import annotations

import hashlib
import struct
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import InvalidSetting
from ..native.crc import crc32c
from ..native.disk import Disk
from .layout import PAGE, VERSION

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from ..native.mapping import Mapping

MAGIC = b"PTJRNSEG"
HEAD = struct.Struct("<8sII32sQIIQ16s16sIIQII")

#: Bytes of the head that ``static_crc`` and ``crc`` cover.
STATIC_BYTES, CRC_OFFSET = 108, 124

#: Segments have room for a head and a page of records, and offsets in them are u32.
LEAST_BYTES, MOST_BYTES = 2 * PAGE, 1 << 31

SUFFIX, TEMPORARY, BROKEN = ".journal", ".temporary", ".broken"


def name(number: int) -> str:
    """Return the file name of a segment."""
    return f"{number:08}{SUFFIX}"


class BadHead(ValueError):
    """The first bytes of a file are not the head of a segment; the message says why."""


class SegmentHead(NamedTuple):
    """The first 128 bytes of a segment, as ``layout.pxd`` describes them."""

    configuration_bytes: int
    digest: bytes
    number: int
    segment_bytes: int
    term: int
    epoch: int
    boot: bytes
    journal: bytes
    level: int
    static_crc: int
    first_sequence: int = 0
    carried: int = 0
    crc: int = 0

    @property
    def in_use(self) -> bool:
        """Whether the segment is in use. Records may follow the head of one that is; a prepared one has none."""
        return self.crc != 0

    @property
    def first_offset(self) -> int:
        """Offset of the first record."""
        return first_offset(self.configuration_bytes)

    def fork_of(self, before: SegmentHead, last: int) -> str | None:
        """Return why this segment cannot come after ``before``, whose last command is ``last``; None if it can."""
        if self.term < before.term:
            return f"its term is {self.term}, but segment {before.number} has term {before.term}"
        if self.in_use and self.first_sequence <= last:
            return f"it begins with command {self.first_sequence}, but segment {before.number} goes up to {last}"
        return None

    def encode(self) -> bytes:
        return HEAD.pack(MAGIC, VERSION, *self)

    def used(self, first_sequence: int, carried: int) -> SegmentHead:
        """Return the head of the same segment in use."""
        head = self._replace(first_sequence=first_sequence, carried=carried)
        return head._replace(crc=crc32c(head.encode()[:CRC_OFFSET]) or 1)

    @classmethod
    def decode(cls, data: ReadableBuffer) -> SegmentHead:
        """Return the head at the start of a file; ``verify`` checks it. Raises BadHead."""
        view = memoryview(data).cast("B")
        if len(view) < HEAD.size:
            raise BadHead(f"it has {len(view)} bytes, but a head takes {HEAD.size}")
        magic, version, *values = HEAD.unpack_from(view)
        if magic != MAGIC:
            raise BadHead("it is not a segment: the magic is wrong")
        if version != VERSION:
            raise BadHead(f"its format is version {version}: this program reads version {VERSION}")
        return cls(*values)

    def verify(self, data: ReadableBuffer) -> bytes:
        """Check the head against the bytes of its file. Returns the JSON of the configuration. Raises BadHead."""
        view = memoryview(data).cast("B")
        if HEAD.size + self.configuration_bytes > len(view):
            raise BadHead("its configuration is longer than the file")
        configuration = bytes(view[HEAD.size : HEAD.size + self.configuration_bytes])
        if crc32c(configuration, crc32c(view[:STATIC_BYTES])) != self.static_crc:
            raise BadHead("the CRC of its head is wrong")
        if hashlib.sha256(configuration).digest() != self.digest:
            raise BadHead("the digest of its configuration is wrong")
        if self.in_use and (crc32c(view[:CRC_OFFSET]) or 1) != self.crc:
            raise BadHead("the CRC of its head in use is wrong")
        return configuration


def read_head(disk: Disk, path: Path) -> SegmentHead:
    """Read and check the head of a file. Raises BadHead, OSError."""
    data = disk.read(path)
    head = SegmentHead.decode(data)
    head.verify(data)
    return head


def first_offset(configuration_bytes: int) -> int:
    """Return the offset of the first record: the page after the configuration."""
    return -(-(HEAD.size + configuration_bytes) // PAGE) * PAGE


def prepared(
    number: int,
    segment_bytes: int,
    configuration: bytes,
    *,
    term: int,
    epoch: int,
    level: int,
    journal: bytes,
    boot: bytes | None = None,
) -> SegmentHead:
    """Return the head of a segment that is not in use yet."""
    head = SegmentHead(
        configuration_bytes=len(configuration),
        digest=hashlib.sha256(configuration).digest(),
        number=number,
        segment_bytes=segment_bytes,
        term=term,
        epoch=epoch,
        boot=boot_id() if boot is None else boot,
        journal=journal,
        level=level,
        static_crc=0,
    )
    static_crc = crc32c(configuration, crc32c(head.encode()[:STATIC_BYTES]))
    return head._replace(static_crc=static_crc)


def create(disk: Disk, folder: Path, head: SegmentHead, configuration: bytes) -> tuple[int, Mapping]:
    """Make a new segment on the disk, not in use. Returns its descriptor and its mapping, without prepared pages.

    The file gets its name only when its head is on the disk. Raises OSError, InvalidSetting.
    """
    check_bytes(head.segment_bytes, len(configuration))
    path = folder / name(head.number)
    temporary = path.with_name(path.name + TEMPORARY)
    fd = disk.create(temporary, head.segment_bytes)
    try:
        disk.write(fd, head.encode() + configuration, 0)
        disk.sync(fd)
        disk.rename(temporary, path)
        disk.sync_folder(folder)
        return fd, disk.map(fd, head.segment_bytes)
    except BaseException:
        disk.close(fd)
        raise


def check_bytes(segment_bytes: int, configuration_bytes: int) -> None:
    """Check that a segment has room for its head and a page of records. Raises InvalidSetting."""
    least = max(LEAST_BYTES, first_offset(configuration_bytes) + PAGE)
    if segment_bytes % PAGE or not least <= segment_bytes <= MOST_BYTES:
        raise InvalidSetting(
            f"segments of {segment_bytes} bytes: give a multiple of {PAGE} from {least} to {MOST_BYTES}"
        )


def boot_id() -> bytes:
    """Return the id of the machine's start: 16 bytes, zeros if the system has none."""
    try:
        return uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()).bytes
    except (OSError, ValueError):
        return bytes(16)
