"""An exchange: composes engine, gateway, replica and journal, runs their threads, and serves the control thread."""

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

from ..core.builder import BookBuilder
from ..core.engine import Engine
from ..log.configuration import Configuration
from ..native.disk import Disk
from ..native.histogram import Histogram
from ..ring.idle import Idle
from ..ring.ring import Ring
from ..types import InstrumentState
from ..wire.rules import allowed
from ..wire.types import AcknowledgementLevel
from .control.measured import BookDepth, SideDepth
from .io.decoder import Decoder
from .io.faults import Faults
from .io.loop import Gateway, clock_offset
from .io.publisher import Publisher
from .settings.config import GatewayConfig
from .settings.room import room_for
from .settings.server_log import Log, make_log
from .standby.journal_service import JournalService
from .standby.replica import Replica
from .state.exchange_state import ExchangeState, configuration_of

SOL_UDP, UDP_SEGMENT = 17, 103

#: Interval of checks while waiting, in seconds.
POLL_S = 0.005

#: Extra time after ``drain_timeout_ms`` in seconds, in which the gateway disconnects the remaining clients.
GRACE_S = 1.0

#: Iterations without work before the gateway thread gives up its processor.
EAGER_ITERATIONS = 999

#: Slots of the ring of requests from the control thread, and of the ring of events to it.
CONTROL_SLOTS = 4096


