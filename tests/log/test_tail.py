"""What lies behind the last good record: judged, and cut."""

from pathlib import Path

import numpy as np
import pytest

from pricetime.log.errors import JournalDamaged
from pricetime.log.reader import Reader
from pricetime.log.tail import Tail, cut, examine, examine_live, judge
from tests.log.crashes import course, states
from tests.log.memory import MemoryDisk, directory_of
from tests.log.reference import CONFIGURATION, journal
from tests.log.written import PAGE, Segment, orders


def read(files: dict[str, bytes]) -> tuple[Reader, bytes]:
    """A reader at the end, and all commands."""
    reader = Reader(directory_of(files))
    found = b""
    while not (batch := reader.read(1000)).at_end:
        found += batch.commands.tobytes()
    return reader, found


def judged(files: dict[str, bytes]) -> Tail:
    reader, _ = read(files)
    return judge(reader)


def one(synced: int = 0, count: int = 20) -> Segment:
    segment = Segment(CONFIGURATION, segment_bytes=4 * PAGE)
    segment.checkpoint(synced=0)
    segment.commands(orders(count))
    if synced:
        segment.checkpoint(synced=synced)
        segment.commands(orders(5, count + 1))
    return segment


def broken(segment: Segment, record: int, byte: int = 40) -> dict[str, bytes]:
    """The segment with one bit of a record changed."""
    data = bytearray(segment.data())
    data[segment.offsets[record] + byte] ^= 4
    return {"00000001.journal": bytes(data)}


def test_nothing_behind_the_last_record_is_clean() -> None:
    reader, _ = read({"00000001.journal": one().data()})
    tail = judge(reader)
    assert tail.clean
    assert not tail.lost
    assert tail.position == reader.position


def test_a_record_in_the_making_is_torn() -> None:
    segment = one()
    last = segment.offsets[-1]
    segment.bytes[last : last + 8] = bytes(8)
    reader, _ = read({"00000001.journal": segment.data()})
    tail = judge(reader)
    assert not tail.clean
    assert not tail.lost
    assert 0 < tail.cut_bytes <= 72
    assert reader.position.sequence == 19


@pytest.mark.parametrize("byte", [0, 4, 8, 30, 71])
def test_a_place_that_was_durable_is_damage(byte: int) -> None:
    reader, _ = read(broken(one(synced=20), 10, byte))
    with pytest.raises(
        JournalDamaged,
        match=r"00000001.journal is damaged at byte .* after command 9: a later record says that command 10 was on",
    ):
        judge(reader)


@pytest.mark.parametrize("byte", [0, 4, 8, 30, 71])
def test_good_records_behind_a_bad_one_without_a_hole_are_damage(byte: int) -> None:
    reader, _ = read(broken(one(), 10, byte))
    with pytest.raises(JournalDamaged, match="good records follow"):
        judge(reader)


def test_a_lost_sector_with_good_records_behind_is_torn_and_may_have_been_seen() -> None:
    segment = one(count=50)
    at = segment.offsets[20] // 512 * 512
    segment.bytes[at : at + 512] = bytes(512)
    reader, _ = read({"00000001.journal": segment.data()})
    tail = judge(reader)
    assert not tail.clean
    assert tail.lost
    assert tail.records > 10


def test_the_last_record_alone_is_torn_whatever_it_is() -> None:
    reader, _ = read(broken(one(), -1))
    assert judge(reader).cut_bytes > 0


def test_a_proof_on_the_next_page_is_found_though_nothing_leads_to_it() -> None:
    segment = one()
    segment.turn()
    segment.checkpoint(synced=20)
    segment.command(orders(1, 21)[0].tobytes())
    for byte in (4, 20):  # of the last record of the page before: its CRC, its command
        reader, _ = read(broken(segment, 20, byte))
        with pytest.raises(JournalDamaged, match="command 20 was on the disk"):
            judge(reader)


def test_a_later_segment_that_does_not_verify_is_damage() -> None:
    files = journal([30, 30]).files
    head = bytearray(files["00000002.journal"])
    head[100] ^= 1
    reader, _ = read({**files, "00000002.journal": bytes(head)})
    with pytest.raises(JournalDamaged, match=r"00000002\.journal is damaged at byte 0"):
        judge(reader)


