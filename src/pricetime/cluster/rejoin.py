"""What a node does before it follows: its journal keeps what the stream has too, and goes on where the stream does."""

from __future__ import annotations

import time

from ..exchange.settings.errors import CannotStart
from ..exchange.settings.server_log import Log
from ..log.begin import begin_with
from ..log.directory import Directory
from .common import cut_after, last_common, terms_of
from .link import Link

#: A journal that is so many commands behind begins again with a snapshot of the object store.
FAR = 1_000_000


async def rejoin(link: Link, directory: Directory, events: Log) -> None:
    """Make the journal in a locked directory one that can follow the stream.

    It cuts commands that this node wrote as leader and that were never acknowledged. A journal that is far behind, or
    that ends before what the stream still has, is set aside for a snapshot. Raises CannotStart, JournalError, OSError
    and JetStreamError.
    """
    terms = terms_of(directory)
    common = await last_common(link.stream, terms)
    if terms and common < terms[-1].last:
        kept = cut_after(directory, common)
        events.warning(
            "journal cut", after=common, commands=terms[-1].last - common, saved_in=[path.name for path in kept],
            meaning="they were not acknowledged, and a later leader has others in their place",
        )  # fmt: skip
    next_page = await link.stream.find(common + 1)
    missing = next_page is not None and next_page.page.first > common + 1
    last = (await link.stream.last()).stored
    if missing or (last is not None and last.page.last - common > FAR):  # else the object store need not answer
        await _begin_with_snapshot(link, directory, events, common, missing=missing)


async def _begin_with_snapshot(link: Link, directory: Directory, events: Log, common: int, *, missing: bool) -> None:
    """Begin with the newest snapshot if the journal needs it. ``missing``: the stream has not all that follows it."""
    for sequence in await link.snapshots.sequences():
        if not (missing and sequence > common) and sequence - common <= FAR:
            continue
        found = await link.snapshots.get(sequence)
        if found is None:
            continue
        aside = _set_aside(directory)
        begin_with(directory, *found)
        events.info("began with a snapshot", sequence=sequence, before=common, journal_moved_to=aside)
        return
    if missing:
        raise CannotStart(
            f"the stream begins after command {common}, where the journal {directory.path} ends, and there is no "
            "snapshot of a later one: copy the journal of a different node"
        )


def _set_aside(directory: Directory) -> str | None:
    """Move the files of a journal into a folder in it. Returns its path; None if there was nothing to move."""
    files = [directory.path_of(number) for number in directory.segments()]
    files += [directory.snapshot_path(sequence) for sequence in directory.snapshots()]
    if not files:
        return None
    folder = directory.path / f"aside-{time.time_ns()}"
    directory.disk.make_folder(folder)
    for file in files:
        directory.disk.rename(file, folder / file.name)
    directory.disk.sync_folder(directory.path)
    return str(folder)
