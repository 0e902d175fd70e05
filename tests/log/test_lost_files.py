"""Files that are deleted, swapped, renamed, copied over each other, emptied, or taken from a different journal.

Each change either makes no difference to what a start takes over, or a start refuses and names a file that was touched.
"""

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import pytest

from pricetime.log.errors import JournalDamaged, JournalError, SegmentMissing
from pricetime.log.reader import Reader
from pricetime.log.repair import apply, plan
from pricetime.log.replay import Replay, begin
from pricetime.log.snapshot import newest_good
from pricetime.log.tail import cut, examine, judge
from pricetime.log.verify import verify
from tests.log.memory import MemoryDisk, directory_of
from tests.log.reference import CONFIGURATION, journal, snapshot_after
from tests.log.written import HEAD, PAGE, Segment

Files = dict[str, bytes]

#: Commands in each segment in use; the segment after them is prepared.
LENGTHS = [30, 40, 30, 20]
EVERY = sum(LENGTHS)
NAMES = [f"{number:08}.journal" for number in range(1, 6)]
USED, PREPARED = NAMES[:4], NAMES[4]
SNAPSHOT_AT = 50

#: The prepared segment holds nothing yet, and no segment has either of those names.
HARMLESS = {f"delete {PREPARED}", *(f"rename {PREPARED} to {name}.journal" for name in ("00000000", "000000003"))}


def written(identity: bytes, *, left_room: bool, seed: int = 7) -> Files:
    """A journal that a crash has left: segments in use and a prepared one.

    ``left_room``: each segment in use still has room behind its last record, as after a switch to the next one ahead
    of its end; else it ends with its last record, as after a restart.
    """
    made = journal(LENGTHS, identity=identity, seed=seed)
    files = made.files
    if not left_room:
        files = {f"{segment.number:08}.journal": segment.data()[: segment.offset] for segment in made.segments}
        files[USED[-1]] = made.files[USED[-1]]
    ahead = Segment(CONFIGURATION, behind=made.segments[-1], segment_bytes=2 * PAGE, journal=identity).data()
    static = HEAD - 16
    files[PREPARED] = (ahead[:static] + bytes(16) + ahead[HEAD:PAGE]).ljust(2 * PAGE, b"\0")
    return files


@pytest.fixture(scope="module", params=[False, True], ids=["full", "left-early"])
def ours(request: pytest.FixtureRequest) -> Files:
    return written(b"o" * 16, left_room=request.param)


def other(files: Files) -> Files:
    """A second journal of the same settings whose files are as long as those."""
    found = written(b"x" * 16, left_room=len(files[USED[0]]) == 2 * PAGE, seed=8)
    return {name: found[name][: len(data)].ljust(len(data), b"\0") for name, data in files.items()}


def changes(files: Files) -> Iterator[tuple[str, set[str], Files]]:
    """What is done, to which files, and what is there then."""
    foreign = other(files)
    for name in NAMES:
        rest = {kept: data for kept, data in files.items() if kept != name}
        yield f"delete {name}", {name}, rest
        yield f"empty {name}", {name}, {**files, name: b""}
        yield f"replace {name}", {name}, {**files, name: foreign[name]}
        for new in ("00000000.journal", "00000006.journal", "00000009.journal", "000000003.journal"):
            yield f"rename {name} to {new}", {name, new}, {**rest, new: files[name]}
    for first, second in permutations(NAMES, 2):
        yield f"copy {first} over {second}", {first, second}, {**files, second: files[first]}
        if first < second:
            yield f"swap {first} and {second}", {first, second}, {**files, first: files[second], second: files[first]}


def started(files: Files) -> int:
    """The commands that a start takes over. Raises JournalError where it refuses."""
    directory = directory_of(files)
    restored = newest_good(directory, lambda _: None)
    if restored is None and directory.segments()[:1] != [1]:
        raise JournalDamaged(directory.path_of(1), 0, 0, "this segment is missing")  # as restart.py does
    reader = Reader(directory, restored.snapshot.position if restored else None)
    while not reader.read().at_end:
        pass
    cut(directory, judge(reader))
    return reader.position.sequence


def test_the_journal_is_good(ours: Files) -> None:
    assert started(ours) == EVERY
    assert verify(directory_of(ours)).faults == []


