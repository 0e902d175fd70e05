"""Errors of the journal. Each message says where the problem is and what to do."""

from __future__ import annotations

from pathlib import Path

from ..errors import PricetimeError


class JournalError(PricetimeError):
    """Base of the errors of a journal."""


class JournalDamaged(JournalError, ValueError):
    """A journal contains data that was not written so. No server starts from it, and only ``repair`` cuts it."""

    def __init__(self, path: Path, offset: int, sequence: int, why: str, message: str | None = None) -> None:
        message = message or f"{path} is damaged at byte {offset}, after command {sequence}: {why}. Inspect it"
        super().__init__(f"{message} with: pricetime journal inspect {path.parent}")
        self.path = path
        self.offset = offset  #: bytes from the beginning of the file
        self.sequence = sequence  #: of the last good command before it
        self.why = why


class SegmentMissing(JournalDamaged):
    """A segment is missing although a later one exists. Acknowledged commands may be lost with it."""

    def __init__(self, path: Path, sequence: int, later: Path) -> None:
        why = f"is missing, but {later.name}, which was made after it, exists"
        lost = f"The commands after {sequence} were in it. Restore the file from a copy, or inspect it"
        super().__init__(path, 0, sequence, f"{path.name} {why}", f"{path} {why}. {lost}")


class JournalForked(JournalDamaged):
    """A segment does not continue the one before it, because two processes wrote the journal from the same point on."""

    def __init__(self, path: Path, sequence: int, why: str) -> None:
        message = (
            f"{path} does not continue the journal: {why}. Two processes wrote the journal. Move the files of one of "
            "them away, or inspect it"
        )
        super().__init__(path, 0, sequence, why, message)


class SnapshotDamaged(JournalError, ValueError):
    """A snapshot is damaged. The one before it is used."""


class JournalLocked(JournalError, RuntimeError):
    """A different process uses this journal."""


class JournalFailed(JournalError, OSError):
    """A file operation failed. Nothing is acknowledged any more."""


class ReplayDiffers(JournalError, AssertionError):
    """The same commands made different reports or books than when the journal was written."""
