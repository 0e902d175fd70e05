"""What commands change: the books, every owner's stream, the feed. The same commands make the same of it, always."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.engine import Engine
from ..core.references import References
from ..core.snapshot import Snapshot
from ..journal.configuration import Configuration
from ..journal.position import Position
from ..journal.snapshot import SnapshotFile
from ..ring.idle import Idle
from ..ring.ring import Ring
from ..types import SNAPSHOT_ORDER, CommandType, InstrumentState
from ..wire.types import MessageType
from .config import GatewayConfig
from .matcher import Matcher
from .playback import MARK, Playback
from .room import room_for
from .router import Router
from .sessions import Sessions
from .store import FeedStore

#: Owners are u16: the book keeps chains of the orders of each.
OWNERS = 1 << 16

#: Events of sessions that nobody looks at.
FEW_SLOTS = 16

NO_MARKS = np.empty(0, MARK)


class ExchangeState:
    """Engine, streams and feed, and the parts that carry commands through them, which nobody drives by themselves.

    ``books``: engine and references in the state that this is to begin with, under the same configuration.
    ``epoll_fd``, ``events``: of the gateway that has the sessions' connections; a replay has none. ``sleeps``: the
    matcher may, and is woken. ``traced``: keep the report checksum of all reports. Raises MemoryError.
    """

    def __init__(
        self,
        settings: GatewayConfig,
        configuration: Configuration,
        *,
        books: tuple[Engine, References] | None = None,
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
            books = configuration.make_books() if books is None else books
        self.timestamp = 0  #: ns, of the last command that was applied
        self._idle = Idle(settings.idle.value)
        self._traced = traced
        self._set_up(configuration, *books)

    def _set_up(self, configuration: Configuration, engine: Engine, references: References) -> None:
        self.configuration = configuration
        self.engine = engine
        self.references = references
        with room_for("order_capacity"):
            self.matcher: Any = Matcher(engine, self.commands, self.reports, self._idle, traced=self._traced)
        self.router = Router(self.reports, self.sessions, self.store, self.references)
        self._playback: Any = Playback(self.commands, self.matcher, self.router, self.store)

    # ------------------------------------------------------------------ forward

    def apply(self, commands: NDArray[np.void], marks: NDArray[np.void] = NO_MARKS) -> int:
        """Run an array of ``pricetime.COMMAND`` through everything. Not while other threads drive the parts.

        ``marks``: an array of ``playback.MARK``. Returns how many of them were found right; at the first that is not it
        stops.
        """
        if len(commands):
            self.timestamp = int(commands["timestamp"][-1])
        return int(self._playback.run(commands, marks))

    def reconfigure(self, configuration: Configuration) -> None:
        """Go on under other rules: what rests is taken over as it is. Streams, feed and report checksum go on.

        An instrument that has no orders may go. Raises OrdersFull, LevelsFull, SnapshotMismatch and MemoryError, with
        nothing changed.
        """
        books = configuration.take_over(self.engine, self.references)
        report_checksum = self.matcher.report_checksum
        self._set_up(configuration, *books)
        self.matcher.report_checksum = report_checksum

    # ------------------------------------------------------------------ snapshots

    def load(self, snapshot: SnapshotFile) -> None:
        """Streams, feed and report checksum of a snapshot; its books are those that this was made with.

        Only at first. Raises SnapshotMismatch.
        """
        self.sessions.load_streams(snapshot.owners, snapshot.stream_reports)
        self.store.load(snapshot.feed_sequence, snapshot.feed_reports, snapshot.feed_checksum)
        self.store.epoch = snapshot.epoch
        self.matcher.report_checksum = snapshot.report_checksum
        self.timestamp = snapshot.timestamp

    def snapshot(self, position: Position, *, stream_reports: int, feed_reports: int) -> SnapshotFile:
        """Everything at this moment, which is behind the command at ``position``.

        ``stream_reports``, ``feed_reports``: how many of the newest are kept of each stream, and of the feed.
        """
        owners, streams = self.sessions.dump_streams(stream_reports)
        newest = self.store.next_sequence
        commands = self.engine.commands()
        self.references.write(commands)
        kept = min(feed_reports, newest - self.store.oldest)
        return SnapshotFile(
            position=position,
            digest=self.configuration.digest,
            timestamp=self.timestamp,
            report_checksum=self.matcher.report_checksum,
            seq_num=self.engine.seq_num,
            books=self.digest(),
            next_reference=self.references.next,
            epoch=self.store.epoch,
            feed_sequence=newest,
            feed_checksum=self.store.checksum_before(newest - kept),
            commands=commands,
            owners=owners,
            stream_reports=streams,
            feed_reports=self.store.array(newest - kept, kept),
        )

    def public_snapshot(self) -> Snapshot:
        """The books as subscribers have them behind the last report of the feed."""
        resting = self.engine.commands()
        self.references.write(resting)
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
        """Of all books, over references: what a subscriber's must be."""
        return self.engine.digest(self.references)

    def streams(self) -> Mapping[int, int]:
        """The number of the next report of every owner that has had one."""
        owners, _ = self.sessions.dump_streams(0)
        return dict(zip(owners["owner"].tolist(), owners["next_sequence"].tolist(), strict=True))


def configuration_of(settings: GatewayConfig) -> Configuration:
    """What of the settings decides how books answer."""
    return Configuration(
        instruments=tuple(instrument.instrument() for instrument in settings.instruments),
        capacity=settings.order_capacity,
        level_capacity=settings.level_capacity or settings.order_capacity,
        owner_limit=OWNERS,
        limits=settings.limits(),
    )
