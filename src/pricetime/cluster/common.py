"""Where a node's journal and the stream part: a start keeps what both have, and cuts what only the journal has.

Within a term, one process writes both, the stream in the order of its journal. So if command n has the same term in
both, all commands up to n are the same: the argument of Raft's log matching.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..log.directory import Directory
from ..log.reader import Reader, position_after, start_of
from ..log.segment import BadHead
from ..log.tail import cut, examine
from .appends import IN_FLIGHT
from .reader import Stored
from .stream import PageStream


class LocalTerm(NamedTuple):
    """The commands of one term in a journal."""

    term: int
    first: int
    last: int  #: ``first - 1`` if there are none


class StreamTerm(NamedTuple):
    """The messages of one term in a stream, by their sequence there. Late pages may be among them."""

    term: int
    start: int  #: of the term record, or of the first message that is left
    end: int


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


async def terms_in(stream: PageStream) -> list[StreamTerm]:
    """The terms of a stream, the oldest first. O(terms) requests."""
    newest = await stream.last()
    if newest.stored is None:
        return []
    first = await stream.get(await stream.first_sequence())
    begins = [(first.page.term, first.sequence)]
    while (record := await stream.next_record(begins[-1][1] + 1)) is not None:
        begins.append((record.page.term, record.sequence))
    ends = [start - 1 for _, start in begins[1:]] + [newest.sequence]
    return [StreamTerm(term, start, end) for (term, start), end in zip(begins, ends, strict=True)]


async def last_common(stream: PageStream, local: list[LocalTerm]) -> int:
    """Return the last command that a journal and the stream have in common; 0 without one. O(terms) requests."""
    known = {one.term: one for one in await terms_in(stream)}
    for mine in reversed(local):
        if mine.term in known:
            return min(mine.last, (await _last_of(stream, known[mine.term])).page.last)
    return 0


async def _last_of(stream: PageStream, term: StreamTerm) -> Stored:
    """The last message of a term that is not a late page of an earlier one."""
    found = await stream.get(term.end)
    while found.page.term != term.term:
        found = await stream.get(found.sequence - 1)
    return found


async def newest_known(stream: PageStream, term: int, sequence: int) -> Stored | None:
    """Return the last message that a journal has completely; None if it has none that is left in the stream.

    ``term``, ``sequence``: of its last command, which is in the stream too. O(log messages) requests.
    """
    known = {one.term: one for one in await terms_in(stream)}
    if term not in known:
        return None
    start, end = known[term].start, known[term].end
    low, high = start + IN_FLIGHT, end  # late pages are not behind ``low``
    found = None
    while low < high:
        middle = (low + high + 1) // 2
        stored = await stream.get(middle)
        if stored.page.last <= sequence:
            found, low = stored, middle
        else:
            high = middle - 1
    if found is not None:
        return found
    for at in range(start, min(start + IN_FLIGHT, end) + 1):
        stored = await stream.get(at)
        if stored.page.term == term and stored.page.last <= sequence:
            found = stored
    return found


def cut_after(directory: Directory, sequence: int) -> list[Path]:
    """Make a journal end with a command. Returns the files that keep what was cut. The journal must be locked.

    Raises JournalDamaged and OSError.
    """
    return cut(directory, examine(directory, position_after(directory, sequence)))
