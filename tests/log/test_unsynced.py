from pathlib import Path

import pytest

from pricetime.log.directory import Directory
from pricetime.log.position import Position
from pricetime.log.unsynced import STEP, unsynced
from tests.log.written import PAGE, RECORD, Segment, orders

LARGE = 256 * PAGE


def end_of(segment: Segment) -> Position:
    return Position(segment.number, segment.offset, segment.link, segment.sequence)


def test_without_a_word_of_what_is_on_the_disk_everything(tmp_path: Path) -> None:
    first = Segment(segment_bytes=3 * PAGE)
    first.commands(orders(first.room))
    second = Segment(behind=first, segment_bytes=3 * PAGE)
    second.commands(orders(10, first.sequence + 1))
    for segment in (first, second):
        segment.write(tmp_path)
    assert unsynced(Directory(tmp_path), [1, 2], end_of(second)) == {1: (first.first, 3 * PAGE), 2: (0, second.offset)}


def test_from_a_place_that_is_on_the_disk(tmp_path: Path) -> None:
    segment = Segment(segment_bytes=LARGE)
    segment.commands(orders(2 * STEP))
    segment.turn()
    segment.checkpoint(synced=STEP + 5)
    segment.commands(orders(3, 2 * STEP + 1))
    segment.write(tmp_path)
    assert unsynced(Directory(tmp_path), [1], end_of(segment)) == {1: (segment.first + STEP * RECORD, segment.offset)}


@pytest.mark.parametrize("by_snapshot", [False, True])
def test_where_all_is_on_the_disk_nothing(tmp_path: Path, by_snapshot: bool) -> None:
    segment = Segment()
    segment.commands(orders(10))
    if by_snapshot:
        Directory(tmp_path).snapshot_path(10).touch()
    else:
        segment.turn()
        segment.checkpoint(synced=10)
    segment.write(tmp_path)
    assert unsynced(Directory(tmp_path), [1], end_of(segment)) == {}


@pytest.mark.parametrize("at", [20, PAGE + 20])
def test_where_what_is_before_cannot_be_read_everything(tmp_path: Path, at: int) -> None:
    first = Segment(segment_bytes=3 * PAGE)
    first.commands(orders(first.room))
    second = Segment(behind=first, segment_bytes=3 * PAGE)
    second.commands(orders(10, first.sequence + 1))
    first.bytes[at] ^= 1
    for segment in (first, second):
        segment.write(tmp_path)
    Directory(tmp_path).snapshot_path(first.sequence + 2).touch()
    assert unsynced(Directory(tmp_path), [1, 2], end_of(second)) == {1: (0, 3 * PAGE), 2: (0, second.offset)}
