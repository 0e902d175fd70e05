"""For any flow and any crash, what is recovered is what the reference makes of the same commands. In both forms."""

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pricetime.log import snapshot
from pricetime.log.batch import Position
from pricetime.log.directory import Directory
from pricetime.log.snapshot import SnapshotFile
from pricetime.types import REPORT
from tests.crash.memory_disk import FOLDER, PAGE, SECTOR, MemoryDisk
from tests.crash.recovering import recover
from tests.crash.world import CONFIGURATION, World, make_world
from tests.log.written import HEAD, Segment, head

SEGMENT_BYTES = 3 * PAGE


class Journal:
    """A journal as a writer and a syncer make it, byte by byte; ``crashed`` is what the disk has of it."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world, self.rng = world, rng
        self.segments = [Segment(CONFIGURATION, segment_bytes=SEGMENT_BYTES)]
        self.durable = 0  #: up to this command all is on the disk
        self._place = (1, self.segments[0].first)  # and up to this byte
        self.snapshots: dict[str, bytes] = {}
        for command in world.commands:
            what = rng.random()
            if what < 0.1:
                self._sync()
            elif what < 0.15 and not world.waits(self.segments[-1].sequence):
                self._snapshot()
            if not self.segments[-1].room:
                self.segments.append(Segment(CONFIGURATION, behind=self.segments[-1], segment_bytes=SEGMENT_BYTES))
            self.segments[-1].command(command)

    def _sync(self) -> None:
        """Everything so far: the next record begins at the next page, and says that it is durable."""
        last = self.segments[-1]
        last.turn()
        self.durable, self._place = last.sequence, (last.number, last.offset)
        if last.room:
            last.checkpoint(synced=self.durable)

    def _snapshot(self) -> None:
        """Of a command that is durable just now. Not between an order and its extension."""
        last = self.segments[-1]
        position = Position(last.number, last.offset, last.link, last.sequence)
        self._sync()
        engine = CONFIGURATION.make_engine()
        engine.apply(self.world.commands[: position.sequence])
        nothing = np.zeros(0, REPORT)
        taken = SnapshotFile(
            position, 1, CONFIGURATION.digest, 0, 0, engine.seq_num, engine.digest(references=True),
            engine.next_reference, 0, 1, 0, engine.dump(), np.zeros(0, snapshot.OWNER), nothing, nothing,
        )  # fmt: skip
        disk = MemoryDisk()
        path = snapshot.write(Directory(FOLDER, disk), taken)
        self.snapshots[path.name] = bytes(disk.files[path.name].cache)

    def crashed(self) -> dict[str, bytes]:
        """Each sector that no sync has seen is there, or it is as it was prepared."""
        likely = self.rng.choice([0.0, 0.2, 0.5, 0.8, 1.0])
        files = dict(self.snapshots)
        for segment in self.segments:
            data, before = segment.data(), prepared(segment)
            number, offset = self._place
            first = 0 if segment.number > number else offset if segment.number == number else len(data)
            sectors = [
                before[at : at + SECTOR] if at >= first and self.rng.random() >= likely else data[at : at + SECTOR]
                for at in range(0, len(data), SECTOR)
            ]
            files[f"{segment.number:08}.journal"] = b"".join(sectors)
        return files


def prepared(segment: Segment) -> bytes:
    """The file before it was used."""
    json = CONFIGURATION.to_json()
    empty = head(json, number=segment.number, segment_bytes=SEGMENT_BYTES, in_use=False)
    assert len(empty) == HEAD
    return (empty + json).ljust(SEGMENT_BYTES, b"\0")


@settings(max_examples=300)
@given(st.integers(0, 2**32), st.integers(0, 300), st.integers(0, 2**32))
def test_what_is_recovered_is_the_reference_book_after_the_same_commands(flow: int, count: int, crash: int) -> None:
    world = make_world(flow, count)
    journal = Journal(world, random.Random(crash))
    found = recover(Directory(FOLDER, MemoryDisk(journal.crashed())), CONFIGURATION)
    assert journal.durable <= found.sequence <= count
    assert not found.told
    assert found.commands.tobytes() == world.commands[found.snapshot : found.sequence].tobytes()
    assert found.engine.digest() == world.digests[found.sequence]
