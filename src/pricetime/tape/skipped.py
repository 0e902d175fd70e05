"""Parts of a tape that cannot be used: named, counted, and skipped up to a limit."""

from __future__ import annotations

from .file import TapeError

#: How many lines or records of a tape may be skipped unless the caller says otherwise.
DEFAULT_LIMIT = 100


class Skipped:
    """The lines and records that a reader or a replay skipped. ``limit``: the most of them, 0 to reject the first."""

    def __init__(self, limit: int = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self.named: list[str] = []  #: where each is, and what is wrong with it, in the order of reading

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
                f"{what}; {self.limit} before it were skipped, as many as may be: is this a file of the format, "
                f"and undamaged?"
            )
