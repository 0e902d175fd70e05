"""One life of a server's journal, step by step instead of by threads: commands, commits, snapshots, removal."""

import random
from collections.abc import Callable, Iterator

import numpy as np

from pricetime.log import snapshot
from pricetime.log.directory import Directory
from pricetime.log.file_log import FileLog
from pricetime.log.reader import Reader, start_of
from pricetime.log.snapshot import SnapshotFile
from pricetime.types import REPORT
from pricetime.wire.types import AcknowledgementLevel
from tests.crash.memory_disk import FOLDER, MemoryDisk
from tests.crash.recovering import recover
from tests.crash.world import CONFIGURATION, Commands, World

HEAD_BYTES, STATIC_BYTES, RECORD_BYTES = 128, 112, 72

#: A segment has room for its head and two pages of records.
SEGMENT_BYTES = 3 * 4096


class Chunked(FileLog):
    """Takes every engine for a fast one, so that it leaves a segment whenever it is not."""

    def _is_fast(self) -> bool:
        return True


class Life:
    """Begins with recovery. ``given``: all commands so far, those of lives before too, by sequence less 1."""

    def __init__(self, disk: MemoryDisk, world: World, before: Commands, number: int, rng: random.Random) -> None:
        self.disk, self.world, self.number, self._rng = disk, world, number, rng
        disk.between = self._stores
        self.directory = Directory(FOLDER, disk)
        self.directory.lock()
        found = recover(self.directory, CONFIGURATION)
        self.given = before[: found.sequence]
        self.engine = found.engine
        self.told: list[str] = []  #: failures that the journal gets over
        self._snapshot: SnapshotFile | None = None  # taken, and not durable yet
        self._newest = found.snapshot
        chunked = rng.random() < 0.5
        self.log = (Chunked if chunked else FileLog)(
            self.directory,
            CONFIGURATION,
            position=found.position,
            level=AcknowledgementLevel.MEMORY if chunked else AcknowledgementLevel.DURABLE,
            segment_bytes=SEGMENT_BYTES,
        )
        self.log.open()
        self._follower = Reader(self.directory, start_of(self.directory, self.directory.segments()[-1]))

    @property
    def acknowledged(self) -> int:
        """Commands whose reports may have gone out."""
        return self.log.durable

    def step(self) -> None:
        """One of the things that happen."""
        actions = (self.append, self.commit, self.make_room, self.take_snapshot, self.keep_snapshot)
        self._rng.choices(actions, (6, 2, 3, 1, 1))[0]()
        self.disk.observe()

    def append(self) -> None:
        commands = self.world.given(len(self.given), self._rng.choice([1, 1, 2, 5, 17]), self.number)
        taken = self.log.append_records(commands, self.engine.seq_num, self.number)
        self.given = np.concatenate([self.given, commands[:taken]])
        self.engine.apply(commands[:taken])

    def commit(self) -> None:
        self._sync(self.log._commit)

    def make_room(self) -> None:
        self._sync(self.log._make_room)

    def _sync(self, action: Callable[[], object]) -> None:
        """As the syncer's thread does: the first failure ends it."""
        if self.log.failure is not None:
            return
        try:
            action()
        except OSError as error:
            self.log._fail(error)

    def take_snapshot(self) -> None:
        """Of the state now, which is ahead of the disk most of the time. Not between an order and its extension."""
        if self.world.waits(len(self.given)):
            return
        try:
            while not self._follower.read().at_end:
                pass
        except OSError as error:
            self.told.append(str(error))
            return
        position = self._follower.position
        assert position.sequence == len(self.given)
        if position.sequence > self._newest:
            self._newest = position.sequence
            self._snapshot = SnapshotFile(
                position=position,
                term=self._follower.head.term,
                digest=CONFIGURATION.digest,
                timestamp=0,
                report_checksum=0,
                seq_num=self.engine.seq_num,
                books=self.engine.digest(references=True),
                next_reference=self.engine.next_reference,
                epoch=0,
                feed_sequence=1,
                feed_checksum=0,
                records=self.engine.dump(),
                owners=np.zeros(0, snapshot.OWNER),
                stream_reports=np.zeros(0, REPORT),
                feed_reports=np.zeros(0, REPORT),
            )

    def keep_snapshot(self) -> None:
        """On the disk with it when the journal is, and away with what it makes superfluous."""
        if self._snapshot is not None and self._snapshot.sequence <= self.acknowledged:
            try:
                snapshot.write(self.directory, self._snapshot)
                snapshot.keep_two(self.directory)
            except OSError as error:
                self.told.append(str(error))
            self._snapshot = None

    def _stores(self, before: bytes, after: bytes) -> Iterator[bytes]:
        """What the system may write out while the writer stores records one by one, or the end of a segment's head."""
        differ = np.flatnonzero(np.frombuffer(before, np.uint8) != np.frombuffer(after, np.uint8))
        first, last = int(differ[0]), int(differ[-1])
        if first < HEAD_BYTES:
            if first >= STATIC_BYTES:  # it comes into use
                yield after[: HEAD_BYTES - 4] + bytes(4) + after[HEAD_BYTES:]  # its CRC is stored last
            return
        records = (last - first) // RECORD_BYTES + 1
        for record in sorted(self._rng.sample(range(records), min(records, 3))):
            at = first + record * RECORD_BYTES  # its own head is stored last, and all behind it is as it was
            stored = 8 * self._rng.randint(1, 8)
            yield after[:at] + bytes(8) + after[at + 8 : at + 8 + stored] + before[at + 8 + stored :]
