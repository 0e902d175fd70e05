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


class SnapshotDamaged(JournalError, ValueError):
    """A snapshot is not what was written: the one before it is used."""


class JournalLocked(JournalError, RuntimeError):
    """Another process has this journal."""


class JournalFailed(JournalError, OSError):
    """The system did not do what the journal needs: nothing is acknowledged any more."""


class ReplayDiffers(JournalError, AssertionError):
    """The same commands made other reports or another book than they did when the journal was written."""
