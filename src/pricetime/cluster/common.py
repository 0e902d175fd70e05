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
from .jetstream import Unknown
from .reader import Stored
from .stream import PageStream


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


async def last_common(stream: PageStream, local: list[LocalTerm]) -> int:
    """Return the last command that a journal and the stream have in common; 0 without one. O(terms) requests.

    A leader begins its term at the end of the stream. So the commands of the stream from the first of a local term on,
    up to the record of a later term, are of this term too. If the stream begins in a later term, its record may be
    deleted, so nothing of the local term is known to be common. Raises Unknown, also if a record was not given.
    """
    records, begin = await stream.records(), await stream.begin()
    end = (await stream.last()).stored
    if end is not None and records and end.page.term > records[-1].page.term:
        raise Unknown(f"{stream.name} did not give the record of term {end.page.term}, which it has")
    for mine in reversed(local):
        if begin is not None and begin.page.term > mine.term:
            continue
        later = (record.page.last for record in records if record.page.term > mine.term)
        last = next(later, end.page.last if end is not None else 0)
        if last >= mine.first:
            return min(mine.last, last)
    return local[0].first - 1 if local else 0


async def newest_known(stream: PageStream, sequence: int) -> Stored | None:
    """Return the message after which a journal continues that ends with a command; None: with the first that is left.

    Term records behind the command are not known. O(log messages) requests.
    """
    found = await stream.find(sequence) if sequence else None
    if found is None or found.page.last == sequence:
        return found
    return await stream.before(found)


def cut_after(directory: Directory, sequence: int) -> list[Path]:
    """Make a journal end with a command. Returns the files that keep what was cut. The journal must be locked.

    Raises JournalDamaged and OSError.
    """
    return cut(directory, examine(directory, position_after(directory, sequence)))
