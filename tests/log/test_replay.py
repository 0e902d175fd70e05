"""Replays: one digest from wherever they begin, and a difference is reported."""

from dataclasses import replace

import numpy as np
import pytest

from pricetime import CommandType, Instruction, Instrument, Reason
from pricetime.log.batch import Commands
from pricetime.log.errors import JournalDamaged, JournalError, ReplayDiffers, SnapshotDamaged
from pricetime.log.replay import Replay, Until, begin
from pricetime.log.snapshot import restored
from pricetime.log.verify import verify
from pricetime.native.crc import linked_records
from pricetime.types import COMMAND
from tests.log.memory import directory_of
from tests.log.reference import CONFIGURATION, Reference, flow, journal, snapshot_after
from tests.log.states import same_parts
from tests.log.written import Segment

LENGTHS = [45, 40, 50]
TOTAL = sum(LENGTHS)


@pytest.fixture(scope="module")
def written() -> Reference:
    return journal(LENGTHS)


def with_snapshots(written: Reference, *sequences: int) -> dict[str, bytes]:
    return written.files | dict(snapshot_after(written, sequence) for sequence in sequences)


def test_from_zero_and_from_every_snapshot_it_is_one_book(written: Reference) -> None:
    boundaries = [45, 85]  # snapshots that lie where a segment begins, too
    sequences = sorted({*range(1, TOTAL + 1, 11), *boundaries})
    directory = directory_of(with_snapshots(written, *sequences))
    replay = Replay(directory)
    assert replay.run_to_end().clean
    assert replay.commands == TOTAL
    assert replay.snapshots == sequences
    assert replay.checkpoints == sum(len(range(0, length, 10)) for length in LENGTHS)
    made = (replay.engine.digest(), replay.engine.seq_num, replay.machine.report_checksum)
    assert made == (written.digests[-1], written.seq_nums[-1], written.report_checksums[-1])
    for start in restored(directory, lambda _: None):
        other = Replay(directory, start)
        assert other.run_to_end().clean
        assert other.commands == TOTAL - start.snapshot.sequence
        assert (other.engine.digest(), other.engine.seq_num, other.machine.report_checksum) == made
        assert same_parts(other.engine.dump(), replay.engine.dump())


def test_until_a_command(written: Reference) -> None:
    directory = directory_of(with_snapshots(written, 60))
    for sequence in (0, 1, 44, 45, 46, 60, 61, TOTAL):
        replay = Replay(directory)
        assert replay.run(Until(sequence=sequence))
        assert replay.sequence == sequence
        assert replay.engine.digest() == written.digests[sequence]
    assert not replay.run(Until(sequence=TOTAL + 1))


def test_until_a_time(written: Reference) -> None:
    directory = directory_of(written.files)
    first = int(written.commands["timestamp"][0])
    for sequence in (0, 1, 50, TOTAL):
        for off in (0, 999):
            replay = Replay(directory)
            replay.run(Until(time_ns=first + 1000 * (sequence - 1) + off))
            assert replay.sequence == sequence
            assert replay.engine.digest() == written.digests[sequence]


def test_it_goes_on_where_it_stopped(written: Reference) -> None:
    replay = Replay(directory_of(written.files))
    for sequence in range(0, TOTAL, 9):
        replay.run(Until(sequence=sequence))
    assert replay.run_to_end().clean
    assert replay.engine.digest() == written.digests[-1]


def test_progress_is_told(written: Reference) -> None:
    done: list[int] = []
    Replay(directory_of(written.files)).run(progress=done.append)
    assert sum(done) == TOTAL


def test_another_report_is_a_difference(written: Reference) -> None:
    segment = Segment(CONFIGURATION)
    segment.commands(written.commands[:10])
    segment.checkpoint(synced=0, seq_num=written.seq_nums[10], report_checksum=written.report_checksums[10] ^ 1)
    with pytest.raises(ReplayDiffers, match="the commands from 1 to 10 produce other reports"):
        Replay(directory_of({"00000001.journal": segment.data()})).run()


def test_another_book_is_a_difference(written: Reference) -> None:
    name, data = snapshot_after(journal([40, 20], seed=8), 50)
    with pytest.raises(ReplayDiffers, match="after command 50 the snapshot has books"):
        Replay(directory_of({**written.files, name: data})).run()


def test_damage_is_told_at_the_end(written: Reference) -> None:
    files = written.files
    data = bytearray(files["00000002.journal"])
    data[written.segments[1].offsets[5] + 20] ^= 1
    replay = Replay(directory_of({**files, "00000002.journal": bytes(data)}))
    with pytest.raises(JournalDamaged):
        replay.run_to_end()
    assert replay.engine.digest() == written.digests[replay.commands]


def test_a_changed_configuration_is_followed() -> None:
    commands = flow(60)
    first = Segment(CONFIGURATION)
    first.commands(commands[:30])
    other = replace(CONFIGURATION, instruments=(*CONFIGURATION.instruments, Instrument(3)), capacity=512)
    second = Segment(other, behind=first)
    second.commands(commands[30:])
    replay = Replay(directory_of({"00000001.journal": first.data(), "00000002.journal": second.data()}))
    assert replay.run_to_end().clean
    assert replay.machine.configuration == other
    whole = other.make_engine()
    whole.apply(commands)
    assert replay.engine.digest() == whole.digest()
    assert replay.engine.seq_num == whole.seq_num


