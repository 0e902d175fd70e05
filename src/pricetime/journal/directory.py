"""The folder of a journal: which files are in it, and who has it."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from ..native.disk import Disk
from . import segment
from .errors import JournalLocked

SEGMENT = re.compile(r"((?!0{8})\d{8}|[1-9]\d{8,})\.journal")
SNAPSHOT = re.compile(r"(\d{20})\.snapshot")
TEMPORARY = re.compile(r".+\.temporary")


class Directory:
    """Names in a folder, which need not be there yet; every call on files goes through ``disk``."""

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        self.path = path
        self.disk = Disk() if disk is None else disk
        self._lock: int | None = None

    def lock(self) -> None:
        """Keep every other process off, until ``unlock`` or the end of this one; the folder is made if it is not there.

        Raises JournalLocked, OSError.
        """
        self.disk.make_folder(self.path)
        try:
            self._lock = self.disk.lock(self.path / "lock")
        except BlockingIOError as error:
            raise JournalLocked(
                f"{self.path} is in use by another process: stop that one, or give this one a directory of its own"
            ) from error

    def unlock(self) -> None:
        if self._lock is not None:
            self.disk.close(self._lock)
            self._lock = None

    def missing_after(self, number: int) -> tuple[int, int] | None:
        """The first segment after this one that is missing, and the one found in its place. Raises OSError.

        None if no number is missing up to the newest segment, or if a server has removed segment ``number`` itself.
        """
        missing = self._missing_after(number)
        return missing if missing == self._missing_after(number) else None  # a server may have changed names meanwhile

    def _missing_after(self, number: int) -> tuple[int, int] | None:
        numbers = self.segments()
        if number not in numbers:
            return None
        later = numbers[numbers.index(number) + 1 :]
        return next(((due, found) for due, found in enumerate(later, number + 1) if due != found), None)

    def segments(self) -> list[int]:
        """The numbers of the segments, in order. Raises OSError."""
        return sorted(self._numbers(SEGMENT))

    def snapshots(self) -> list[int]:
        """The sequences of the snapshots, newest first. Raises OSError."""
        return sorted(self._numbers(SNAPSHOT), reverse=True)

    def path_of(self, number: int) -> Path:
        """The file of a segment."""
        return _path_of(self.path, number)

    def snapshot_path(self, sequence: int) -> Path:
        """The file of a snapshot."""
        return self.path / f"{sequence:020}.snapshot"

    def remove_behind(self, number: int) -> list[int]:
        """Remove the segments before this one, the oldest first: which they were. Raises OSError."""
        old = [found for found in self.segments() if found < number]
        for found in old:
            self.disk.unlink(self.path_of(found))
            self.disk.sync_folder(self.path)  # after each: a loss of power must not leave a gap
        return old

    def remove_temporary(self) -> None:
        """Remove what was under way when a process ended. Raises OSError."""
        for name in self.disk.names(self.path):
            if TEMPORARY.fullmatch(name):
                self.disk.unlink(self.path / name)

    def _numbers(self, pattern: re.Pattern[str]) -> list[int]:
        found = (pattern.fullmatch(name) for name in self.disk.names(self.path))
        return [int(match[1]) for match in found if match]


@lru_cache(16)
def _path_of(folder: Path, number: int) -> Path:
    """A reader asks for it at every look, and for as long as a segment lasts it is the same."""
    return folder / segment.name(number)
