"""Opens tape files, plain or compressed, and reports how much was read. ``TapeError`` names the file."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import PricetimeError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

#: Called with the number of bytes that were read since the last call; of a compressed file, compressed bytes.
Progress = Callable[[int], None]

GZIP_MAGIC = b"\x1f\x8b"


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


def _ignore(_count: int) -> None:
    pass
