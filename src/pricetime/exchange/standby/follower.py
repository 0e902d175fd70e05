"""The second copy of the books: it follows the log, so that no question about the books stops the engine.

It gives snapshots for subscribers, and depth and totals for the metrics and the live page. With a journal it is a whole
machine, which writes snapshots to files and compares itself with every checkpoint: a difference would be a defect of
the exchange. Without one it is an engine alone, which takes a third of the time.

It runs no command before its reports may be sent, so no subscriber sees in a snapshot what the feed may not say yet.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ...core.snapshot import Snapshot
from ...log.commit_log import CommitLog
from ...log.replayer import Replayer
from ...log.snapshot import SnapshotFile, keep_two, restore, write
from ...native.priority import lower_priority
from ...types import SNAPSHOT_ORDER, Phase
from ..settings.config import GatewayConfig
from ..settings.room import room_for
from ..settings.server_log import Log
from ..state.machine import Machine
from .books import FeedBooks, auctions_of, instruments_of, public_orders
from .depth import BookDepth, depth_of
from .journal import Journal

#: Wait when the follower is up to date, in seconds. It then runs all commands of that time together.
IDLE_WAIT_S = 0.02

#: Maximum number of commands that run before other threads can read the books: about a millisecond.
STEP = 1 << 12

#: Niceness of the thread with a journal, because no order waits for it. Other threads run first, but if all processors
#: are busy it still gets a fifth of one. Without a journal the log has room for few commands, so it must keep up.
NICENESS = 5

#: How long ``depths`` waits for the books, in seconds.
DEPTHS_WAIT_S = 0.001

#: Delay between two checks whether the feed has the last report of a snapshot, in seconds.
POLL_S = 0.0002


class Follower:
    """Follows ``log`` in ``run``, which needs its own thread; the other methods may be called in any thread.

    ``live``: the machine of the exchange, before its first command in this log. ``journal``: whose log it is; None for
    a volatile log. Its books never stand between an order and its extension, so they can answer at any moment.
    """

    def __init__(
        self, live: Machine, log: CommitLog, settings: GatewayConfig, events: Log, journal: Journal | None
    ) -> None:
        self.failure: str | None = None
        self.newest = 0 if journal is None else journal.snapshot  #: last command in the newest snapshot
        self._live = live
        self._log = log
        self._settings = settings
        self._events = events
        self._directory = None if journal is None else journal.directory
        self._kept = {
            "stream_reports": settings.snapshot_stream_reports,
            "feed_reports": settings.snapshot_feed_reports,
        }
        with room_for("order_capacity", "level_capacity"):
            self._replayer: Replayer[Machine] | Replayer[FeedBooks] = self._copy(journal)
        self._ended = threading.Event()
        self._next, self._books = threading.Lock(), threading.Lock()
        self._wanted = (0, 0)  #: number of the newest request for a snapshot, and the last command before it
        self._answered = 0  #: number of the last request that was answered
        self._waiting: SnapshotFile | None = None  #: taken, but its last command is not on the disk yet
        self._taken_s = time.monotonic()

    def _copy(self, journal: Journal | None) -> Replayer[Machine] | Replayer[FeedBooks]:
        """Return what follows, in the state of the live machine."""
        live, configuration = self._live, self._live.configuration
        reader = self._log.reader(self._log.last)
        if journal is None:
            books = FeedBooks(configuration, configuration.make_engine(), live.epoch, live.store.next_sequence)
            return Replayer(books, reader)
        snapshot = live.snapshot(reader.position, term=self._log.term, **self._kept)
        machine = Machine(
            configuration,
            stream_reports=self._settings.snapshot_stream_reports,
            feed_reports=self._settings.snapshot_feed_reports,
            engine=restore(snapshot, configuration),
        )
        machine.load(snapshot)
        return Replayer(machine, reader, journal.whole)

    # ------------------------------------------------------------------ the thread

    def run(self) -> None:
        """Follow until ``end``, or until an error, which ``failure`` then describes."""
        if self._directory is not None:
            lower_priority(NICENESS)
        while self.failure is None and not self._ended.wait(0 if self.iterate() else IDLE_WAIT_S):
            pass

    def end(self) -> None:
        """Make ``run`` return."""
        self._ended.set()

    def iterate(self) -> bool:
        """Run the next commands, and write a snapshot if one is due. Returns whether more commands are waiting.

        An error ends the following: see ``failure``.
        """
        try:
            with self._exclusive():
                more = self._step() == STEP
                if self._waiting is None and self._is_whole() and self._is_due():
                    self._waiting = self._snapshot_file()
            if self._waiting is not None and self._log.durable >= self._waiting.sequence:
                snapshot, self._waiting = self._waiting, None
                self._write(snapshot)
        except Exception as error:
            self._fail(error)
            return False
        return more

    def _step(self) -> int:
        """Run at most STEP commands whose reports may be sent. Returns how many. Only within ``_exclusive``."""
        try:
            return self._replayer.step(min(STEP, self._log.released - self.sequence))
        except Exception as error:
            self._fail(error)
            raise

    def _fail(self, error: Exception) -> None:
        if isinstance(error, OSError):
            self._log.lose(error)
        self.failure = self.failure or f"follower: {error}"

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Let no other thread use the books. Threads come in turn, so the follower cannot keep the others waiting."""
        self._enter()
        try:
            yield
        finally:
            self._books.release()

    def _enter(self, timeout_s: float = -1) -> bool:
        with self._next:
            return self._books.acquire(timeout=timeout_s)

    # ------------------------------------------------------------------ for subscribers, metrics and page

    @property
    def sequence(self) -> int:
        """Sequence of the last command that the follower has run."""
        return self._replayer.sequence

    @property
    def machine(self) -> Machine | FeedBooks:
        """What follows. Use it only when no thread runs ``run``."""
        return self._replayer.machine

    def _catch_up(self) -> None:
        """Run all commands whose reports are published now. Only within ``_exclusive``. Raises RuntimeError."""
        wanted = self._live.store.next_sequence
        while self.machine.next_sequence < wanted:
            if self.failure is not None or not self._step():
                raise RuntimeError(self.failure or "the follower cannot read commands that were answered")

    def snapshot(self) -> Snapshot:
        """All books after the last published report, or a later one, with its number and the feed's checksum.

        O(orders). Raises RuntimeError after a failure.
        """
        with self._exclusive():
            self._catch_up()
            store, number = self._live.store, self.machine.next_sequence
            while store.next_sequence < number:  # the reports are about to be published
                if self.failure is not None or self._ended.wait(POLL_S):
                    raise RuntimeError(self.failure or "the exchange has ended")
            engine = self.machine.engine
            resting, digest, known = engine.dump().resting, engine.digest(references=True), instruments_of(engine)
            auctions = auctions_of(engine)
        checksum = store.checksum_before(number)
        if checksum is None:
            raise RuntimeError("the feed has overtaken this snapshot: its store is too small")
        return Snapshot(number - 1, known, public_orders(resting), digest, checksum, auctions)

    def instruments(self) -> Snapshot:
        """The instruments with their phases, without orders, digest and checksum. O(instruments)."""
        with self._exclusive():
            engine = self.machine.engine
            known, auctions = instruments_of(engine), auctions_of(engine)
            return Snapshot(self.machine.next_sequence - 1, known, np.empty(0, SNAPSHOT_ORDER), 0, 0, auctions)

    def depth(self, instrument: int) -> BookDepth:
        """Totals of a book. Waits for the follower. O(levels). Raises UnknownInstrument, RuntimeError."""
        with self._exclusive():
            self._catch_up()
            return depth_of(self.machine.engine.book(instrument))

    def depths(
        self, instruments: Iterable[int], levels: int
    ) -> dict[int, tuple[Phase, NDArray[np.void], NDArray[np.void]]] | None:
        """The best levels of several books at one moment: {instrument: (phase, bids, asks)}, arrays as of ``depth``.

        None if the follower is busy: try again. Waits at most DEPTHS_WAIT_S, and the books may be IDLE_WAIT_S old.
        O(instruments * levels). Raises UnknownInstrument.
        """
        if not self._enter(DEPTHS_WAIT_S):
            return None
        try:
            engine = self.machine.engine
            return {number: (engine.phase(number), *engine.book(number).depth(levels)) for number in instruments}
        finally:
            self._books.release()

    # ------------------------------------------------------------------ snapshots in files

    def want_snapshot(self) -> None:
        """Write a snapshot that has every command until now, whatever the settings say."""
        self._wanted = (self._wanted[0] + 1, self._log.last)

    def _is_whole(self) -> bool:
        """Has the machine all commands up to ``sequence``? Else the last one waits for its extension."""
        return not len(self._replayer.whole.held)

    def _is_due(self) -> bool:
        if self._directory is None:
            return False
        number, wanted = self._wanted
        if number != self._answered and self.sequence >= wanted:  # else its commands run first
            self._answered = number
            if self.newest < wanted:
                return True
            self._events.info("snapshot", sequence=self.newest, meaning="already written: no command since")
        every, interval_s = self._settings.snapshot_every, self._settings.snapshot_interval_s
        behind = self.sequence - self.newest
        if behind <= 0:
            return False
        if every and behind >= every:
            return True
        return bool(interval_s) and time.monotonic() - self._taken_s >= interval_s

    def _snapshot_file(self) -> SnapshotFile:
        self._taken_s = time.monotonic()
        assert isinstance(self.machine, Machine)
        return self.machine.snapshot(self._replayer.position, term=self._log.term, **self._kept)

    def _write(self, snapshot: SnapshotFile) -> None:
        """Write a snapshot and remove files that are no longer needed.

        An error is only logged, because the journal is complete without the snapshot.
        """
        began = time.monotonic()
        self.newest = snapshot.sequence
        assert self._directory is not None
        try:
            path = write(self._directory, snapshot)
            removed = keep_two(self._directory, keep_segments=self._settings.keep_segments)
        except OSError as error:
            self._events.error("snapshot failed", sequence=snapshot.sequence, error=str(error))
            return
        self._events.info(
            "snapshot",
            sequence=snapshot.sequence,
            file=path.name,
            orders=len(snapshot.records.resting),
            streams=len(snapshot.owners),
            removed=[old.name for old in removed],
            seconds=round(time.monotonic() - began, 3),
        )

    def finish(self) -> None:
        """Write a snapshot of the end, so that the next start replays nothing. When ``run`` has returned and the log is
        closed.
        """
        while self.iterate():
            pass
        regular = self._settings.snapshot_every or self._settings.snapshot_interval_s
        due = regular and self.sequence > self.newest and self._is_whole()
        if self.failure is None and self._directory is not None and due:
            self._write(self._snapshot_file())
