"""``Disk``: the system calls on the files of a journal. Tests replace it to make a disk fail or to record calls."""

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

#: Bytes of one call when a file is written again.
PIECE = 1 << 20


class Disk:
    """The disk of this machine. Each call raises OSError; interrupted calls are repeated.

    A subclass may override any call. ``map``, ``populate`` and ``sync_range`` exist only in the compiled form on Linux.
    """

    # ------------------------------------------------------------------ reading

    def names(self, folder: Path) -> list[str]:
        """Names in a folder, in no order."""
        return os.listdir(folder)  # noqa: PTH208 - names alone are wanted

    def size(self, path: Path) -> int:
        """Size of a file in bytes."""
        return path.stat().st_size

    def read(self, path: Path) -> ReadableBuffer:
        """The bytes of a file as a read-only mapping, which shows later changes."""
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if os.fstat(fd).st_size == 0:
                return b""
            return mmap.mmap(fd, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(fd)

    # ------------------------------------------------------------------ a file that is written

    def create(self, path: Path, n_bytes: int = 0) -> int:
        """Create a file of ``n_bytes`` zero bytes, open for reading and writing. Returns its descriptor."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            if n_bytes:
                self._allocate(fd, n_bytes)
        except BaseException:
            os.close(fd)
            raise
        return fd

    def open(self, path: Path) -> int:
        """Open an existing file for reading and writing. Returns its descriptor."""
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def _allocate(self, fd: int, n_bytes: int) -> None:
        if not hasattr(os, "posix_fallocate"):
            os.ftruncate(fd, n_bytes)  # macOS: a full disk is noticed later
            return
        while True:
            try:
                os.posix_fallocate(fd, 0, n_bytes)
                return
            except OSError as error:  # Python does not repeat this call by itself
                if error.errno != errno.EINTR:
                    raise

    def write(self, fd: int, data: ReadableBuffer, offset: int) -> None:
        """Write all these bytes from ``offset`` on."""
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
        """One system call: number of bytes written."""
        return os.pwrite(fd, data, offset)

    def sync(self, fd: int) -> None:
        """Sync the whole file. After an error its content is unknown: do not call this again for it."""
        os.fsync(fd)

    def sync_file(self, path: Path, first: int = 0, end: int = 0) -> None:
        """Sync a file that a different process has written.

        The bytes from ``first`` to before ``end`` are written again first, because after a failed sync the system does
        not write them again by itself.
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

    # ------------------------------------------------------------------ a file that is written through a mapping

    def map(self, fd: int, n_bytes: int) -> Mapping:
        """Map a file into memory."""
        from .mapping import Mapping

        return Mapping(fd, n_bytes)

    def populate(self, mapping: Mapping, first: int, n_bytes: int) -> None:
        """Load these pages, so that writing to them causes no page fault."""
        mapping.populate(first, n_bytes)

    def sync_range(self, mapping: Mapping, first: int, n_bytes: int) -> None:
        """Sync these pages. After an error their content is unknown."""
        mapping.sync(first, n_bytes)

    # ------------------------------------------------------------------ files and folders

    def truncate(self, path: Path, n_bytes: int) -> None:
        """Truncate a file and sync it."""
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.ftruncate(fd, n_bytes)
            self.sync(fd)
        finally:
            os.close(fd)

    def rename(self, old: Path, new: Path) -> None:
        """Rename a file atomically, replacing the new name; on disk after ``sync_folder``."""
        old.rename(new)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def sync_folder(self, folder: Path) -> None:
        """Sync the names of a folder."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sync(fd)
        finally:
            os.close(fd)

    def make_folder(self, path: Path) -> None:
        """Make a private folder and its parents, if they do not exist."""
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)

    def lock(self, path: Path) -> int:
        """Lock the file until the descriptor is closed or the process ends. Raises BlockingIOError."""
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException:
            os.close(fd)
            raise
        return fd