def test_a_halted_instrument_without_orders_may_go() -> None:
    halt = np.zeros(1, COMMAND)
    halt["sequence"], halt["type"], halt["instrument"], halt["flags"] = 1, CommandType.SET_PHASE, 2, 1
    first = Segment(CONFIGURATION)
    first.commands(halt)
    second = Segment(replace(CONFIGURATION, instruments=CONFIGURATION.instruments[:1]), behind=first)
    second.checkpoint(synced=1, seq_num=1, report_checksum=report_checksum_of(first))
    replay = Replay(directory_of({"00000001.journal": first.data(), "00000002.journal": second.data()}))
    assert replay.run_to_end().clean
    assert list(replay.engine.instruments) == [1]


def report_checksum_of(segment: Segment) -> int:
    replay = Replay(directory_of({"00000001.journal": segment.data()}))
    replay.run()
    return replay.machine.report_checksum


def test_a_journal_without_its_beginning_is_begun_from_a_snapshot(written: Reference) -> None:
    files = with_snapshots(written, 60, 70, 100)
    del files["00000001.journal"]
    directory = directory_of(files)
    with pytest.raises(JournalError, match="begins with command 46: earlier commands are only in its snapshots"):
        Replay(directory)
    replay = begin(directory)
    assert replay.sequence == 60
    assert replay.run_to_end().clean
    assert replay.engine.digest() == written.digests[-1]
    assert begin(directory, newest=True).sequence == 100
    assert begin(directory, Until(sequence=80), newest=True).sequence == 70
    assert begin(directory, Until(time_ns=int(written.commands["timestamp"][75])), newest=True).sequence == 70


def test_bad_snapshots_are_passed_over_and_told(written: Reference) -> None:
    files = with_snapshots(written, 60, 100)
    name = f"{100:020}.snapshot"
    files[name] = files[name][:-1]
    told: list[SnapshotDamaged] = []
    replay = begin(directory_of(files), newest=True, told=told.append)
    assert replay.sequence == 60
    replay.run()
    assert len(told) == 2  # as a beginning, and on the way
    assert replay.snapshots == []


def lone(sequence: int, instrument: int = 1) -> Commands:
    """An order that waits for its extension."""
    waiting = flow(1)
    waiting["type"], waiting["instructions"] = CommandType.NEW_ORDER, Instruction.EXTENDED
    waiting["sequence"], waiting["instrument"], waiting["timestamp"] = sequence, instrument, 2**60
    return waiting


def test_a_journal_may_end_between_an_order_and_its_extension() -> None:
    commands = flow(30)
    segment = Segment(CONFIGURATION)
    segment.commands(commands)
    segment.commands(lone(31))
    engine = CONFIGURATION.make_engine()
    engine.apply(commands)
    segment.checkpoint(synced=31, seq_num=engine.seq_num, report_checksum=report_checksum_of(segment))
    directory = directory_of({"00000001.journal": segment.data()})
    replay = Replay(directory)
    assert replay.run_to_end().clean
    assert (replay.sequence, replay.commands, replay.timestamp, replay.checkpoints) == (31, 31, 2**60, 1)
    assert same_parts(replay.engine.dump(), engine.dump())
    found = verify(directory)
    assert (found.faults, found.records, found.replayed, found.digest) == ([], 31, 31, engine.digest(references=True))


@pytest.mark.parametrize("instrument", [1, 2])
@pytest.mark.parametrize("extended", [False, True])
def test_settings_may_change_between_an_order_and_its_extension(instrument: int, extended: bool) -> None:
    """The instrument may even be gone: then the order is rejected as of an unknown one."""
    first = Segment(CONFIGURATION)
    first.commands(lone(1, instrument))
    other = replace(CONFIGURATION, instruments=CONFIGURATION.instruments[:1])
    second = Segment(other, behind=first)
    second.checkpoint(synced=1)
    following = lone(2)
    following["type"] = CommandType.ORDER_EXTENSION if extended else CommandType.CANCEL_ORDER
    second.commands(following)
    engine = other.make_engine()
    reports = engine.apply(np.concatenate([lone(1, instrument), following]))
    reasons = [Reason.MALFORMED, Reason.UNKNOWN_ORDER]
    if extended:
        reasons = [Reason.INVALID_TRIGGER_PRICE if instrument == 1 else Reason.UNKNOWN_INSTRUMENT]
    assert reports["reason"].tolist() == reasons
    checksum = linked_records(0, reports.view(np.uint8).data, reports.itemsize)
    second.checkpoint(synced=2, seq_num=len(reasons), report_checksum=checksum)
    replay = Replay(directory_of({"00000001.journal": first.data(), "00000002.journal": second.data()}))
    assert replay.run_to_end().clean
    assert (replay.checkpoints, replay.commands, replay.machine.configuration) == (2, 2, other)
