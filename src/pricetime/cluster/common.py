"""Where a node's journal and the stream part: a start keeps what both have, and cuts what only the journal has.

Within a term, one process writes both, the stream in the order of its journal. So if command n has the same term in
both, all commands up to n are the same: the argument of Raft's log matching.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..log.directory import Directory
from ..log.reader import Reader, position_after, start_of
from ..log.segment import BadHead
from ..log.tail import cut, examine
from .stream import PageStream, Stored


class LocalTerm(NamedTuple):
    """The commands of one term in a journal."""

    term: int
    first: int
    last: int  #: ``first - 1`` if there are none


def terms_of(directory: Directory) -> list[LocalTerm]:
    """The terms of a journal, the oldest first. O(commands of its last segment). Raises JournalDamaged and OSError."""
    begins: list[tuple[int, int]] = []
    newest = None
    for number in directory.segments():
        try:
            head = directory.head(number)
        except BadHead:
            break
        if not head.in_use:
            break
        newest = number
        if not begins or begins[-1][0] != head.term:
            begins.append((head.term, head.first_sequence))
    if newest is None:
        return []
    reader = Reader(directory, start_of(directory, newest))
    for _ in reader.batches():
        pass
    ends = [first - 1 for _, first in begins[1:]] + [reader.position.sequence]
    return [LocalTerm(term, first, last) for (term, first), last in zip(begins, ends, strict=True)]


async def last_common(stream: PageStream, terms: list[LocalTerm]) -> int:
    """Return the last command that the journal and the stream have in common, 0 if there is none. O(log pages)."""
    for local in reversed(terms):
        end = await last_where(stream, lambda stored, term=local.term: stored.page.term <= term)  # type: ignore[misc]
        if end is None:
            return local.first - 1  # the stream begins later: a snapshot replaces what it no longer has
        if end.page.term == local.term:
            return min(local.last, end.page.last)
    return 0


async def last_where(stream: PageStream, holds: Callable[[Stored], bool]) -> Stored | None:
    """Return the last message for which ``holds``, which is true up to a message and false after it. O(log messages)."""
    newest = await stream.last()
    if newest is None:
        return None
    low, high, found = await stream.first_sequence(), newest.sequence, None
    while low <= high:
        middle = (low + high) // 2
        stored = await stream.get(middle)
        if stored is not None and holds(stored):
            found, low = stored, middle + 1
        else:
            high = middle - 1
    return found


def cut_after(directory: Directory, sequence: int) -> list[Path]:
    """Make a journal end with a command. Returns the files that keep what was cut. The journal must be locked.

    Raises JournalDamaged and OSError.
    """
    return cut(directory, examine(directory, position_after(directory, sequence)))
