"""Reading: what was written comes out, whatever the way in which pages, segments and batches divide it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pricetime import Instrument
from pricetime.log.batch import Commands
from pricetime.log.directory import Directory
from pricetime.log.errors import JournalDamaged, JournalForked
from pricetime.log.position import Position
from pricetime.log.reader import Checkpoint, Reader, start_of
from pricetime.log.tail import judge
from tests.log.memory import directory_of
from tests.log.reference import journal
from tests.log.written import CONFIGURATION, PAGE, RECORD, Segment, orders

COMMANDS = orders(200)


def three_segments() -> list[Segment]:
    first = Segment(segment_bytes=4 * PAGE)
    first.checkpoint(synced=0)
    first.commands(COMMANDS[:30])
    first.turn()
    first.checkpoint(synced=30, seq_num=30, report_checksum=77)
    first.commands(COMMANDS[30:100])
    second = Segment(behind=first, segment_bytes=2 * PAGE, epoch=5, level=2, boot=b"b" * 16)
    third = Segment(behind=second, segment_bytes=4 * PAGE)
    third.checkpoint(synced=100)
    third.commands(COMMANDS[100:])
    return [first, second, third]


def files_of(segments: list[Segment]) -> dict[str, bytes]:
    return {f"{segment.number:08}.journal": segment.data() for segment in segments}


@pytest.mark.parametrize("limit", [1, 7, 100, 65_536])
def test_batches_are_cut_anywhere_and_hold_all(limit: int) -> None:
    reader = Reader(directory_of(files_of(three_segments())))
    found: list[Commands] = []
    checkpoints = []
    while not (batch := reader.read(limit)).at_end:
        assert len(batch.commands) <= limit
        assert batch.configuration == CONFIGURATION
        before = sum(len(part) for part in found)
        checkpoints += [(before + checkpoint.index, checkpoint.sequence) for checkpoint in batch.checkpoints]
        found.append(batch.commands)
    assert np.concatenate(found).tobytes() == COMMANDS.tobytes()
    assert checkpoints == [(0, 0), (30, 30), (100, 100)]
    assert reader.position.sequence == 200
    assert reader.read(limit).at_end


def test_a_checkpoint_says_what_was_written() -> None:
    batch = Reader(directory_of(files_of(three_segments()))).read()
    assert batch.checkpoints[1] == Checkpoint(index=30, sequence=30, synced=30, seq_num=30, report_checksum=77)


def test_arrays_are_the_callers() -> None:
    reader = Reader(directory_of(files_of(three_segments())))
    first = reader.read(100).commands
    kept = first.tobytes()
    second = reader.read(100).commands
    first[:] = 0
    assert second.tobytes() == COMMANDS[100:].tobytes()
    assert kept == COMMANDS[:100].tobytes()


def test_a_reader_begins_at_any_position() -> None:
    directory = directory_of(files_of(three_segments()))
    reader = Reader(directory)
    for sequence in range(0, 200, 13):
        position = reader.position
        assert position.sequence == sequence
        again = Reader(directory, position)
        found = []
        while not (batch := again.read()).at_end:
            found.append(batch.commands)
        assert np.concatenate(found).tobytes() == COMMANDS[sequence:].tobytes()
        while (missing := sequence + 13 - reader.position.sequence) and reader.position.sequence < 200:
            reader.read(missing)


def test_the_oldest_segment_is_the_start() -> None:
    segments = three_segments()
    directory = directory_of(files_of(segments[2:]))
    reader = Reader(directory)
    assert reader.position == Position(3, segments[2].first, start_of(directory, 3).link, 100)
    assert reader.read().commands.tobytes() == COMMANDS[100:].tobytes()


def test_it_tells_what_the_head_says() -> None:
    segments = three_segments()
    reader = Reader(directory_of(files_of(segments[:2])))
    assert (reader.level, reader.boot) == (1, bytes(16))
    batch = reader.read()
    assert batch.epoch == 0
    while not batch.at_end:
        batch = reader.read()
    assert batch.epoch == 5, "a batch has one epoch"
    assert (reader.level, reader.boot) == (2, b"b" * 16)
    assert reader.head.number == 2


def test_a_configuration_begins_a_batch() -> None:
    first = Segment()
    first.checkpoint(synced=0)
    first.commands(COMMANDS[:10])
    other = replace(CONFIGURATION, instruments=(Instrument(1, "ONE", tick_size=5),))
    second = Segment(other, behind=first)
    second.checkpoint(synced=10)
    second.commands(COMMANDS[10:15])
    reader = Reader(directory_of(files_of([first, second])))
    assert [(len(batch.commands), batch.configuration) for batch in (reader.read(), reader.read())] == [
        (10, CONFIGURATION),
        (5, other),
    ]


def test_it_follows_a_writer(tmp_path: Path) -> None:
    """Each record is seen as soon as its head is there, in the next page and in the next segment too."""
    segment = Segment(segment_bytes=3 * PAGE)
    segment.checkpoint(synced=0)
    segment.write(tmp_path)
    reader = Reader(Directory(tmp_path))
    assert not reader.read().at_end
    for n, command in enumerate(COMMANDS):
        if n % 20 == 19:
            segment.turn()
        if segment.room < 2:
            segment = Segment(behind=segment, segment_bytes=3 * PAGE)
            ahead = segment.data()[:112] + bytes(16) + segment.data()[128:]
            (tmp_path / f"{segment.number:08}.journal").write_bytes(ahead)
            assert reader.read().at_end
            store(tmp_path, segment, 0, PAGE)
            assert reader.read().at_end
            assert reader.position.segment == segment.number
        segment.command(command)
        at = segment.offsets[-1]
        store(tmp_path, segment, at + 8, at + RECORD)
        assert reader.read().at_end
        store(tmp_path, segment, at, at + 8)
        assert reader.read().commands.tobytes() == command.tobytes()


def store(folder: Path, segment: Segment, first: int, last: int) -> None:
    """Bytes of a segment into its file, which the reader has mapped."""
    with (folder / f"{segment.number:08}.journal").open("r+b") as file:
        file.seek(first)
        file.write(segment.bytes[first:last])


def test_a_file_that_grows_or_is_cut_is_looked_at_again() -> None:
    segment = Segment(segment_bytes=4 * PAGE)
    segment.commands(COMMANDS[:20])
    directory = directory_of({"00000001.journal": segment.data()[: segment.offset]})
    files = directory.disk.files  # type: ignore[attr-defined]
    reader = Reader(directory)
    assert len(reader.read().commands) == 20
    segment.commands(COMMANDS[20:30])
    files["00000001.journal"] = segment.data()
    assert len(reader.read().commands) == 10
    files["00000001.journal"] = segment.data()[: segment.offset]
    assert reader.read().at_end


@pytest.mark.parametrize("what", ["gap", "again", "checkpoint of a different place", "synced beyond"])
def test_sequences_are_dense(what: str) -> None:
    segment = Segment()
    segment.commands(COMMANDS[:5])
    if what == "gap":
        segment.command(COMMANDS[6])
    elif what == "again":
        segment.command(COMMANDS[4])
    elif what == "synced beyond":
        segment.checkpoint(synced=6)
    else:
        segment.sequence = 4
        segment.checkpoint(synced=0)
    segment.sequence = 5
    segment.command(COMMANDS[5])
    reader = Reader(directory_of(files_of([segment])))
    assert len(reader.read().commands) == 5
    assert reader.position.offset == segment.first + 5 * RECORD


def test_a_segment_carries_on_or_is_not_entered() -> None:
    segments = three_segments()
    other = Segment(behind=segments[0], segment_bytes=2 * PAGE)
    other.sequence += 1
    stranger = Segment(behind=other)
    files = files_of(segments[:1]) | {"00000002.journal": stranger.data()}
    reader = Reader(directory_of(files))
    assert len(reader.read().commands) == 100
    assert reader.position.segment == 1


def forked(term: int, *, commands: int = 10) -> dict[str, bytes]:
    """A journal whose second segment was begun by a different process: after 10 commands, in this term."""
    first = Segment(term=3)
    first.commands(COMMANDS[:10])
    second = Segment(behind=first, term=term)
    second.commands(COMMANDS[10:20])
    first.commands(COMMANDS[10:commands])
    return files_of([first, second])


def test_a_later_term_continues() -> None:
    reader = Reader(directory_of(forked(7)))
    assert (reader.term, len(reader.read().commands), reader.term) == (3, 20, 7)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (forked(2), "its term is 2, but segment 1 has term 3"),
        (forked(4, commands=12), "it begins with command 11, but segment 1 goes up to 12"),
    ],
)
def test_a_fork_is_an_error(files: dict[str, bytes], why: str) -> None:
    directory = directory_of(files)
    reader = Reader(directory)
    with pytest.raises(JournalForked, match=f"00000002.journal does not continue the journal: {why}"):
        reader.read()
    with pytest.raises(JournalForked, match="Two processes wrote the journal"):
        judge(reader)


def test_what_cannot_be_begun_with_is_told() -> None:
    segments = three_segments()
    files = files_of(segments)
    with pytest.raises(JournalDamaged, match="the directory has no segment"):
        Reader(directory_of({}))
    with pytest.raises(JournalDamaged, match="this segment is missing"):
        Reader(directory_of(files), Position(9, PAGE, 0, 0))
    with pytest.raises(JournalDamaged, match="ends before byte 99992"):
        Reader(directory_of(files), Position(1, 99_992, 0, 30))
    with pytest.raises(JournalDamaged, match="it is segment 3"):
        Reader(directory_of({"00000001.journal": segments[2].data()}))
    with pytest.raises(JournalDamaged, match="is not a segment"):
        Reader(directory_of({"00000001.journal": bytes(8192)}))


def test_the_reference_journal_is_read_whole() -> None:
    written = journal([45, 40, 30])
    reader = Reader(directory_of(written.files))
    batch = reader.read()
    assert batch.commands.tobytes() == written.commands.tobytes()
    assert [(c.seq_num, c.report_checksum) for c in batch.checkpoints] == [
        (written.seq_nums[c.sequence], written.report_checksums[c.sequence]) for c in batch.checkpoints
    ]
