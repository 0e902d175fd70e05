"""A segment that is written, from the syncer's side: what of it is on the disk, and what can be stored into."""

from __future__ import annotations

from ..native.disk import Disk
from ..native.mapping import Mapping
from .segment import PAGE

#: Bytes brought to the disk, or made ready, in one call: others wait no longer than that takes.
SYNC_STEP, POPULATE_STEP = 1 << 20, 256 << 10

#: Pages of a chunked segment that the system may keep together: no more than are made ready in one call.
CHUNK = POPULATE_STEP

#: A page that is written by itself: in larger writes the system would keep pages together, and mind them together.
ZEROS = bytes(PAGE)

CHUNK_OF_ZEROS = bytes(CHUNK)


class LiveSegment:
    """Pages below ``synced`` are on the disk; those below ``populated`` can be stored into without a fault.

    ``zeroed``: zeros are written into pages, and synced, before they are made ready. What is reserved alone has to be
    told from what is written when it is synced first, by threads of the system that want a processor too; what was
    written before has not, so that commits take two thirds of the time, and rarely much longer.
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
        self.end = self.n_bytes  #: no record goes behind it
        self.synced = 0
        self.populated = 0

    @property
    def limit(self) -> int:
        """Up to here it may be stored into. Behind it zeros may be written, over whatever is there."""
        return self.populated if self.zeroed or self.chunked else self.n_bytes

    def sync(self, offset: int) -> int:
        """Bring the pages up to ``offset`` nearer to the disk by one step: the bytes that were synced, 0 at the end."""
        n_bytes = min(whole_pages(offset) - self.synced, SYNC_STEP)
        if n_bytes <= 0:
            return 0
        self.disk.sync_range(self.mapping, self.synced, n_bytes)
        self.synced += n_bytes
        return n_bytes

    def populate(self, offset: int) -> bool:
        """Make the pages up to ``offset`` ready by one step: False when they are."""
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
        """Have zeros on the disk where nothing is yet."""
        for at in range(first, end, PAGE):
            self.disk.write(self.fd, ZEROS, at)
        if first < end:
            self.disk.sync_range(self.mapping, first, end - first)

    def refresh(self, offset: int) -> None:
        """Make the next pages from ``offset`` on ready once more: the system may have written them out by itself."""
        first = whole_pages(offset)
        n_bytes = min(POPULATE_STEP, self.populated - first)
        if n_bytes > 0:
            self.disk.populate(self.mapping, first, n_bytes)

    def close(self) -> None:
        """Only when nobody stores into it any more. May be called twice."""
        self.mapping.close()
        if self.fd >= 0:
            self.disk.close(self.fd)
        self.fd = -1


def whole_chunks(offset: int) -> int:
    """The last place where a chunk begins."""
    return offset // CHUNK * CHUNK


def whole_pages(offset: int) -> int:
    """The next place where a page begins."""
    return -(-offset // PAGE) * PAGE
