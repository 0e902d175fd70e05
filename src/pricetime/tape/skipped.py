"""Counts and names the unusable lines and records of a tape, up to a limit."""

from __future__ import annotations

from .file import TapeError

#: How many lines or records of a tape may be skipped by default.
DEFAULT_LIMIT = 100


class Skipped:
    """The lines and records that were skipped. ``limit``: how many may be; with 0 the first one raises TapeError."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self.named: list[str] = []  #: the place of each and what is wrong with it, in the order of reading

    def __len__(self) -> int:
        """How many were skipped."""
        return len(self.named)

    def add(self, what: str) -> None:
        """Skip one more. ``what``: where it is and what is wrong. Raises TapeError beyond the limit."""
        if len(self.named) < self.limit:
            self.named.append(what)
        elif self.limit == 0:
            raise TapeError(what)
        else:
            raise TapeError(
                f"{what}; {self.limit} before it were skipped, which is the limit: check that the file has this format "
                "and is not damaged"
            )
