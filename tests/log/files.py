"""A writer over real files without a syncer: what a test does to it, one call at a time."""

from pathlib import Path

from pricetime.log import segment
from pricetime.log.directory import Directory
from pricetime.log.writer import Writer
from pricetime.native.crc import crc32c
from pricetime.native.mapping import Mapping

from . import written

PAGE, FIRST = 4096, 4096


class Files:
    """Makes segments in a folder and hands them to ``writer``; the first one is in use."""

    def __init__(self, folder: Path, segment_bytes: int = 16 * PAGE) -> None:
        self.directory = Directory(folder)
        self.segment_bytes = segment_bytes
        self.writer = Writer()
        self.mappings: list[Mapping] = []
        link = crc32c(written.CONFIGURATION.to_json())
        self.writer.start(self.make(), 1, FIRST, 0, link)

    def make(self) -> Mapping:
        """The next segment, not in use."""
        json = written.CONFIGURATION.to_json()
        head = segment.prepared(
            len(self.mappings) + 1, self.segment_bytes, json, term=1, epoch=0, level=1, journal=written.JOURNAL
        )
        fd, mapping = segment.create(self.directory.disk, self.directory.path, head, json)
        self.directory.disk.close(fd)
        self.mappings.append(mapping)
        return mapping

    def offer(self) -> None:
        self.writer.offer(self.make(), len(self.mappings), FIRST)

    def bytes(self, number: int) -> bytes:
        return self.directory.path_of(number).read_bytes()


def expected(behind: written.Segment | None = None, segment_bytes: int = 16 * PAGE) -> written.Segment:
    """The same file written independently."""
    return written.Segment(behind=behind, segment_bytes=segment_bytes, boot=segment.boot_id())
