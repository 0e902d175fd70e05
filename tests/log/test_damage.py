"""Every truncation and every single-bit flip of a journal and of a snapshot: the longest good prefix or a refusal.

170,000 broken journals, none of which may make a wrong book: what is read is always a prefix of what was written, and
up to the damage. ``make test`` tries every seventh bit, the pure form fewer.
"""

import functools
import random

import pytest

import pricetime
from pricetime.log.batch import Position
from pricetime.log.errors import JournalDamaged
from pricetime.log.layout import CHECKPOINT
from pricetime.log.reader import Reader
from pricetime.log.replay import Replay
from pricetime.log.snapshot import load
from pricetime.log.tail import cut, examine, judge
from tests.counts import count
from tests.log.memory import directory_of
from tests.log.reference import Reference, journal, snapshot_after
from tests.log.written import PAGE, RECORD

pytestmark = pytest.mark.slow

NAMES = ["00000001.journal", "00000002.journal"]
PARTS = 16
STEP = count(7, 1) if pricetime.COMPILED else 1999

#: Commands in each segment, and behind which one the snapshot is.
LENGTHS, SNAPSHOT_AT = [45, 40], 60

#: Commands that the last checkpoint says are on the disk.
DURABLE = 75


@functools.cache
def reference(synced: bool = True) -> Reference:
    return journal(LENGTHS, synced=synced)


@functools.cache
def snapshot() -> tuple[str, bytes]:
    return snapshot_after(reference(), SNAPSHOT_AT)


def readable(name: str, place: int) -> int:
    """Commands that can be read when the byte at ``place`` of a segment is the first that is wrong."""
    number = NAMES.index(name)
    segment = reference().segments[number]
    before = sum(LENGTHS[:number])
    if place < segment.first:
        return before
    whole = [offset for offset in segment.offsets if offset + RECORD <= place]
    types = [segment.bytes[offset + 32] for offset in whole]
    return before + sum(kind != CHECKPOINT for kind in types)


def outcome(files: dict[str, bytes], position: Position | None = None) -> int | None:
    """How many commands a start would take over from these files; None when it refuses. Never anything else."""
    directory = directory_of(files)
    commands = reference().commands
    try:
        reader = Reader(directory, position)
        first = reader.position.sequence
        found = b""
        while not (batch := reader.read(256)).at_end:
            found += batch.commands.tobytes()
        assert found == commands[first : first + len(found) // 64].tobytes()
        assert reader.position.sequence == first + len(found) // 64
        judge(reader)
    except JournalDamaged:
        return None
    return reader.position.sequence


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("synced", [True, False])
def test_every_bit(name: str, part: int, synced: bool) -> None:
    files = reference(synced).files
    data = bytearray(files[name])
    every = len(reference().commands)
    segment = reference().segments[NAMES.index(name)]
    used = segment.offset
    padding = range(128 + len(reference().segments[0].bytes[128 : segment.first].rstrip(b"\0")), segment.first)
    for bit in range(part * 8 * len(data) // PARTS, (part + 1) * 8 * len(data) // PARTS, STEP if synced else 11 * STEP):
        place = bit // 8
        data[place] ^= 1 << bit % 8
        found = outcome({**files, name: bytes(data)})
        data[place] ^= 1 << bit % 8
        if place in padding or place >= used:
            assert found in (every, None), f"bit {bit}"
        elif synced and segment.first <= place and readable(name, place) < DURABLE:
            assert found is None, f"bit {bit}"  # it was on the disk, and a later checkpoint says so
        else:
            assert found in (readable(name, place), None), f"bit {bit}"


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", NAMES)
def test_every_truncation(name: str, part: int) -> None:
    files = reference().files
    data = files[name]
    for size in range(part * len(data) // 4, (part + 1) * len(data) // 4, min(STEP, 97)):
        found = outcome({**files, name: data[:size]})
        carries_on = name == NAMES[0] and size >= reference().segments[0].offset  # the next segment, whole
        assert found in (sum(LENGTHS) if carries_on else readable(name, size), None)


@pytest.mark.parametrize("part", range(PARTS))
def test_every_bit_behind_a_snapshot(part: int) -> None:
    """A start from a snapshot reads less, and is as sure of it; what comes before the snapshot does not concern it."""
    name, data = snapshot()
    position = load(directory_of({name: data}), int(name[:20])).position
    files = {**reference().files, name: data}
    broken = bytearray(files[NAMES[1]])
    step = 7 * STEP
    for bit in range(part * 8 * PAGE * 2 // PARTS, (part + 1) * 8 * PAGE * 2 // PARTS, step):
        place = bit // 8
        broken[place] ^= 1 << bit % 8
        found = outcome({**files, NAMES[1]: bytes(broken)}, position)
        broken[place] ^= 1 << bit % 8
        assert found in (sum(LENGTHS), max(readable(NAMES[1], place), SNAPSHOT_AT), None), f"bit {bit}"


def test_what_is_left_makes_the_book_that_was_there() -> None:
    """A sample of all that can be broken, cut by force and replayed: the digest is that after so many commands."""
    written = reference(False)
    chance = random.Random(3)
    for _ in range(300 if pricetime.COMPILED else 12):
        name = chance.choice(NAMES)
        data = bytearray(written.files[name])
        place = chance.randrange(PAGE, len(data))
        if chance.random() < 0.3:
            data = data[:place]
        else:
            data[place] ^= 1 << chance.randrange(8)
        directory = directory_of({**written.files, name: bytes(data)})
        reader = Reader(directory)
        while not reader.read().at_end:
            pass
        cut(directory, examine(directory, reader.position))
        replay = Replay(directory)
        assert replay.run_to_end().clean
        assert replay.engine.digest() == written.digests[replay.commands]
        assert replay.machine.report_checksum == written.report_checksums[replay.commands]
