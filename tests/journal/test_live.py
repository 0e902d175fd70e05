"""A segment that is written: in steps to the disk, in steps ready ahead, in steps given back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pricetime.native.disk import Disk

from . import written

pytestmark = pytest.mark.compiled

MIB = 1 << 20


class Asked(Disk):
    """Remembers the ranges."""

    def __init__(self) -> None:
        self.path = Path()
        self.synced: list[tuple[int, int]] = []
        self.populated: list[tuple[int, int]] = []
        self.written: list[int] = []  #: pages behind the head

    def sync_range(self, mapping: Any, first: int, n_bytes: int) -> None:
        self.synced.append((first, n_bytes))

    def write(self, fd: int, data: Any, offset: int) -> None:
        if offset:
            self.written.append(offset)
        super().write(fd, data, offset)

    def populate(self, mapping: Any, first: int, n_bytes: int) -> None:
        self.populated.append((first, n_bytes))


@pytest.fixture
def live(tmp_path: Path) -> Any:
    from pricetime.journal import segment
    from pricetime.journal.live import LiveSegment

    disk = Asked()
    disk.path = tmp_path / "00000001.journal"
    fd, mapping = segment.create(disk, tmp_path, 1, 4 * MIB, written.CONFIGURATION, epoch=0, level=1)
    return LiveSegment(disk, fd, mapping, 1, 4096)


def test_whole_pages_are_synced_once_and_no_more_than_a_step_at_a_time(live: Any) -> None:
    assert live.sync(5000) == 8192
    assert live.sync(8192) == live.sync(5000) == 0
    assert live.sync(8193) == 4096
    while live.sync(3 * MIB):
        pass
    assert live.disk.synced == [
        (0, 8192),
        (8192, 4096),
        (12288, MIB),
        (12288 + MIB, MIB),
        (12288 + 2 * MIB, MIB - 12288),
    ]


def test_it_is_made_ready_up_to_its_end(live: Any) -> None:
    assert live.populate(1)
    assert not live.populate(4096)
    assert not live.populate(-5)
    while live.populate(100 * MIB):
        pass
    ends = [first + n_bytes for first, n_bytes in live.disk.populated]
    assert [first for first, _ in live.disk.populated] == [0, *ends[:-1]]
    assert ends[-1] == 4 * MIB
    assert max(n_bytes for _, n_bytes in live.disk.populated) == MIB // 4


def test_only_what_is_ready_is_made_ready_once_more(live: Any) -> None:
    live.refresh(0)
    assert live.disk.populated == []
    live.populate(1)
    [(_, n_bytes)] = live.disk.populated
    live.refresh(n_bytes - 8192)
    assert live.disk.populated == [(0, n_bytes), (n_bytes - 8192, 8192)]


def test_zeros_are_on_the_disk_before_pages_are_ready(live: Any) -> None:
    live.zeroed = True
    before = live.disk.size(live.disk.path)
    live.populate(1)
    [(first, n_bytes)] = live.disk.populated
    assert live.disk.synced == [(4096, first + n_bytes - 4096)], "the head is not overwritten"
    assert live.disk.written == list(range(4096, n_bytes, 4096)), "a page at a time"
    assert live.disk.size(live.disk.path) == before


def test_it_is_closed_once(live: Any) -> None:
    live.close()
    live.close()
    with pytest.raises(ValueError, match="closed"):
        live.mapping.sync(0, 4096)
