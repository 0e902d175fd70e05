"""Every call that touches the files of a journal: where tests make a disk fail, or remember what was done."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from .mapping import Mapping

PRIVATE_FILE, PRIVATE_FOLDER = 0o600, 0o700

#: Bytes that are written in one call when a file is written once more.
PIECE = 1 << 20


class Disk:
    """The disk of this machine. Each call raises OSError; what is interrupted is done again.

    A subclass may put itself in the way of any call. ``map``, ``populate`` and ``sync_range`` are of the compiled form
    on Linux.
    """

    # ------------------------------------------------------------------ looking

    def names(self, folder: Path) -> list[str]:
        """What is in a folder, in no order."""
        return os.listdir(folder)  # noqa: PTH208 - names alone are wanted

    def size(self, path: Path) -> int:
        """Bytes of a file."""
        return path.stat().st_size

    def read(self, path: Path) -> ReadableBuffer:
        """The bytes of a file, as they are at the moment when they are looked at: a mapping that cannot be written."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(fd).st_size == 0:
                return b""
            return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(fd)

    # ------------------------------------------------------------------ a file that is written

    def create(self, path: Path, n_bytes: int = 0) -> int:
        """A new file with room for so many bytes, all zero, open for reading and writing: its descriptor."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            if n_bytes:
                self._allocate(fd, n_bytes)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def open(self, path: Path) -> int:
        """A file that is there, for reading and writing: its descriptor."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def _allocate(self, fd: int, n_bytes: int) -> None:
        if not hasattr(os, "posix_fallocate"):
            os.ftruncate(fd, n_bytes)  # macOS: a full disk is met later
            return
        while True:
            try:
                os.posix_fallocate(fd, 0, n_bytes)
                return
            except OSError as error:  # unlike other calls it is not repeated by Python itself
                if error.errno != errno.EINTR:
                    raise

    def write(self, fd: int, data: ReadableBuffer, offset: int) -> None:
        """All of these bytes, from ``offset`` on."""
        left = memoryview(data).cast("B")
        while left:
            try:
                written = self._pwrite(fd, left, offset)
            except InterruptedError:
                continue
            if written == 0:
                raise OSError(errno.EIO, "nothing was written")
            left = left[written:]
            offset += written

    def _pwrite(self, fd: int, data: memoryview, offset: int) -> int:
        """One call: how many bytes were written."""
        return os.pwrite(fd, data, offset)

    def sync(self, fd: int) -> None:
        """Have the whole file on the disk. After an error what it holds is not known: never call this again for it."""
        os.fsync(fd)

    def sync_file(self, path: Path, first: int = 0, end: int = 0) -> None:
        """Have a file on the disk that others have written.

        The bytes from ``first`` to before ``end`` are written once more before, as they are: where a sync has failed,
        the system does not write by itself what it could not write then.
        """
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            self._sync_again(fd, path, first, end)
        finally:
            os.close(fd)

    def _sync_again(self, fd: int, path: Path, first: int, end: int) -> None:
        data = memoryview(self.read(path))
        for offset in range(first, end, PIECE):
            self.write(fd, data[offset : min(offset + PIECE, end)], offset)
        self.sync(fd)

    def close(self, fd: int) -> None:
        os.close(fd)

    # ------------------------------------------------------------------ a file that is stored into

    def map(self, fd: int, n_bytes: int) -> Mapping:
        """A file in memory."""
        from .mapping import Mapping

        return Mapping(fd, n_bytes)

    def populate(self, mapping: Mapping, first: int, n_bytes: int) -> None:
        """Have these pages ready to be stored into without a fault."""
        mapping.populate(first, n_bytes)

    def sync_range(self, mapping: Mapping, first: int, n_bytes: int) -> None:
        """Have these pages on the disk. After an error what they hold there is not known."""
        mapping.sync(first, n_bytes)

    # ------------------------------------------------------------------ files and folders

    def truncate(self, path: Path, n_bytes: int) -> None:
        """Cut a file, and have that on the disk."""
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.ftruncate(fd, n_bytes)
            self.sync(fd)
        finally:
            os.close(fd)

    def rename(self, old: Path, new: Path) -> None:
        """At once, over what has the new name; on the disk after ``sync_folder``."""
        old.rename(new)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Have the names of a folder on the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sync(fd)
        finally:
            os.close(fd)

    def make_folder(self, path: Path) -> None:
        """A folder of our own, and those above it; nothing when it is there."""
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)

    def lock(self, path: Path) -> int:
        """The file's lock, held until the descriptor is closed or the process ends. Raises BlockingIOError."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(fd)
            raise
        return fd