class Exchange:
    """An exchange without its listening sockets. Call ``start``, then the methods for the control thread, then
    ``close``.

    ``feed``: a UDP socket connected to the feed's group; the caller closes it afterwards. With a journal, the exchange
    continues where the journal ends, and logs the recovery. ``disk``: replaces the file system, for tests. Raises
    MemoryError, CannotStart and JournalError.
    """

    def __init__(
        self, settings: GatewayConfig, feed: socket.socket, log: Log | None = None, disk: Disk | None = None
    ) -> None:
        self.settings = settings
        self._failure: str | None = None
        self.shared = runs_in_one_thread(settings)
        self._feed = feed
        self._threads: list[threading.Thread] = []
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._events = Ring(CONTROL_SLOTS, blocking=False)
        self.journal_service: JournalService | None = None
        try:
            if settings.journal is not None:
                self.journal_service = JournalService(settings, self._make_state, self._wake, log or make_log(), disk)
            self._set_up()
        except BaseException:
            self.close()
            raise

    def _make_state(self, configuration: Configuration, engine: Engine | None = None) -> ExchangeState:
        return ExchangeState(
            self.settings,
            configuration,
            engine=engine,
            epoll_fd=self._epoll.fileno(),
            events=self._events,
            sleeps=self.settings.idle == "block" and not self.shared,
            traced=self.settings.journal is not None,
        )

    def _set_up(self) -> None:
        """Build everything around a new state, or around the state recovered from the journal."""
        if self.journal_service is not None:
            self.state = self.journal_service.state
        else:
            self.state = self._make_state(configuration_of(self.settings))
            self.state.begin_epoch(time.time_ns())
        state = self.state
        self.engine, self.store = state.engine, state.store
        self.matcher = state.matcher
        self.matcher.time_one_of(self.settings.match_sample_every)
        self.states = state.states()  #: states of the instruments at the start
        with room_for("order_capacity"):
            builder = BookBuilder(self.engine.instruments.values(), capacity=self.settings.order_capacity)
        if self.journal_service is not None:
            builder.load_snapshot(state.public_snapshot())
        self.replica = Replica(self.store, builder)
        self.gateway = self._make_gateway()
        if self.journal_service is not None:
            self.matcher.record(self.journal_service.writer)
            self.gateway.answer_for(
                self.journal_service.writer, self.journal_service.level == AcknowledgementLevel.DURABLE
            )
            state.sessions.level = self.journal_service.level

    def _make_gateway(self) -> Gateway:
        settings, state = self.settings, self.state
        requests = Ring(CONTROL_SLOTS, blocking=False)
        # timestamps continue to grow even if the system clock was set back since the last command
        offset = max(clock_offset(), state.timestamp - time.monotonic_ns())
        state.sessions.clock_offset_ns = offset
        decoder = Decoder(
            settings, *allowed(), sequence=0 if self.journal_service is None else self.journal_service.first
        )
        faults = None
        if settings.drop or settings.duplicate or settings.reorder:
            faults = Faults(settings.drop, settings.duplicate, settings.reorder, settings.fault_seed)
        offload = enable_segmentation_offload(self._feed, settings.reports_per_datagram * 48)
        publisher = Publisher(self.store, self._feed.fileno(), offload, settings, faults, offset)
        rings = (state.commands, requests, self._events)
        return Gateway(
            state.sessions, decoder, self.matcher, state.router, publisher, rings, self._epoll.fileno(), self._wake,
            settings, self.shared, Idle(settings.idle.value, spins=1, pauses=EAGER_ITERATIONS, yields=0),
        )  # fmt: skip

    def start(self) -> None:
        """Start the threads. No other code may use the engine until ``close``. Raises CannotStart."""
        self.matcher.take_engine()
        if self.settings.prefault:
            self._prefault()
        with room_for("order_capacity", "feed_store_reports"):
            self._start_threads()

    def _prefault(self) -> None:
        """Take the memory for the first orders from the system, so that no order waits for a page fault."""
        self.matcher.prefault()
        self.store.prefault()
        self.replica.prefault()
        with room_for("stream_reports", "prefault_streams"):
            self.state.sessions.prefault(self.settings.prefault_streams)
        self.gateway.tick_to_trade.prefault()

    def _start_threads(self) -> None:
        work: list[tuple[str, Callable[[], None], Iterable[int]]] = [
            ("gateway", self.gateway.run, self.settings.gateway_cpus),
            ("replica", self.replica.run, self._other_cpus()),
        ]
        if not self.shared:
            work.append(("matcher", self.matcher.run, self.settings.matcher_cpus))
        if self.journal_service is not None:
            with self._avoiding_order_cpus():
                self.journal_service.start()
        for name, run, cpus in work:
            thread = threading.Thread(target=self._run, args=(run, cpus), name=f"pricetime-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _other_cpus(self) -> set[int]:
        """The processors for threads that carry no orders: all except ``gateway_cpus`` and ``matcher_cpus``."""
        if not hasattr(os, "sched_getaffinity"):
            return set()
        return os.sched_getaffinity(0) - {*self.settings.gateway_cpus, *self.settings.matcher_cpus}

    def avoid_order_cpus(self) -> None:
        """Move the calling thread off ``gateway_cpus`` and ``matcher_cpus``, if there are other processors."""
        if others := self._other_cpus():
            os.sched_setaffinity(threading.get_native_id(), others)

    @contextmanager
    def _avoiding_order_cpus(self) -> Iterator[None]:
        """Let threads started in this context avoid ``gateway_cpus`` and ``matcher_cpus``."""
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

    # ------------------------------------------------------------------ for the control thread

    def admit(self, fd: int, owner: int, flags: int, next_sequence: int) -> bool:
        """Hand the connection of a client that has logged in as ``owner`` to the gateway, which then owns ``fd``.

        False if too many requests are waiting: the caller keeps ``fd`` and may try again.
        """
        return bool(self.gateway.admit(fd, owner, flags, next_sequence))

    def set_state(self, instrument: int, state: int) -> bool:
        """Open or halt an instrument. False if too many requests are waiting."""
        return bool(self.gateway.set_state(instrument, state))

    def remove(self, owner: int, session_reason: int, cancel_reason: int) -> bool:
        """End an owner's session unless ``session_reason`` (a SessionReason) is 0, and cancel its orders unless
        ``cancel_reason`` (a Reason) is 0. False if too many requests are waiting."""
        return bool(self.gateway.remove(owner, session_reason, cancel_reason))

    def is_done(self, owner: int) -> bool:
        """True if all requests have been read and this owner has no pending mass cancel."""
        return bool(self.gateway.is_done(owner))

    def progress(self) -> tuple[int, int]:
        """Sequence numbers of the last command received and of the last command answered."""
        taken, answered = self.gateway.progress()
        return int(taken), int(answered)

    def open_orders(self, owner: int) -> NDArray[np.void]:
        """An owner's open orders, the oldest first, at most 10,000, as ``pricetime.COMMAND`` with remaining quantities.

        Do not call it in the event loop: it waits for the matcher. One call at a time. Raises RuntimeError if the
        matcher does not answer.
        """
        found: NDArray[np.void] = self.matcher.open_orders(owner)
        return found

    def sessions(self) -> list[tuple[int, int, int, int]]:
        """The sessions, see ``Sessions.listed``."""
        return list(self.state.sessions.listed())

    def want_snapshot(self) -> bool:
        """Request a snapshot. False without a journal."""
        if self.journal_service is not None:
            self.journal_service.follower.want_snapshot()
        return self.journal_service is not None

    def take_events(self) -> list[tuple[int, int, int, int, int]]:
        """Session events since the last call, see ``Gateway.take_events``."""
        return list(self.gateway.take_events())

    def begin_stop(self) -> None:
        """Accept no more orders, answer all commands, and log out every client."""
        self.gateway.begin_stop()

    def wait_drained(self, timeout_s: float) -> bool:
        """Wait until all commands are answered and all clients are logged out, then end the threads.

        False if that took longer than ``timeout_s`` or the journal failed: some reports may not have been sent.
        """
        deadline = time.monotonic() + timeout_s + GRACE_S
        while not self.gateway.is_stopped and time.monotonic() < deadline and self.journal_failure is None:
            time.sleep(POLL_S)
        drained = bool(self.gateway.is_stopped)
        self._end_threads()
        if self.journal_service is not None:
            self.journal_service.finish(whole=drained)
        return drained and self.journal_failure is None

    def close(self) -> None:
        """End the threads and release all resources. The engine may be read after that."""
        self._end_threads()
        if self.journal_service is not None:
            self.journal_service.close()
        self._epoll.close()
        os.close(self._wake)

    def _end_threads(self) -> None:
        if not self._threads:
            return
        self.gateway.end()
        self.matcher.end()
        self.replica.end()
        for thread in self._threads:
            thread.join()
        self.matcher.leave_engine()
        self._threads = []

    def digest(self) -> int:
        """Digest of all books with public order references. Only after the threads have ended, see ``wait_drained``."""
        return self.state.digest()

    @property
    def level(self) -> AcknowledgementLevel:
        """The acknowledgement level: what a command survives once its report is sent."""
        return AcknowledgementLevel.VOLATILE if self.journal_service is None else self.journal_service.level

    @property
    def journal_failure(self) -> str | None:
        """Why the journal has failed, after which no command is acknowledged; None if it has not."""
        return None if self.journal_service is None else self.journal_service.failure

    @property
    def failure(self) -> str | None:
        """Why the exchange has failed; None if it has not."""
        if self.journal_failure is not None:
            return self.journal_failure
        if self.journal_service is not None and self.journal_service.follower.failure is not None:
            return self.journal_service.follower.failure
        if self.replica.broken:
            return "the replica received a report that does not match its books, so it can give no snapshots"
        return self._failure

    def latencies(self) -> dict[str, dict[str, Histogram]]:
        """Latencies since the start in ns, as {interval: {kind of command: Histogram}}. O(buckets).

        *match*: from the ring of commands to the ring of reports, of sampled commands. *tick_to_trade*: from the recv
        call that returned a command until the datagram with its last report is with the kernel. The histograms are
        copies, taken one after the other while the threads run.
        """
        return {"match": self.matcher.match.copies(), "tick_to_trade": self.gateway.tick_to_trade.copies()}

    def report_counts(self) -> Mapping[tuple[int, int], int]:
        """Number of reports since the start by (ReportKind, Reason), without zeros."""
        return dict(self.gateway.router.counted())

    def depth(self, instrument: int) -> BookDepth:
        """Totals of a book, read from the replica. O(levels). Do not call it in the event loop: it may block."""
        state, bids, asks = self.replica.totals(instrument)
        return BookDepth(InstrumentState(state), SideDepth(*bids), SideDepth(*asks))

    def stats(self) -> Mapping[str, int | float]:
        """Counters since the start. They are read one after the other while the threads run."""
        return {
            **self.gateway.stats(),
            "replica_sequence": self.replica.applied,
            **({} if self.journal_service is None else self.journal_service.stats()),
        }


def runs_in_one_thread(settings: GatewayConfig) -> bool:
    """Do gateway and matcher share one thread? With ``auto``: yes, if this process may use fewer than 4 processors."""
    if settings.threading == "auto":
        return len(os.sched_getaffinity(0)) < 4
    return settings.threading == "shared"


def enable_segmentation_offload(feed: socket.socket, datagram_bytes: int) -> bool:
    """Let the kernel split what one call sends into datagrams of this size (Linux 4.18). False if it cannot."""
    try:
        feed.setsockopt(SOL_UDP, UDP_SEGMENT, datagram_bytes)
    except OSError:
        return False
    return True
