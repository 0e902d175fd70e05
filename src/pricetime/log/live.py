"""A segment that is being written, as the syncer sees it: what is on the disk, and what the engine may store into."""

from __future__ import annotations

from ..native.disk import Disk
from ..native.mapping import Mapping
from .layout import PAGE

#: Bytes synced, or prepared, in one step, so that other work waits only for one step.
SYNC_STEP, POPULATE_STEP = 1 << 20, 256 << 10

#: Bytes of a chunk of a chunked segment: as many as are prepared in one step.
CHUNK = POPULATE_STEP

#: Pages are written one by one: after a larger write the system would handle the pages as one unit.
ZEROS = bytes(PAGE)

CHUNK_OF_ZEROS = bytes(CHUNK)


class LiveSegment:
    """Pages below ``synced`` are on the disk. A store into pages below ``populated`` does not fault.

    ``zeroed``: zeros are written to pages and synced before they are prepared. The first sync of merely reserved blocks
    must convert them, in kernel threads that compete for the processor. With zeros written before, commits take two
    thirds of the time and are rarely much slower.
    """

    def __init__(
        self,
        disk: Disk,
        fd: int,
        mapping: Mapping,
        number: int,
        first_offset: int,
        *,
        zeroed: bool = False,
        chunked: bool = False,
    ) -> None:
        self.disk = disk
        self.fd = fd
        self.mapping = mapping
        self.number = number
        self.first_offset = first_offset
        self.zeroed = zeroed
        self.chunked = chunked
        self.n_bytes = mapping.n_bytes
        self.end = self.n_bytes  #: no record ends after it
        self.synced = 0
        self.populated = 0

    @property
    def limit(self) -> int:
        """Offset up to which the engine may store. After it, zeros may be written at any time."""
        return self.populated if self.zeroed or self.chunked else self.n_bytes

    def sync(self, offset: int) -> int:
        """Sync one step of the pages up to ``offset``. Returns the synced bytes, 0 if there is nothing to do."""
        n_bytes = min(whole_pages(offset) - self.synced, SYNC_STEP)
        if n_bytes <= 0:
            return 0
        self.disk.sync_range(self.mapping, self.synced, n_bytes)
        self.synced += n_bytes
        return n_bytes

    def populate(self, offset: int) -> bool:
        """Prepare one step of the pages up to ``offset``. Returns False if all are prepared."""
        if min(offset, self.n_bytes) <= self.populated:
            return False
        n_bytes = min(POPULATE_STEP, self.n_bytes - self.populated)
        first, end = max(self.populated, self.first_offset), self.populated + n_bytes
        if self.chunked and first < end:
            self.disk.write(self.fd, memoryview(CHUNK_OF_ZEROS)[: end - first], first)
        elif self.zeroed:
            self._write_zeros(first, end)
        self.disk.populate(self.mapping, self.populated, n_bytes)
        self.populated += n_bytes
        return True

    def _write_zeros(self, first: int, end: int) -> None:
        """Write zeros to the disk where nothing was written yet."""
        for at in range(first, end, PAGE):
            self.disk.write(self.fd, ZEROS, at)
        if first < end:
            self.disk.sync_range(self.mapping, first, end - first)

    def refresh(self, offset: int) -> None:
        """Prepare the next pages from ``offset`` on again, because the system may have written them out by itself."""
        first = whole_pages(offset)
        n_bytes = min(POPULATE_STEP, self.populated - first)
        if n_bytes > 0:
            self.disk.populate(self.mapping, first, n_bytes)

    def close(self) -> None:
        """Close the files, when no thread stores into the segment any more. May be called twice."""
        self.mapping.close()
        if self.fd >= 0:
            self.disk.close(self.fd)
        self.fd = -1


def whole_chunks(offset: int) -> int:
    """Round down to the beginning of a chunk."""
    return offset // CHUNK * CHUNK


def whole_pages(offset: int) -> int:
    """Round up to the beginning of a page."""
    return -(-offset // PAGE) * PAGE
