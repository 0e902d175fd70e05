"""What is where in a journal."""

import pytest

from pricetime.log import survey
from pricetime.log.errors import JournalDamaged
from pricetime.log.reader import Reader, start_of
from tests.log.memory import directory_of
from tests.log.reference import CONFIGURATION, journal, snapshot_after

WRITTEN = journal([45, 40])


def test_segments_and_snapshots() -> None:
    name, data = snapshot_after(WRITTEN, 60)
    files = {**WRITTEN.files, name: data, f"{70:020}.snapshot": data, "00000003.journal": bytes(100)}
    directory = directory_of(files)
    first, second, third = survey.segments(directory)
    assert first.head is not None
    assert (first.number, first.size, first.head.first_sequence) == (1, 8192, 1)
    assert second.configuration == CONFIGURATION
    assert (third.head, third.configuration) == (None, None)
    assert "a head takes 128" in third.fault
    wrong, right = survey.snapshots(directory)
    assert wrong.snapshot is None
    assert "it is of command 60" in wrong.fault
    assert right.snapshot is not None
    assert right.snapshot.sequence == 60


def test_records_one_by_one() -> None:
    directory = directory_of(WRITTEN.files)
    found = list(survey.records(directory, start_of(directory)))
    offsets = [(segment.number, offset) for segment in WRITTEN.segments for offset in segment.offsets]
    assert len(found) == len(offsets)
    for record, (number, offset) in zip(found, offsets, strict=True):
        assert record.segment == number
        assert record.offset in (offset, None)
        assert (record.command is None) != (record.checkpoint is None)
    assert [int(r.command["sequence"]) for r in found if r.command is not None] == list(range(1, 86))


@pytest.mark.parametrize("sequence", [1, 3, 6, 45, 46, 50, 51, 85])
def test_a_position_ahead_of_a_command(sequence: int) -> None:
    directory = directory_of(WRITTEN.files)
    begins = 0 if sequence <= 45 else 45
    assert survey.ahead_of(directory, sequence, 5).sequence == max(sequence - 6, begins)


def test_a_position_ahead_of_the_end() -> None:
    assert survey.ahead_of(directory_of(WRITTEN.files), 1000, 5).sequence == 80


def test_no_segment_is_in_use() -> None:
    with pytest.raises(JournalDamaged, match="no segment is in use"):
        survey.ahead_of(directory_of({}), 1, 5)


def test_the_command_at_a_byte() -> None:
    directory = directory_of(WRITTEN.files)
    sequences = [
        survey.sequence_at(directory, segment.number, offset + 10)
        for segment in WRITTEN.segments
        for offset in segment.offsets
        if segment.bytes[offset + 32] != 15
    ]
    assert sequences == list(range(1, 86))


def test_the_record_that_is_not_good() -> None:
    data = bytearray(WRITTEN.files["00000001.journal"])
    at = WRITTEN.segments[0].offsets[5]
    data[at + 8 + 20] ^= 1
    directory = directory_of({**WRITTEN.files, "00000001.journal": bytes(data)})
    reader = Reader(directory)
    reader.read()
    bad = survey.bad_record(directory, reader.position)
    assert (bad.segment, bad.offset, bad.length) == (1, at, 64)
    assert bad.crc == int.from_bytes(WRITTEN.files["00000001.journal"][at + 4 : at + 8], "little")
    assert bad.crc != bad.expected_crc
    assert int(bad.command["sequence"]) == 5
