"""The directory of a journal: which files it has, and which process may write it."""

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
    """The files of a directory, which may not exist yet. All file operations go through ``disk``."""

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        self.path = path
        self.disk = Disk() if disk is None else disk
        self._lock: int | None = None

    def lock(self) -> None:
        """Lock the directory until ``unlock`` or the end of this process. Creates it if it does not exist.

        Raises JournalLocked, OSError.
        """
        self.disk.make_folder(self.path)
        try:
            self._lock = self.disk.lock(self.path / "lock")
        except BlockingIOError as error:
            raise JournalLocked(
                f"{self.path} is in use by a second process: stop that process, or give a different directory"
            ) from error

    def unlock(self) -> None:
        if self._lock is not None:
            self.disk.close(self._lock)
            self._lock = None

    def missing_after(self, number: int) -> tuple[int, int] | None:
        """Return the first missing segment after this one, and the segment found after it. Raises OSError.

        None if no number is missing up to the newest segment, or if a server has removed segment ``number`` itself.
        """
        missing = self._missing_after(number)
        return (
            missing if missing == self._missing_after(number) else None
        )  # a server may have renamed or removed files meanwhile

    def _missing_after(self, number: int) -> tuple[int, int] | None:
        numbers = self.segments()
        if number not in numbers:
            return None
        later = numbers[numbers.index(number) + 1 :]
        return next(((due, found) for due, found in enumerate(later, number + 1) if due != found), None)

    def segments(self) -> list[int]:
        """Return the numbers of the segments, sorted. Raises OSError."""
        return sorted(self._numbers(SEGMENT))

    def snapshots(self) -> list[int]:
        """Return the sequences of the snapshots, newest first. Raises OSError."""
        return sorted(self._numbers(SNAPSHOT), reverse=True)

    def path_of(self, number: int) -> Path:
        """Return the path of a segment."""
        return _path_of(self.path, number)

    def snapshot_path(self, sequence: int) -> Path:
        """Return the path of a snapshot."""
        return self.path / f"{sequence:020}.snapshot"

    def remove_behind(self, number: int) -> list[int]:
        """Remove the segments before this one, oldest first, and return their numbers. Raises OSError."""
        old = [found for found in self.segments() if found < number]
        for found in old:
            self.disk.unlink(self.path_of(found))
            self.disk.sync_folder(self.path)  # after each, so that a power loss does not leave a gap
        return old

    def remove_temporary(self) -> None:
        """Remove incomplete files that an ended process left. Raises OSError."""
        for name in self.disk.names(self.path):
            if TEMPORARY.fullmatch(name):
                self.disk.unlink(self.path / name)

    def _numbers(self, pattern: re.Pattern[str]) -> list[int]:
        found = (pattern.fullmatch(name) for name in self.disk.names(self.path))
        return [int(match[1]) for match in found if match]


@lru_cache(16)
def _path_of(folder: Path, number: int) -> Path:
    """Return the name of a segment; cached, because a reader needs it at each check."""
    return folder / segment.name(number)
