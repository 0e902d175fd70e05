"""The head of a segment: its fields where the schema has them, its CRCs, what is refused; and a new file."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pricetime import Instrument
from pricetime.errors import InvalidSetting
from pricetime.log import layout, segment
from pricetime.log.directory import Directory
from pricetime.log.segment import BadHead, SegmentHead
from pricetime.log.term import newest_term
from pricetime.native.disk import Disk
from tests.log import written

JSON = written.CONFIGURATION.to_json()
SHEET: Any = layout


def prepared(**changes: Any) -> SegmentHead:
    arguments: dict[str, Any] = {
        "number": 3,
        "segment_bytes": 65536,
        "term": 4,
        "epoch": 5,
        "level": 2,
        "boot": bytes(range(16)),
        "journal": written.JOURNAL,
    }
    return segment.prepared(configuration=JSON, **(arguments | changes))


def test_the_head_is_that_of_the_schema() -> None:
    sheet = Path(layout.__file__).with_suffix(".pxd").read_text(encoding="utf-8")
    fields = re.search(r"struct SegmentHead:\n((?:    .*\n)+)", sheet)
    assert fields is not None
    letters = {"u32": "I", "u64": "Q"}
    read = re.findall(r"^    (\w+) (\w+)(?:\[(\d+)\])?", fields[1], re.M)
    assert segment.HEAD.format == "<" + "".join(f"{size}s" if size else letters[kind] for kind, _, size in read)
    assert tuple(name for _, name, _ in read) == ("magic", "version", *SegmentHead._fields)
    assert segment.HEAD.size == SHEET.SegmentHead.size == 128


def test_a_head_not_in_use_is_as_written_independently() -> None:
    bytes_ = written.head(
        JSON, number=3, segment_bytes=65536, term=4, epoch=5, boot=bytes(range(16)), level=2, in_use=False
    )
    assert prepared().encode() == bytes_
    assert not prepared().in_use


def test_a_head_in_use_is_as_written_independently() -> None:
    assert prepared(number=1).used(9, 77).encode() == written.head(
        JSON, segment_bytes=65536, term=4, epoch=5, boot=bytes(range(16)), level=2, first_sequence=9, carried=77
    )


@pytest.mark.parametrize("head", [prepared(), prepared().used(1, 2)])
def test_it_comes_back(head: SegmentHead) -> None:
    data = (head.encode() + JSON).ljust(8192, b"\0")
    assert SegmentHead.decode(data) == head
    assert head.verify(data) == JSON
    assert head.first_offset == 4096


def test_every_bit_of_a_head_in_use_counts() -> None:
    data = bytearray(prepared().used(1, 2).encode() + JSON)
    for bit in range(len(data) * 8):
        data[bit // 8] ^= 1 << bit % 8
        if bit // 32 == segment.CRC_OFFSET // 4 and not any(data[segment.CRC_OFFSET : segment.CRC_OFFSET + 4]):
            continue  # a CRC of one bit, and that one gone: it would be no longer in use
        with pytest.raises(BadHead):
            SegmentHead.decode(data).verify(data)
        data[bit // 8] ^= 1 << bit % 8


@pytest.mark.parametrize("cut", [0, 127, 128, 128 + len(JSON) - 1])
def test_a_head_that_is_cut(cut: int) -> None:
    data = (prepared().encode() + JSON)[:cut]
    with pytest.raises(BadHead, match=r"128|longer"):
        SegmentHead.decode(data).verify(data)


def test_another_version_is_told() -> None:
    data = bytearray(prepared().encode() + JSON)
    data[8] = 1
    with pytest.raises(BadHead, match="version 1"):
        SegmentHead.decode(data)


def test_the_first_record_lies_behind_a_long_configuration() -> None:
    many = replace(written.CONFIGURATION, instruments=tuple(Instrument(i, "S" * 16) for i in range(100)))
    json = many.to_json()
    assert segment.first_offset(len(json)) >= 128 + len(json) > segment.first_offset(len(json)) - 4096
    assert segment.first_offset(4096 - 128) == 4096
    with pytest.raises(InvalidSetting, match="give a multiple of 4096 from"):
        segment.check_bytes(8192, len(json))


@pytest.mark.parametrize("segment_bytes", [0, 4096, 8193, 1 << 32])
def test_sizes_that_are_refused(segment_bytes: int) -> None:
    with pytest.raises(InvalidSetting):
        segment.check_bytes(segment_bytes, 200)


class Recording(Disk):
    """Remembers the calls."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name in {"create", "write", "sync", "rename", "sync_folder", "map"}:
            object.__getattribute__(self, "asked").append(name)
        return object.__getattribute__(self, name)


@pytest.mark.compiled
def test_a_new_segment_has_its_name_when_its_head_is_on_the_disk(tmp_path: Path) -> None:
    disk = Recording()
    head = prepared(number=12, segment_bytes=16384, boot=None)
    fd, mapping = segment.create(disk, tmp_path, head, JSON)
    assert disk.asked == ["create", "write", "sync", "rename", "sync_folder", "sync", "map"]
    assert [path.name for path in tmp_path.iterdir()] == ["00000012.journal"]
    data = (tmp_path / "00000012.journal").read_bytes()
    assert data == bytes(memoryview(mapping))
    assert SegmentHead.decode(data) == head
    assert head.verify(data) == JSON
    assert (head.number, head.term, head.boot, head.in_use) == (12, 4, segment.boot_id(), False)
    mapping.close()
    disk.close(fd)


@pytest.mark.compiled
def test_a_segment_that_cannot_be_mapped_leaves_no_descriptor(tmp_path: Path) -> None:
    class NoMap(Disk):
        closed = 0

        def map(self, fd: int, n_bytes: int) -> Any:
            raise OSError("no map")

        def close(self, fd: int) -> None:
            self.closed += 1
            super().close(fd)

    disk = NoMap()
    with pytest.raises(OSError, match="no map"):
        segment.create(disk, tmp_path, prepared(segment_bytes=16384), JSON)
    assert disk.closed == 1


def test_the_newest_term_is_found_in_files_that_a_repair_renamed_too(tmp_path: Path) -> None:
    directory = Directory(tmp_path)
    assert newest_term(directory) == 0
    (tmp_path / "00000001.journal").write_bytes(prepared(number=1, term=2).encode() + JSON)
    (tmp_path / "00000002.journal.broken").write_bytes(prepared(number=2, term=3).encode() + JSON)
    (tmp_path / "00000003.journal").write_bytes(b"not a segment")
    (tmp_path / "00000001.4096.broken").write_bytes(bytes(512))
    assert newest_term(directory) == 3


def test_a_segment_with_a_lower_term_or_an_earlier_beginning_is_a_fork() -> None:
    before = prepared(term=4).used(1, 0)
    assert prepared(term=4).used(11, 1).fork_of(before, 10) is None
    assert prepared(term=9).fork_of(before, 10) is None
    assert prepared(term=3).fork_of(before, 10) == "its term is 3, but segment 3 has term 4"
    assert prepared(term=4).used(10, 1).fork_of(before, 10) == "it begins with command 10, but segment 3 goes up to 10"
