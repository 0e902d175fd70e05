"""What a loss of power may leave of a journal: each unsynced sector as it was at some moment since the last sync."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from tests.log.reference import CONFIGURATION, Records, flow
from tests.log.written import HEAD, PAGE, Segment

SECTOR, RECORD = 512, 72
STATIC = 112  #: bytes of a head that are there before the segment comes into use


#: The files by name, after a record, or after its command when its head is not stored yet.
Moment = dict[str, bytes]


class Course(NamedTuple):
    """A journal as it was written, up to a loss of power."""

    commands: Records
    moments: list[Moment]  #: since the sync that ended last began; the last is the newest
    durable: int  #: commands that were on the disk
    fixed: dict[str, int]  #: bytes of each file that were


def course(seed: int, *, segment_bytes: int = 3 * PAGE) -> Course:
    """A writer at random: records, pages that are turned for a sync, and syncs that end some time later."""
    chance = random.Random(seed)
    commands = flow(chance.randrange(1, 240), seed)
    segments = [Segment(CONFIGURATION, segment_bytes=segment_bytes)]
    segments[0].checkpoint(synced=0)
    history = [_files(segments)]
    turned: tuple[int, int, dict[str, int]] | None = None  # history, commands, bytes: of the sync under way
    since, durable, fixed = 0, 0, {"00000001.journal": PAGE}
    told = 0
    for n, command in enumerate(commands):
        if turned is None and chance.random() < 0.08:
            segments[-1].turn()
            turned = (len(history) - 1, n, _bytes_of(segments))
        elif turned is not None and chance.random() < 0.2:
            (since, durable, fixed), turned = turned, None
        if segments[-1].room < 2:
            segments.append(Segment(CONFIGURATION, behind=segments[-1], segment_bytes=segment_bytes))
            told = -1
        if (durable > told and chance.random() < 0.7) or told < 0:
            segments[-1].checkpoint(synced=durable)
            history += _last_record(segments)
            told = durable
        segments[-1].command(command)
        history += _last_record(segments)
    return Course(commands, history[since:], durable, fixed)


def states(course: Course, seed: int, count: int) -> Iterator[dict[str, bytes]]:
    """Files that a loss of power may leave, at random."""
    chance = random.Random(seed)
    newest = course.moments[-1]
    for _ in range(count):
        few = sorted(chance.randrange(len(course.moments)) for _ in range(chance.randrange(1, 4)))
        yield {name: _torn(course, name, data, few, chance) for name, data in newest.items()}


def _torn(course: Course, name: str, data: bytes, moments: list[int], chance: random.Random) -> bytes:
    torn = bytearray(data)
    for at in range(course.fixed.get(name, 0), len(data), SECTOR):
        seen = course.moments[chance.choice([*moments, 0, len(course.moments) - 1])]
        torn[at : at + SECTOR] = seen[name][at : at + SECTOR] if name in seen else _unused(data)[at : at + SECTOR]
    return bytes(torn)


def _last_record(segments: list[Segment]) -> list[Moment]:
    """The files without the head of the last record, and with it."""
    files = _files(segments)
    name, at = f"{segments[-1].number:08}.journal", segments[-1].offset - RECORD
    headless = bytearray(files[name])
    headless[at : at + 8] = bytes(8)
    return [{**files, name: bytes(headless)}, files]


def _files(segments: list[Segment]) -> dict[str, bytes]:
    """All files, the one that is prepared among them."""
    files = {f"{segment.number:08}.journal": segment.data() for segment in segments}
    ahead = Segment(CONFIGURATION, behind=segments[-1], segment_bytes=len(segments[-1].bytes))
    files[f"{ahead.number:08}.journal"] = _unused(ahead.data())
    return files


def _unused(data: bytes) -> bytes:
    """A segment as it was prepared."""
    return data[:STATIC] + bytes(HEAD - STATIC) + data[HEAD:PAGE] + bytes(len(data) - PAGE)


def _bytes_of(segments: list[Segment]) -> dict[str, int]:
    """What a sync brings to the disk: all earlier segments, and the last up to the page that was turned."""
    return {f"{segment.number:08}.journal": segment.offset for segment in segments[-1:]} | {
        f"{segment.number:08}.journal": len(segment.bytes) for segment in segments[:-1]
    }
