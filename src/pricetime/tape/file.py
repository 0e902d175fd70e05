"""Opens tape files, plain or compressed, and reports how much was read. ``TapeError`` names the file."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import PricetimeError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Called with the number of bytes that were read since the last call; of a compressed file, compressed bytes.
Progress = Callable[[int], None]

GZIP_MAGIC = b"\x1f\x8b"

#: The most lines of a block.
LINES = 4096

#: Bytes from which the format of a file is known.
HEAD_BYTES = 4096


class TapeError(PricetimeError, ValueError):
    """A tape is unreadable or contradicts itself. The message names the file and the place in it."""


class _CountedFile(io.FileIO):
    """A file that reports how many bytes were read."""

    def __init__(self, path: Path, progress: Progress) -> None:
        super().__init__(path, "rb")
        self._progress = progress

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        count = super().readinto(buffer)
        self._progress(count)
        return count


@contextmanager
def open_tape(path: Path, progress: Progress | None = None) -> Iterator[BinaryIO]:
    """Open a file for reading, and decompress it if it is gzip, whatever its name. Raises TapeError."""
    with ExitStack() as opened:
        try:
            counted = opened.enter_context(_CountedFile(path, progress or _ignore))
            plain = opened.enter_context(io.BufferedReader(counted))
            gzipped = plain.peek().startswith(GZIP_MAGIC)
        except OSError as error:
            raise TapeError(f"{path}: {error.strerror or error}") from error
        if not gzipped:
            yield plain
            return
        unpacked = opened.enter_context(gzip.GzipFile(fileobj=plain, mode="rb"))
        yield opened.enter_context(io.BufferedReader(unpacked))


def head_of(path: Path) -> bytes:
    """The first bytes of a file. Raises TapeError."""
    with open_tape(path) as file:
        try:
            return file.read(HEAD_BYTES)
        except (EOFError, OSError, zlib.error) as error:
            raise TapeError(f"{path}: cannot decompress it: {error}") from error


def blocks(path: Path, progress: Progress | None) -> Iterator[tuple[int, list[bytes]]]:
    """The lines of a file, ``LINES`` at a time, each block with the number of its first line. Raises TapeError."""
    first = 1
    with open_tape(path, progress) as file:
        try:
            while lines := list(islice(file, LINES)):
                yield first, lines
                first += len(lines)
        except (EOFError, OSError, zlib.error) as error:
            raise TapeError(f"{path}, after line {first - 1}: damaged or truncated: {error}") from error


def _ignore(_count: int) -> None:
    pass
