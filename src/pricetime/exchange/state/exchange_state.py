"""The state that commands change: books, report streams of owners, feed. It depends only on the commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.engine import Engine
from ...core.snapshot import Snapshot
from ...log.configuration import Configuration
from ...log.position import Position
from ...log.snapshot import SnapshotFile
from ...ring.idle import Idle
from ...ring.ring import Ring
from ...types import SNAPSHOT_ORDER, CommandType, InstrumentState
from ...wire.types import MessageType
from ..settings.config import GatewayConfig
from ..settings.room import room_for
from .feed_store import FeedStore
from .matcher import Matcher
from .playback import MARK, Playback
from .router import Router
from .sessions import Sessions

#: Number of owners: an owner is a u16. The book keeps an order list for each.
OWNERS = 1 << 16

#: Slots for session events in a replay, which does not read them.
FEW_SLOTS = 16

NO_MARKS = np.empty(0, MARK)


class ExchangeState:
    """Engine, streams and feed, with the matcher and router that carry commands through them. It starts no threads.

    ``engine``: the initial one, for the same configuration. ``epoll_fd``, ``events``: of the gateway that
    has the connections; a replay has none. ``sleeps``: the matcher may block while it waits for commands. ``traced``:
    keep the report checksum. Raises MemoryError.
    """

    def __init__(
        self,
        settings: GatewayConfig,
        configuration: Configuration,
        *,
        engine: Engine | None = None,
        epoll_fd: int = -1,
        events: Ring | None = None,
        sleeps: bool = False,
        traced: bool = True,
    ) -> None:
        with room_for("feed_store_reports"):
            self.store = FeedStore(settings.feed_store_reports, 0)
        with room_for("ring_capacity"):
            self.commands = Ring(settings.ring_capacity, blocking=sleeps)
            self.reports = Ring(settings.ring_capacity, blocking=False)
        events = Ring(FEW_SLOTS, blocking=False) if events is None else events
        with room_for("order_capacity", "level_capacity"):
            self.sessions: Any = Sessions(settings, epoll_fd, events, 0)
            engine = configuration.make_engine() if engine is None else engine
        self.timestamp = 0  #: of the last applied command, ns
        self._idle = Idle(settings.idle.value)
        self._traced = traced
        self._set_up(configuration, engine)

    def _set_up(self, configuration: Configuration, engine: Engine) -> None:
        self.configuration = configuration
        self.engine = engine
        with room_for("order_capacity"):
            self.matcher: Any = Matcher(engine, self.commands, self.reports, self._idle, traced=self._traced)
        self.router = Router(self.reports, self.sessions, self.store)
        self._playback: Any = Playback(self.commands, self.matcher, self.router, self.store)

    # ------------------------------------------------------------------ forward

    def apply(self, commands: NDArray[np.void], marks: NDArray[np.void] = NO_MARKS) -> int:
        """Execute an array of ``pricetime.COMMAND``. Not while other threads run the matcher or the router.

        ``marks``: an array of ``playback.MARK``. Returns how many of them agree; execution stops at the first that does
        not.
        """
        if len(commands):
            self.timestamp = int(commands["timestamp"][-1])
        return int(self._playback.run(commands, marks))

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
        self.sessions.load_streams(snapshot.owners, snapshot.stream_reports)
        self.store.load(snapshot.feed_sequence, snapshot.feed_reports, snapshot.feed_checksum)
        self.store.epoch = snapshot.epoch
        self.matcher.report_checksum = snapshot.report_checksum
        self.timestamp = snapshot.timestamp

    def snapshot(self, position: Position, *, stream_reports: int, feed_reports: int) -> SnapshotFile:
        """A snapshot of the current state. ``position``: position in the journal after the last command.

        ``stream_reports``, ``feed_reports``: how many of the newest reports of each stream and of the feed it holds.
        """
        owners, streams = self.sessions.dump_streams(stream_reports)
        newest = self.store.next_sequence
        commands = self.engine.commands()
        kept = min(feed_reports, newest - self.store.oldest)
        return SnapshotFile(
            position=position,
            digest=self.configuration.digest,
            timestamp=self.timestamp,
            report_checksum=self.matcher.report_checksum,
            seq_num=self.engine.seq_num,
            books=self.digest(),
            next_reference=self.engine.next_reference,
            epoch=self.store.epoch,
            feed_sequence=newest,
            feed_checksum=self.store.checksum_before(newest - kept),
            commands=commands,
            owners=owners,
            stream_reports=streams,
            feed_reports=self.store.array(newest - kept, kept),
        )

    def public_snapshot(self) -> Snapshot:
        """The books as subscribers have them after the last report of the feed."""
        resting = self.engine.commands()
        resting = resting[resting["type"] == CommandType.NEW_ORDER]
        orders = np.zeros(len(resting), SNAPSHOT_ORDER)
        orders["type"] = MessageType.SNAPSHOT_ORDER
        for name in ("side", "instrument", "price", "quantity"):
            orders[name] = resting[name]
        orders["order_id"] = resting["sequence"]
        states = self.states()
        instruments = tuple(replace(known, state=states[number]) for number, known in self.engine.instruments.items())
        newest = self.store.next_sequence
        checksum = self.store.checksum_before(newest)
        return Snapshot(newest - 1, instruments, orders, self.digest(), checksum)

    # ------------------------------------------------------------------ questions

    def states(self) -> dict[int, InstrumentState]:
        """The state that each instrument is in."""
        return {number: self.engine.state(number) for number in self.engine.instruments}

    def digest(self) -> int:
        """Digest of all books with public order references. A subscriber's books must have the same."""
        return self.engine.digest(references=True)

    def streams(self) -> Mapping[int, int]:
        """Sequence number of the next report of every owner that has received reports."""
        owners, _ = self.sessions.dump_streams(0)
        return dict(zip(owners["owner"].tolist(), owners["next_sequence"].tolist(), strict=True))


def configuration_of(settings: GatewayConfig) -> Configuration:
    """The part of the settings that decides how the engine answers commands."""
    return Configuration(
        instruments=tuple(instrument.instrument() for instrument in settings.instruments),
        capacity=settings.order_capacity,
        level_capacity=settings.level_capacity or settings.order_capacity,
        owner_limit=OWNERS,
        limits=settings.limits(),
    )
