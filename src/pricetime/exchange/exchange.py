"""An exchange: the composition of all parts that carry orders, and what the control side reads and requests of them.

    settings -> log and machine -> event loop, follower

The constructor makes every part and every connection between them.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from ..core.engine import Engine
from ..core.instrument import Instrument
from ..log.commit_log import CommitLog, VolatileLog
from ..native.disk import Disk
from ..native.histogram import Histogram
from ..native.priority import avoid, other_cpus
from ..types import CommandType, Phase
from ..wire.rules import allowed
from ..wire.types import AcknowledgementLevel
from .io.connections import Connections
from .io.control_channel import ControlChannel
from .io.decoder import Decoder
from .io.faults import Faults
from .io.inbound import Inbound
from .io.loop import EventLoop
from .io.mass_cancels import MassCancels
from .io.publisher import Publisher
from .io.throttle import Throttle
from .io.timing import Timing
from .settings.config import GatewayConfig
from .settings.room import room_for
from .settings.server_log import Log, make_log
from .standby.depth import BookDepth
from .standby.follower import Follower
from .standby.journal import Journal, alone, make_machine

SOL_UDP, UDP_SEGMENT = 17, 103

#: Interval of checks while waiting, in seconds.
POLL_S = 0.005

#: Extra time after ``drain_timeout_ms`` in seconds, in which the event loop disconnects the remaining clients.
GRACE_S = 1.0


class Exchange:
    """An exchange without its listening sockets. Call ``start``, then the methods for the control thread, then
    ``close``.

    ``feed``: a UDP socket connected to the feed's group; the caller closes it afterwards. With a journal, the exchange
    continues where the journal ends, and logs the recovery. ``disk``: replaces the file system, for tests.
    ``journal``: an open one, which the exchange then closes; by default that of the settings. Raises MemoryError,
    CannotStart and JournalError.
    """

    def __init__(
        self,
        settings: GatewayConfig,
        feed: socket.socket,
        log: Log | None = None,
        disk: Disk | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.settings = settings
        self._failure: str | None = None
        self._threads: list[threading.Thread] = []
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.journal: Journal | None = None
        events = log or make_log()
        try:
            if journal is not None or settings.journal is not None:
                self.journal = journal or alone(settings, self._wake, events, disk)
                self.machine = self.journal.machine
                self.journal.log.wake_fd = self._wake
                self.log: CommitLog = self.journal.log
            else:
                self.machine = make_machine(settings, settings.configuration())
                self.machine.begin_epoch(time.time_ns())
                self.log = VolatileLog(self.machine.configuration, self.machine.epoch)
            self.machine.sequencer.term = self.log.term
            self.follower = Follower(self.machine, self.log, settings, events, self.journal)
            if self.journal is not None:
                self.machine.run(self.journal.whole.held)
            self._compose(feed)
        except BaseException:
            self.close()
            raise

    def _compose(self, feed: socket.socket) -> None:
        """Make the event loop around the machine and its log."""
        settings, machine, log = self.settings, self.machine, self.log
        # timestamps continue to grow even if the system clock was set back since the last command
        offset_ns = max(time.time_ns(), machine.timestamp) - time.monotonic_ns()
        epoll_fd = self._epoll.fileno()
        self.channel = ControlChannel(self._wake, offset_ns)
        throttle = Throttle(settings)
        mass_cancels = MassCancels(machine.sequencer, machine.engine.unfinished())
        self.connections = Connections(settings, machine, mass_cancels, throttle, self.channel, epoll_fd, log.level)
        decoder = Decoder(settings, *allowed(), throttle, machine.sequencer)
        inbound = Inbound(machine, self.connections, decoder)
        publisher = Publisher(
            machine.store, feed.fileno(), enable_segmentation_offload(feed, settings.reports_per_datagram * 48),
            settings, faults_of(settings), offset_ns, log.term,
        )  # fmt: skip
        self.timing = Timing(machine.matcher, machine.sequencer, settings.match_sample_every)
        self.loop = EventLoop(settings, machine, log, self.connections, inbound, publisher, self.timing)
        self.engine, self.store = machine.engine, machine.store
        self.scheduled_ns: dict[int, int] = scheduled(machine.engine)  #: at the start, see ``scheduled``

    # ------------------------------------------------------------------ threads

    def start(self) -> None:
        """Start the threads. No other code may use the engine until ``close``. Raises CannotStart."""
        self.machine.matcher.take_engine()
        if self.settings.prefault:
            self._prefault()
        with room_for("order_capacity", "feed_store_reports"):
            self._start_threads()

    def _prefault(self) -> None:
        """Take the memory for the first orders from the system, so that no order waits for a page fault."""
        self.machine.matcher.prefault()
        self.store.prefault()
        with room_for("stream_reports", "prefault_streams"):
            self.machine.streams.prefault(self.settings.prefault_streams)
        self.timing.prefault()

    def _start_threads(self) -> None:
        work: list[tuple[str, Callable[[], None], Iterable[int]]] = [
            ("gateway", self.loop.run, self.settings.gateway_cpus),
            ("follower", self.follower.run, other_cpus(self.settings.gateway_cpus)),
        ]
        with self._avoiding_order_cpus():
            self.log.start()
        for name, run, cpus in work:
            thread = threading.Thread(target=self._run, args=(run, cpus), name=f"pricetime-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def avoid_order_cpus(self) -> None:
        """Move the calling thread off ``gateway_cpus``, if there are other processors."""
        avoid(self.settings.gateway_cpus)

    @contextmanager
    def _avoiding_order_cpus(self) -> Iterator[None]:
        """Let threads started in this context avoid ``gateway_cpus``."""
        before = os.sched_getaffinity(0)
        self.avoid_order_cpus()
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)

    def _run(self, run: Callable[[], None], cpus: Iterable[int]) -> None:
        try:
            if cpus:
                os.sched_setaffinity(threading.get_native_id(), cpus)
            run()
        except BaseException as error:
            self._failure = f"{threading.current_thread().name}: {error!r}"
            raise

    # ------------------------------------------------------------------ requests of the control thread

    def admit(self, fd: int, owner: int, flags: int, next_sequence: int) -> bool:
        """Hand the connection of a client that has logged in as ``owner`` to the event loop, which then owns ``fd``.

        False if too many requests are waiting: the caller keeps ``fd`` and may try again.
        """
        return self.channel.admit(fd, owner, flags, next_sequence)

    def command(
        self, kind: CommandType, instrument: int, flags: int = 0, price: int = 0, number: int = 0, due_ns: int = 0
    ) -> bool:
        """Issue SET_PHASE, UNCROSS, INDICATE, SET_PRICE or EXPIRE. False if too many requests are waiting.

        ``number``: of its answer in ``take_answers``, 0 if no answer is wanted. ``due_ns``: when its row of a schedule
        was due, 0 without.
        """
        return self.channel.command(kind, instrument, flags, price, number, due_ns)

    def take_answers(self) -> list[tuple[int, int, int, int, int, int, int]]:
        """Answers to commands since the last call, see ``ControlChannel.take_answers``."""
        return self.channel.take_answers()

    def remove(self, owner: int, session_reason: int, cancel_reason: int) -> bool:
        """End an owner's session unless ``session_reason`` (a SessionReason) is 0, and cancel its orders unless
        ``cancel_reason`` (a Reason) is 0. False if too many requests are waiting."""
        return self.channel.remove(owner, session_reason, cancel_reason)

    def open_orders(self, owner: int) -> NDArray[np.void]:
        """An owner's open orders, the oldest first, at most 10,000, as ``pricetime.COMMAND`` with remaining quantities.

        Call it in a thread of its own, one call at a time: it waits for the event loop. Raises RuntimeError if that
        does not answer.
        """
        return self.channel.open_orders(owner)

    def take_events(self) -> list[tuple[int, int, int, int, int]]:
        """Session events since the last call, see ``ControlChannel.take_events``."""
        return self.channel.take_events()

    def want_snapshot(self) -> bool:
        """Request a snapshot. False without a journal."""
        self.follower.want_snapshot()
        return self.journal is not None

    # ------------------------------------------------------------------ what the control side reads

    def is_done(self, owner: int) -> bool:
        """True if all requests have been read and this owner has no pending mass cancel."""
        return self.loop.is_done(owner)

    def progress(self) -> tuple[int, int]:
        """Sequence numbers of the last command received and of the last command answered."""
        return self.loop.progress()

    @property
    def phases(self) -> dict[int, Phase]:
        """The phase of each instrument, as the reports that were sent say. O(instruments)."""
        return {instrument: self.loop.phases.phase(instrument) for instrument in self.instruments}

    def phase(self, instrument: int) -> Phase:
        """The phase of one instrument, which must exist."""
        return self.loop.phases.phase(instrument)

    @property
    def instruments(self) -> dict[int, Instrument]:
        """The instruments by number. O(instruments)."""
        return self.engine.instruments

    def phase_changes(self) -> int:
        """Number of changes of phases since the start."""
        return self.loop.phases.changes

    def sessions(self) -> list[tuple[int, int, int, int]]:
        """The sessions, see ``Connections.listed``."""
        return self.connections.listed()

    @property
    def level(self) -> AcknowledgementLevel:
        """The acknowledgement level: what a command survives once its report is sent."""
        return AcknowledgementLevel(self.log.level)

    @property
    def term(self) -> int:
        """Term of the log: it grows with every start as its writer."""
        return self.log.term

    @property
    def journal_failure(self) -> str | None:
        """Why the journal has failed, after which no command is acknowledged; None if it has not."""
        return self.log.failure

    @property
    def failure(self) -> str | None:
        """Why the exchange has failed; None if it has not."""
        return self.journal_failure or self.follower.failure or self._failure

    def digest(self) -> int:
        """Digest of all books with public order references. Only after the threads have ended, see ``wait_drained``."""
        return self.machine.digest()

    def depth(self, instrument: int) -> BookDepth:
        """Totals of a book, read from the follower. O(levels). Do not call it in the event loop: it may block."""
        return self.follower.depth(instrument)

    def latencies(self) -> dict[str, dict[str, Histogram]]:
        """Latencies since the start in ns, as {interval: {kind of command: Histogram}}. O(buckets).

        The intervals are explained in ``io/timing.py``. The histograms are copies, taken one after the other while the
        threads run.
        """
        return {"match": self.timing.match.copies(), "tick_to_trade": self.timing.tick_to_trade.copies()}

    def report_counts(self) -> Mapping[tuple[int, int], int]:
        """Number of reports since the start by (ReportKind, Reason), without zeros."""
        return self.machine.router.counted()

    def stats(self) -> Mapping[str, int | float]:
        """Counters since the start. They are read one after the other while the threads run."""
        loop, connections, publisher = self.loop, self.connections, self.loop.publisher
        received, answered = loop.progress()
        commands, reports = loop.waiting
        return {
            "commands": received,
            "unanswered": max(0, received - answered),
            "gateway_rejects": loop.decoder.rejects,
            "reports": loop.router.routed,
            "feed_next_sequence": self.store.next_sequence,
            "feed_calls": publisher.calls,
            "feed_datagrams": publisher.datagrams,
            "feed_bytes": publisher.sent_bytes,
            "feed_unsent": publisher.unsent,
            "sessions": connections.count,
            "slow_readers": connections.slow_readers,
            "sent_bytes": connections.sent_bytes,
            "received_bytes": loop.inbound.received_bytes,
            "commands_in_ring": commands,
            "reports_in_ring": reports,
            "ring_full": loop.inbound.ring_full,
            "iterations": loop.iterations,
            **self.timing.figures(),
            "term": self.log.term,
            "log_first": self.log.first,
            "log_sequence": self.log.last,
            "follower_sequence": self.follower.sequence,
            **({} if self.journal is None else self.journal.stats()),
            **({} if self.journal is None else {"snapshot_sequence": self.follower.newest}),
        }

    # ------------------------------------------------------------------ the end

    def begin_stop(self) -> None:
        """Accept no more orders, answer all commands, and log out every client."""
        self.channel.begin_stop()

    def wait_drained(self, timeout_s: float) -> bool:
        """Wait until all commands are answered and all clients are logged out, then end the threads.

        False if that took longer than ``timeout_s`` or the journal failed: some reports may not have been sent.
        """
        deadline = time.monotonic() + timeout_s + GRACE_S
        while not self.loop.is_stopped and time.monotonic() < deadline and self.journal_failure is None:
            time.sleep(POLL_S)
        drained = self.loop.is_stopped
        self._end_threads()
        self.log.close()
        if drained and self.failure is None:
            self.follower.finish()
        return drained and self.journal_failure is None

    def close(self) -> None:
        """End the threads and release all resources. The engine may be read after that."""
        self._end_threads()
        if self.journal is not None:
            self.journal.close()
        self._epoll.close()
        os.close(self._wake)

    def _end_threads(self) -> None:
        if not self._threads:
            return
        self.loop.end()
        self.follower.end()
        for thread in self._threads:
            thread.join()
        self.machine.matcher.leave_engine()
        self._threads = []


def scheduled(engine: Engine) -> dict[int, int]:
    """By instrument: up to which time the rows of its schedule are done, ns since 1970; 0: none is. O(instruments)."""
    states = engine.states()
    return dict(zip(states["instrument"].tolist(), states["scheduled_ns"].tolist(), strict=True))


def faults_of(settings: GatewayConfig) -> Faults | None:
    """The fault injection that the settings ask for; None without."""
    if not (settings.drop or settings.duplicate or settings.reorder):
        return None
    return Faults(settings.drop, settings.duplicate, settings.reorder, settings.fault_seed)


def enable_segmentation_offload(feed: socket.socket, datagram_bytes: int) -> bool:
    """Let the kernel split what one call sends into datagrams of this size (Linux 4.18). False if it cannot."""
    try:
        feed.setsockopt(SOL_UDP, UDP_SEGMENT, datagram_bytes)
    except OSError:
        return False
    return True
