"""The directory of a journal: which files it has, and which process may write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from ..native.disk import Disk
from . import segment
from .batch import Position
from .errors import JournalLocked, SegmentMissing
from .segment import BadHead, SegmentHead

SEGMENT = re.compile(r"((?!0{8})\d{8}|[1-9]\d{8,})\.journal")
SNAPSHOT = re.compile(r"(\d{20})\.snapshot")
TEMPORARY = re.compile(r".+\.temporary")


class Directory:
    """The files of a directory, which may not exist yet. All file operations go through ``disk``."""

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        self.path = path
        self.disk = Disk() if disk is None else disk
        self.needed: int | None = None  #: segment in which a slow reader is: it and later ones are not removed
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

    def missing_after(self, position: Position) -> SegmentMissing | None:
        """Return the first missing segment after a position, where a reader found no more. Raises OSError.

        None if no number is missing up to the newest segment, or if a server has removed that of the position.
        """
        missing = self._missing_after(position.segment)
        if missing is None or missing != self._missing_after(position.segment):
            return None  # a server has renamed or removed files meanwhile
        number, later = missing
        return SegmentMissing(self.path_of(number), position.sequence, self.path_of(later))

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

    def head(self, number: int) -> SegmentHead:
        """Read the head of a segment. Raises BadHead, OSError."""
        return SegmentHead.decode(self.disk.read(self.path_of(number)))

    def term_of(self, number: int) -> int | None:
        """Return the term of a segment; None if it does not exist or has no valid head. Raises OSError."""
        try:
            return self.head(number).term
        except (BadHead, FileNotFoundError):
            return None

    def newest_term(self) -> int:
        """Return the greatest term of all segments, also of those that a repair has renamed; 0 without one."""
        terms = [0]
        for file in self.disk.names(self.path):
            if file.endswith((segment.SUFFIX, segment.BROKEN)):
                with suppress(BadHead):
                    terms.append(SegmentHead.decode(self.disk.read(self.path / file)).term)
        return max(terms)

    def snapshot_path(self, sequence: int) -> Path:
        """Return the path of a snapshot."""
        return self.path / f"{sequence:020}.snapshot"

    def remove_behind(self, number: int) -> list[int]:
        """Remove the segments before this one and before ``needed``, oldest first. Returns their numbers.

        Raises OSError.
        """
        end = number if self.needed is None else min(number, self.needed)
        old = [found for found in self.segments() if found < end]
        for found in old:
            self.disk.unlink(self.path_of(found))
            self.disk.sync_folder(self.path)  # after each, so that a power loss does not leave a gap
        return old

    @contextmanager
    def new_file(self, path: Path) -> Iterator[int]:
        """Open a new file. It gets its name when all of it is on the disk; after an error it does not exist.

        Raises OSError.
        """
        temporary = path.with_name(path.name + segment.TEMPORARY)
        if temporary.name in self.disk.names(self.path):  # an earlier attempt left it
            self.disk.unlink(temporary)
        fd = self.disk.create(temporary)
        try:
            try:
                yield fd
                self.disk.sync(fd)
            finally:
                self.disk.close(fd)
            self.disk.rename(temporary, path)
        except BaseException:
            with suppress(OSError):  # the first error matters; the next start removes the file
                self.disk.unlink(temporary)
            raise
        self.disk.sync_folder(self.path)

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
