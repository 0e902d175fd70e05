"""A writer over real files without a syncer: what a test does to it, one call at a time."""

from pathlib import Path

from pricetime.log import segment
from pricetime.log.directory import Directory
from pricetime.log.live import LiveSegment
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
        self.writer.begin(self.make(), 1, FIRST, 0, link)

    def make(self) -> Mapping:
        """The next segment, not in use."""
        head = segment.SegmentHead(
            written.CONFIGURATION.to_json(), len(self.mappings) + 1, self.segment_bytes,
            1, 0, segment.boot_id(), written.JOURNAL, 1,
        )  # fmt: skip
        live = LiveSegment(self.directory, head)
        self.directory.disk.close(live.fd)
        self.mappings.append(live.mapping)
        return live.mapping

    def offer(self) -> None:
        self.writer.offer(self.make(), len(self.mappings), FIRST)

    def bytes(self, number: int) -> bytes:
        return self.directory.path_of(number).read_bytes()


def expected(behind: written.Segment | None = None, segment_bytes: int = 16 * PAGE) -> written.Segment:
    """The same file written independently."""
    return written.Segment(behind=behind, segment_bytes=segment_bytes, boot=segment.boot_id())
