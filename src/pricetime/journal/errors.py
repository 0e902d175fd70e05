"""What can go wrong with a journal. Each message says where, and what to do."""

from __future__ import annotations

from pathlib import Path

from ..errors import PricetimeError


class JournalError(PricetimeError):
    """Base of the errors of a journal."""


class JournalDamaged(JournalError, ValueError):
    """A journal holds something that is not what was written: it is not cut by itself, and nothing starts from it."""

    def __init__(self, path: Path, offset: int, sequence: int, why: str) -> None:
        super().__init__(
            f"{path} is damaged at byte {offset}, behind command {sequence}: {why}. "
            f"Look closer with: pricetime journal inspect {path.parent}"
        )
        self.path = path
        self.offset = offset  #: bytes from the beginning of the file
        self.sequence = sequence  #: of the last good command before it
        self.why = why


class SegmentMissing(JournalDamaged):
    """A segment is not there, although a later one is: commands that were acknowledged may be gone with it."""

    def __init__(self, path: Path, sequence: int, later: Path) -> None:
        super().__init__(
            path, 0, sequence, f"{path.name} is missing, and {later.name}, which was made after it, is there"
        )
        message = (
            f"{path} is missing: {later.name}, which was made after it, is there. What follows command {sequence} was "
            f"in it. Bring the file back from a copy, or look closer with: pricetime journal inspect {path.parent}"
        )
        self.args = (message,)


class SnapshotDamaged(JournalError, ValueError):
    """A snapshot is not what was written: the one before it is used."""


class JournalLocked(JournalError, RuntimeError):
    """Another process has this journal."""


class JournalFailed(JournalError, OSError):
    """The system did not do what the journal needs: nothing is acknowledged any more."""


class ReplayDiffers(JournalError, AssertionError):
    """The same commands made other reports or another book than they did when the journal was written."""
