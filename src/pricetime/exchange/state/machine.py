"""The machine: everything that commands change. Books, report streams of owners and feed depend only on the commands.

    machine = Machine(configuration, stream_reports=1 << 12, feed_reports=1 << 16)
    machine.run(commands)
    machine.digest()

A replay, a recovery, the follower, a test and the live exchange use the same machine. It knows no socket, clock, thread
or setting.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...core.engine import Engine
from ...log.batch import Checkpoint, Position
from ...log.configuration import Configuration
from ...log.snapshot import SnapshotFile
from ...types import Phase
from .feed_store import FeedStore
from .matcher import Matcher
from .playback import MARK, Playback
from .router import Router
from .sequencer import Sequencer
from .streams import Streams

#: Commands that wait for their answers, in a machine that only replays.
FEW_WAITING = 16


class Machine:
    """Sequencer, matcher and router, and what they work on: engine, streams and feed store.

    ``engine``: the initial one, for the same configuration; default: with empty books. ``stream_reports``,
    ``feed_reports``: how many of the newest reports it keeps of each owner and of the feed. ``waiting``: how many
    commands, and reports, may wait for the event loop. All three are powers of two. ``traced``: keep the report
    checksum. Raises MemoryError.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        stream_reports: int,
        feed_reports: int,
        waiting: int = FEW_WAITING,
        engine: Engine | None = None,
        traced: bool = True,
    ) -> None:
        self.store = FeedStore(feed_reports, 0)
        self.streams = Streams(stream_reports)
        self.sequencer = Sequencer(waiting)
        self._traced = traced
        self._set_up(configuration, configuration.make_engine() if engine is None else engine)

    def _set_up(self, configuration: Configuration, engine: Engine) -> None:
        self.configuration = configuration
        self.engine = engine
        self.matcher = Matcher(engine, self.sequencer, self._traced)
        self.router = Router(self.matcher, self.streams, self.store)
        self._playback = Playback(self.matcher, self.router)

    # ------------------------------------------------------------------ forward

    @property
    def sequence(self) -> int:
        """Sequence number of the last command; 0 before the first."""
        return self.sequencer.sequence

    @property
    def timestamp(self) -> int:
        """Time of the last command, ns since 1970; 0 before the first."""
        return self.sequencer.timestamp

    @property
    def epoch(self) -> int:
        """Epoch of the feed, ns; 0 before the first."""
        return int(self.store.epoch)

    @property
    def next_sequence(self) -> int:
        """Sequence number of the next report of the feed."""
        return self.store.next_sequence

    def run(self, commands: NDArray[np.void], checkpoints: Sequence[Checkpoint] = ()) -> int:
        """Execute an array of ``pricetime.COMMAND`` that has sequence numbers, and route its reports. O(commands).

        Not while an event loop runs the machine. Returns how many of the checkpoints agree;
        execution stops at the first that does not, and the machine cannot be used after that.
        """
        marks = np.array([(point.index, point.seq_num, point.report_checksum) for point in checkpoints], MARK)
        agreed = self._playback.run(commands, marks)
        if len(commands):
            self.sequencer.skip_to(int(commands["sequence"][-1]), int(commands["timestamp"][-1]))
        return agreed

    def begin_epoch(self, epoch: int) -> None:
        """Begin an epoch of the feed, because reports of the last one may be lost.

        References continue at its time in ns: no order gets one that a lost order had. The first epoch begins with 1.
        """
        if self.store.epoch != 0:
            self.engine.skip_references(epoch)
        self.store.epoch = epoch

    def reconfigure(self, configuration: Configuration) -> None:
        """Change the configuration. Resting orders, streams, feed and report checksum continue unchanged.

        An instrument without orders may be removed. Raises OrdersFull, LevelsFull, SnapshotMismatch and MemoryError,
        and then changes nothing.
        """
        engine = configuration.take_over(self.engine)
        report_checksum = self.matcher.report_checksum
        self._set_up(configuration, engine)
        self.matcher.report_checksum = report_checksum

    # ------------------------------------------------------------------ snapshots

    def load(self, snapshot: SnapshotFile) -> None:
        """Load streams, feed and report checksum of a snapshot. The constructor has received its books.

        Only before the first command. Raises SnapshotMismatch.
        """
        self.streams.load(snapshot.owners, snapshot.stream_reports)
        self.store.load(snapshot.feed_sequence, snapshot.feed_reports, snapshot.feed_checksum)
        self.store.epoch = snapshot.epoch
        self.matcher.report_checksum = snapshot.report_checksum
        self.sequencer.skip_to(snapshot.sequence, snapshot.timestamp)

    def snapshot(self, position: Position, *, term: int, stream_reports: int, feed_reports: int) -> SnapshotFile:
        """A snapshot of the current state. ``position``: in the log, after the last command. ``term``: of the log.

        ``stream_reports``, ``feed_reports``: how many of the newest reports of each stream and of the feed it holds.
        """
        owners, streams = self.streams.dump(stream_reports)
        newest = self.store.next_sequence
        kept = min(feed_reports, newest - self.store.oldest)
        checksum = self.store.checksum_before(newest - kept)
        assert checksum is not None
        return SnapshotFile(
            position=position,
            term=term,
            digest=self.configuration.digest,
            timestamp=self.timestamp,
            report_checksum=self.matcher.report_checksum,
            seq_num=self.engine.seq_num,
            books=self.digest(),
            next_reference=self.engine.next_reference,
            epoch=self.store.epoch,
            feed_sequence=newest,
            feed_checksum=checksum,
            records=self.engine.dump(),
            owners=owners,
            stream_reports=streams,
            feed_reports=self.store.array(newest - kept, kept),
        )

    # ------------------------------------------------------------------ questions

    def phases(self) -> dict[int, Phase]:
        """The phase of each instrument."""
        return {number: self.engine.phase(number) for number in self.engine.instruments}

    def digest(self) -> int:
        """Digest of all books with public order references. A subscriber's books must have the same."""
        return self.engine.digest(references=True)