def test_a_missing_segment_is_damage_and_named() -> None:
    files = journal([30, 30, 30]).files
    del files["00000002.journal"]
    reader, _ = read(files)
    with pytest.raises(
        JournalDamaged, match=r"00000002\.journal is missing, but 00000003\.journal, which was made after it, exists"
    ):
        judge(reader)


def test_a_journal_that_ends_before_its_snapshot_is_damaged() -> None:
    files = {"00000001.journal": one().data(), f"{25:020}.snapshot": b"whatever it holds"}
    reader, _ = read(files)
    with pytest.raises(JournalDamaged, match="a snapshot of command 25 exists"):
        judge(reader)


def test_a_file_that_was_shortened_may_have_lost_what_was_seen() -> None:
    segment = one()
    reader, _ = read({"00000001.journal": segment.data()[: segment.offsets[15]]})
    tail = judge(reader)
    assert tail.clean
    assert tail.lost


def test_what_came_after_the_reader_is_no_damage() -> None:
    segment = one()
    early, _ = read({"00000001.journal": segment.data()[: segment.offsets[15]].ljust(4 * PAGE, b"\0")})
    directory = directory_of({"00000001.journal": segment.data()})
    assert examine(directory, early.position).damage is not None
    assert examine_live(directory, early.position).clean
    broken_one, _ = read(broken(segment, 10))
    assert examine_live(directory_of(broken(segment, 10)), broken_one.position).damage is not None


def test_cutting_keeps_what_it_cuts_and_can_be_done_again() -> None:
    segment = one(count=50)
    at = segment.offsets[20] // 512 * 512
    segment.bytes[at : at + 512] = bytes(512)
    later = Segment(CONFIGURATION, behind=segment, segment_bytes=2 * PAGE)
    later.checkpoint(synced=0)
    written = {"00000001.journal": segment.data(), "00000002.journal": later.data()}
    reader, found = read(written)
    directory = directory_of(written)
    tail = examine(directory, reader.position)
    kept = cut(directory, tail)
    assert [path.name for path in kept] == [f"00000001.{reader.position.offset}.broken", "00000002.journal.broken"]
    files = directory.disk.files  # type: ignore[attr-defined]
    assert files[kept[0].name] == segment.data()[reader.position.offset :][: tail.cut_bytes]
    assert files["00000002.journal.broken"] == later.data()
    assert len(files["00000001.journal"]) == reader.position.offset
    again, same = read({name: data for name, data in files.items() if name.endswith("journal")})
    assert same == found
    assert judge(again).clean
    assert cut(directory, examine(directory, reader.position)) == []


def test_a_cut_that_was_interrupted_is_done_to_its_end() -> None:
    class Stops(MemoryDisk):
        left = 0

        def _step(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise OSError(5, "pulled")

        def truncate(self, path: Path, n_bytes: int) -> None:
            self._step()
            super().truncate(path, n_bytes)

        def rename(self, old: Path, new: Path) -> None:
            self._step()
            super().rename(old, new)

        def unlink(self, path: Path) -> None:
            self._step()
            super().unlink(path)

    segment = one(count=50)
    segment.bytes[segment.offsets[20] : segment.offsets[30]] = bytes(720)
    later = Segment(CONFIGURATION, behind=segment, segment_bytes=2 * PAGE)
    later.checkpoint(synced=0)
    files = {"00000001.journal": segment.data(), "00000002.journal": later.data()}
    _, found = read(files)
    for steps in range(4):
        directory = directory_of(files)
        disk = directory.disk = Stops(files)
        disk.left = steps
        try:
            cut(directory, judged(directory.disk.files))
        except OSError:
            disk.left = 1000
            cut(directory, judged(directory.disk.files))
        left = {name: data for name, data in disk.files.items() if name.endswith(".journal")}
        again, same = read(left)
        assert same == found
        assert judge(again).clean
        assert sum(name.endswith("broken") for name in disk.files) == 2


@pytest.mark.parametrize("part", range(20))
def test_no_loss_of_power_is_taken_for_damage_or_loses_what_was_durable(part: int) -> None:
    for seed in range(part * 6, part * 6 + 6):
        written = course(seed)
        whole = np.ascontiguousarray(written.commands).tobytes()
        for files in states(written, seed, 40):
            reader, found = read(files)
            assert found == whole[: len(found)]
            assert reader.position.sequence >= written.durable
            tail = judge(reader)
            directory = directory_of(files)
            cut(directory, tail)
            again, same = read(directory.disk.files)  # type: ignore[attr-defined]
            assert same == found
            assert judge(again).clean
