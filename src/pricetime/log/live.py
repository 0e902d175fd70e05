"""A segment that is being written, as the syncer sees it: what is on the disk, and what the engine may store into."""

from __future__ import annotations

from ..errors import InvalidSetting
from .directory import Directory
from .layout import PAGE
from .segment import TEMPORARY, SegmentHead

#: Segments have room for a head and a page of records, and offsets in them are u32.
LEAST_BYTES, MOST_BYTES = 2 * PAGE, 1 << 31

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

    def __init__(self, directory: Directory, head: SegmentHead, *, zeroed: bool = False, chunked: bool = False) -> None:
        """Make a new segment on the disk, not in use, without prepared pages. Raises OSError, InvalidSetting."""
        least = max(LEAST_BYTES, head.first_offset + PAGE)
        if head.segment_bytes % PAGE or not least <= head.segment_bytes <= MOST_BYTES:
            raise InvalidSetting(
                f"segments of {head.segment_bytes} bytes: give a multiple of {PAGE} from {least} to {MOST_BYTES}"
            )
        self.disk = directory.disk
        self.number = head.number
        self.first_offset = head.first_offset
        self.zeroed = zeroed
        self.chunked = chunked
        self.n_bytes = self.end = head.segment_bytes  #: no record ends after ``end``
        self.synced = self.populated = 0
        path = directory.path_of(head.number)
        temporary = path.with_name(path.name + TEMPORARY)
        self.fd = self.disk.create(temporary, self.n_bytes)
        try:
            self.disk.write(self.fd, head.encode(), 0)
            self.disk.sync(self.fd)
            self.disk.rename(temporary, path)  # only now, because a reader relies on the head of a segment
            self.disk.sync_folder(directory.path)
            self.mapping = self.disk.map(self.fd, self.n_bytes)
        except BaseException:
            self.disk.close(self.fd)
            raise

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
