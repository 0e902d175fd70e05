"""A disk that is a dictionary: thousands of broken journals a second."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pricetime.log.directory import Directory
from pricetime.native.disk import Disk

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

FOLDER = Path("journal")


class MemoryDisk(Disk):
    """Files by name; one folder. What is read stays as it was then, as a mapping of an unlinked file does."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self._open: dict[int, str] = {}

    def names(self, folder: Path) -> list[str]:
        return list(self.files)

    def size(self, path: Path) -> int:
        return len(self.read(path))

    def read(self, path: Path) -> bytes:
        try:
            return self.files[path.name]
        except KeyError:
            raise FileNotFoundError(2, "No such file or directory", str(path)) from None

    def create(self, path: Path, n_bytes: int = 0) -> int:
        if path.name in self.files:
            raise FileExistsError(17, "File exists", str(path))
        self.files[path.name] = bytes(n_bytes)
        fd = len(self._open) + 1
        self._open[fd] = path.name
        return fd

    def write(self, fd: int, data: ReadableBuffer, offset: int) -> None:
        name = self._open[fd]
        whole = bytearray(self.files[name].ljust(offset + memoryview(data).nbytes, b"\0"))
        whole[offset : offset + memoryview(data).nbytes] = bytes(memoryview(data))
        self.files[name] = bytes(whole)

    def sync(self, fd: int) -> None:
        """Nothing is ever lost here."""

    def close(self, fd: int) -> None:
        """Descriptors stay good, so that they are not given twice."""

    def truncate(self, path: Path, n_bytes: int) -> None:
        self.files[path.name] = self.read(path)[:n_bytes].ljust(n_bytes, b"\0")

    def rename(self, old: Path, new: Path) -> None:
        self.files[new.name] = self.read(old)
        del self.files[old.name]

    def unlink(self, path: Path) -> None:
        del self.files[path.name]

    def sync_folder(self, folder: Path) -> None:
        """Names are as they are."""

    def make_folder(self, path: Path) -> None:
        """There is one."""

    def lock(self, path: Path) -> int:
        return 0


def directory_of(files: dict[str, bytes]) -> Directory:
    """A directory with these files, each of which may be changed through ``directory.disk.files``."""
    return Directory(FOLDER, MemoryDisk(files))