@pytest.mark.parametrize("with_snapshot", [False, True])
def test_each_change_is_harmless_or_refused_by_name(ours: Files, with_snapshot: bool) -> None:
    snapshot = dict([snapshot_after(journal(LENGTHS, identity=b"o" * 16), SNAPSHOT_AT)]) if with_snapshot else {}
    harmless = set()
    for what, touched, files in changes(ours):
        try:
            found = started({**files, **snapshot})
        except JournalError as error:
            assert any(name in str(error) for name in touched), f"{what}: {error}"
        else:
            assert found == EVERY, what
            harmless.add(what)
    if with_snapshot:  # what lies before it is not read
        before = {name for name in harmless if NAMES[0] in name}
        assert f"delete {NAMES[0]}" in before
        harmless -= before
    assert harmless == HARMLESS


def test_verify_says_the_same(ours: Files) -> None:
    for what, _, files in changes(ours):
        assert bool(verify(directory_of(files)).faults) == (what not in HARMLESS), what


def test_the_newest_segment_cannot_vanish_unnoticed(ours: Files) -> None:
    """The case that outsiders found: the last segment in use goes, the prepared one stays."""
    files = {name: data for name, data in ours.items() if name != USED[-1]}
    for read in (
        lambda: started(files),
        lambda: Replay(directory_of(files)).run_to_end(),
        lambda: begin(directory_of(files)).run(),  # what follow does, again and again
    ):
        with pytest.raises(SegmentMissing, match=rf"{USED[-1]} is missing, but {PREPARED}.*pricetime journal inspect"):
            read()
    (fault,) = verify(directory_of(files)).faults
    assert f"{USED[-1]} is missing" in fault


def test_a_repair_goes_on_without_it_and_the_next_start_knows(ours: Files) -> None:
    directory = directory_of({name: data for name, data in ours.items() if name != USED[-1]})
    found = plan(directory)
    assert found.steps() == [f"continue without {USED[-1]}, which is missing", f"remove {PREPARED}, which is empty"]
    apply(directory, found.at)
    assert directory.segments() == [1, 2, 3]
    replay = Replay(directory)
    assert replay.run_to_end().clean
    assert replay.commands == sum(LENGTHS[:3])
    assert examine(directory, replay.reader.position).lost, "the feed needs a new epoch"
    assert not plan(directory).needed


def test_a_repair_of_a_segment_that_is_full_to_its_last_byte_is_known_too(ours: Files) -> None:
    files = {name: data for name, data in ours.items() if name != USED[-1]}
    end = journal(LENGTHS).segments[2].offset
    data = bytearray(files[USED[2]][:end])
    directory = directory_of({**files, USED[2]: bytes(data)})
    reader = Reader(directory)
    while not reader.read().at_end:
        pass
    tail = examine(directory, reader.position)
    whole = tail.__class__(**{**tail.__dict__, "resized": False})
    cut(directory, whole)
    assert directory.disk.size(directory.path_of(3)) == end + PAGE
    assert examine(directory, reader.position).lost


class Named(MemoryDisk):
    """Remembers the names that are there whenever the folder is synced, and those in between."""

    def __init__(self, files: Files) -> None:
        super().__init__(files)
        self.unsynced = 0

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self.unsynced += 1
        assert self.unsynced == 1, "two names changed and neither is on the disk: a loss of power may leave a gap"

    def sync_folder(self, folder: Path) -> None:
        self.unsynced = 0


def test_no_loss_of_power_leaves_a_gap_where_segments_are_removed(ours: Files) -> None:
    directory = directory_of(ours)
    directory.disk = Named(ours)
    assert directory.remove_behind(4) == [1, 2, 3]
    directory.disk = Named({name: ours[name] for name in NAMES if name != USED[2]})
    cut(directory, plan(directory).tail)
    assert directory.segments() == [1, 2]


def test_what_cannot_be_told(ours: Files) -> None:
    """All of the newest files gone, none later left: documented in docs/reference/journal.md."""
    files = {name: ours[name] for name in NAMES[:2]}
    if len(files[NAMES[1]]) == 2 * PAGE:
        assert started(files) == sum(LENGTHS[:2])
    snapshot = dict([snapshot_after(journal(LENGTHS, identity=b"o" * 16), 90)])
    with pytest.raises(JournalDamaged, match="a snapshot of command 90 exists"):
        started({**files, **snapshot})
