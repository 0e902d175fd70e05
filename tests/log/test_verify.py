"""Verify checks everything and reports each fault once."""

from pricetime.log.verify import Part, parts, verify
from tests.log.memory import directory_of
from tests.log.reference import journal, snapshot_after

WRITTEN = journal([45, 40])
FILES = WRITTEN.files | dict([snapshot_after(WRITTEN, 30), snapshot_after(WRITTEN, 60)])


def test_all_is_right() -> None:
    done: list[int] = []
    found = verify(directory_of(FILES), progress=done.append)
    assert found.faults == []
    assert (found.records, found.replayed, sum(done)) == (85, 85, 170)
    assert found.snapshots == [60, 30]
    assert found.compared == [30, 60]
    assert found.digest == WRITTEN.public[-1], "that of the exchange and of every subscriber"
    assert found.tail is not None
    assert found.tail.clean


def test_a_broken_record_is_told_once() -> None:
    data = bytearray(FILES["00000001.journal"])
    data[WRITTEN.segments[0].offsets[8] + 20] ^= 1
    found = verify(directory_of({**FILES, "00000001.journal": bytes(data)}))
    assert len(found.faults) == 1
    assert "00000001.journal is damaged at byte" in found.faults[0]
    assert found.records == found.replayed == 7


def test_a_broken_snapshot_is_told() -> None:
    name = f"{60:020}.snapshot"
    found = verify(directory_of({**FILES, name: FILES[name][:-1]}))
    assert len(found.faults) == 1
    assert name in found.faults[0]
    assert found.compared == [30]


def test_other_reports_are_told() -> None:
    name, data = snapshot_after(journal([40, 20], seed=8), 30)
    found = verify(directory_of({**WRITTEN.files, name: data}))
    assert len(found.faults) == 1
    assert "after command 30 the snapshot has books" in found.faults[0]


def test_a_journal_without_its_beginning_is_read_from_its_oldest_snapshot_on() -> None:
    files = dict(FILES)
    del files["00000001.journal"]
    found = verify(directory_of(files))
    assert len(found.faults) == 1  # the older snapshot has lost its segment
    assert (found.records, found.replayed) == (40, 25)


def test_a_part_ends_and_begins_with_a_snapshot() -> None:
    directory = directory_of(FILES)
    assert parts(directory, 1) == [Part(None, 30), Part(30, 60), Part(60, None)]
    assert parts(directory, 31) == [Part(None, 60), Part(60, None)]
    found = [verify(directory, part) for part in parts(directory, 1)]
    assert [part.faults for part in found] == [[], [], []]
    assert [(part.records, part.replayed) for part in found] == [(30, 30), (30, 30), (25, 25)]
    assert [part.compared for part in found] == [[30], [60], []]
    assert [part.snapshots for part in found] == [[], [30], [60]]
    assert [part.digest for part in found] == [WRITTEN.public[sequence] for sequence in (30, 60, 85)]
    assert [part.report_checksum for part in found] == [WRITTEN.report_checksums[sequence] for sequence in (30, 60, 85)]
    assert [part.reports for part in found] == [WRITTEN.seq_nums[sequence] for sequence in (30, 60, 85)]
    whole = verify(directory)
    assert sum(part.checkpoints for part in found) == whole.checkpoints


def test_damage_is_found_in_its_part() -> None:
    data = bytearray(FILES["00000001.journal"])
    data[WRITTEN.segments[0].offsets[40] + 20] ^= 1  # command 36
    directory = directory_of({**FILES, "00000001.journal": bytes(data)})
    found = [verify(directory, part) for part in parts(directory, 1)]
    assert [len(part.faults) for part in found] == [0, 1, 0]
    assert "00000001.journal is damaged at byte" in found[1].faults[0]


def test_a_part_that_begins_with_a_broken_snapshot() -> None:
    name = f"{30:020}.snapshot"
    found = verify(directory_of({**FILES, name: FILES[name][:-1]}), Part(30, 60))
    assert len(found.faults) == 1
    assert name in found.faults[0]
    assert found.records == found.replayed == 0


def test_the_time_of_each_batch_is_counted() -> None:
    batches: list[tuple[int, int]] = []
    verify(directory_of(FILES), executed=lambda commands, ns: batches.append((commands, ns)))
    assert sum(commands for commands, _ in batches) == 85
    assert all(ns >= 0 for _, ns in batches)
