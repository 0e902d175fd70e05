"""An exchange: engine, gateway and replica in their threads, and what the control thread asks of them."""

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
from ..core.references import References
from ..journal.configuration import Configuration
from ..measure.histogram import Histogram
from ..native.disk import Disk
from ..ring.idle import Idle
from ..ring.ring import Ring
from ..types import InstrumentState
from ..wire.rules import allowed
from ..wire.types import AcknowledgementLevel
from .config import GatewayConfig
from .decoder import Decoder
from .faults import Faults
from .journal_service import JournalService
from .log import Log, make_log
from .loop import Gateway, clock_offset
from .measured import BookDepth, SideDepth
from .publisher import Publisher
from .replica import Replica
from .room import room_for
from .state import ExchangeState, configuration_of

SOL_UDP, UDP_SEGMENT = 17, 103

#: How often a wait looks whether it is over.
LOOK_S = 0.005

#: When the time to drain is over, the gateway cuts off who is left, and for that much longer it is waited for.
GRACE_S = 1.0

#: Turns without work in which the gateway keeps its processor, before it lets others run.
EAGER_TURNS = 999

#: Requests from, and events to, the control thread that may wait.
CONTROL_SLOTS = 4096


class Exchange:
    """Everything but the listening sockets. ``start``, then the calls of the control thread, ``close`` in the end.

    ``feed``: a datagram socket connected to the group, which the caller closes after. With a journal it begins where
    that ends, and tells ``log`` so; ``disk`` has the files. Raises MemoryError, CannotStart and JournalError.
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

    def _make_state(
        self, configuration: Configuration, books: tuple[Engine, References] | None = None
    ) -> ExchangeState:
        return ExchangeState(
            self.settings,
            configuration,
            books=books,
            epoll_fd=self._epoll.fileno(),
            events=self._events,
            sleeps=self.settings.idle == "block" and not self.shared,
            traced=self.settings.journal is not None,
        )

    def _set_up(self) -> None:
        """Everything around a state: a new one, or that of the journal."""
        if self.journal_service is not None:
            self.state = self.journal_service.state
        else:
            self.state = self._make_state(configuration_of(self.settings))
            self.state.store.epoch = time.time_ns()
        state = self.state
        self.engine, self.store = state.engine, state.store
        self.matcher = state.matcher
        self.matcher.time_one_of(self.settings.match_sample_every)
        self.states = state.states()  #: of the instruments, at the start
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
        # a clock that was set back meanwhile does not bring times back that were told
        offset = max(clock_offset(), state.timestamp - time.monotonic_ns())
        state.sessions.clock_offset_ns = offset
        decoder = Decoder(
            settings, *allowed(), sequence=0 if self.journal_service is None else self.journal_service.first
        )
        faults = None
        if settings.drop or settings.duplicate or settings.reorder:
            faults = Faults(settings.drop, settings.duplicate, settings.reorder, settings.fault_seed)
        offload = cuts_datagrams(self._feed, settings.reports_per_datagram * 48)
        publisher = Publisher(self.store, self._feed.fileno(), offload, settings, faults, offset)
        rings = (state.commands, requests, self._events)
        return Gateway(
            state.sessions, decoder, self.matcher, state.router, publisher, rings, self._epoll.fileno(), self._wake,
            settings, self.shared, Idle(settings.idle.value, spins=1, pauses=EAGER_TURNS, yields=0),
        )  # fmt: skip

    def start(self) -> None:
        """Start the threads. Nobody else may use the engine until ``close``. Raises CannotStart."""
        self.matcher.take_engine()
        if self.settings.prefault:
            self._prefault()
        with room_for("order_capacity", "feed_store_reports"):
            self._start_threads()

    def _prefault(self) -> None:
        """Take up the memory that the first orders need."""
        self.matcher.prefault()
        self.gateway.router.prefault()
        self.store.prefault()
        self.replica.prefault()
        with room_for("stream_reports", "prefault_streams"):
            self.state.sessions.prefault(self.settings.prefault_streams)
        self.gateway.tick_to_trade.prefault()

    def _start_threads(self) -> None:
        work: list[tuple[str, Callable[[], None], Iterable[int]]] = [
            ("gateway", self.gateway.run, self.settings.gateway_cpus),
            ("replica", self.replica.run, self._others()),
        ]
        if not self.shared:
            work.append(("matcher", self.matcher.run, self.settings.matcher_cpus))
        if self.journal_service is not None:
            with self._kept_clear():
                self.journal_service.start()
        for name, run, cpus in work:
            thread = threading.Thread(target=self._run, args=(run, cpus), name=f"pricetime-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _others(self) -> set[int]:
        """Processors of whoever must not stand in the way of orders: those that no thread of orders has for itself."""
        if not hasattr(os, "sched_getaffinity"):
            return set()
        return os.sched_getaffinity(0) - {*self.settings.gateway_cpus, *self.settings.matcher_cpus}

    def keep_clear(self) -> None:
        """Keep the calling thread off the processors of the threads that carry orders, where there are others."""
        if others := self._others():
            os.sched_setaffinity(threading.get_native_id(), others)

    @contextmanager
    def _kept_clear(self) -> Iterator[None]:
        """Threads that are started here stay clear as well."""
        before = os.sched_getaffinity(0)
        self.keep_clear()
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
        """Hand over the connection of a client that has proved to be ``owner``: it is the gateway's from now on.

        False when too many wait: the caller keeps it and may try again.
        """
        return bool(self.gateway.admit(fd, owner, flags, next_sequence))

    def set_state(self, instrument: int, state: int) -> bool:
        """Open or halt an instrument. False when too many requests wait."""
        return bool(self.gateway.set_state(instrument, state))

    def remove(self, owner: int, session_reason: int, cancel_reason: int) -> bool:
        """End an owner's session, unless ``session_reason`` (a SessionReason) is 0, and cancel its orders, unless
        ``cancel_reason`` (a Reason) is 0. False when too many requests wait."""
        return bool(self.gateway.remove(owner, session_reason, cancel_reason))

    def is_done(self, owner: int) -> bool:
        """Are all requests taken, and is no mass cancel of an owner due or under way?"""
        return bool(self.gateway.is_done(owner))

    def progress(self) -> tuple[int, int]:
        """Sequences of the last command that was taken, and of the last that is answered."""
        taken, answered = self.gateway.progress()
        return int(taken), int(answered)

    def open_orders(self, owner: int) -> NDArray[np.void]:
        """An owner's open orders, the oldest 10,000: ``pricetime.COMMAND`` with quantities that are still open.

        Not in the loop: it waits for the matcher. One call at a time. Raises RuntimeError when that does not answer.
        """
        found: NDArray[np.void] = self.matcher.open_orders(owner)
        return found

    def sessions(self) -> list[tuple[int, int, int, int]]:
        """The sessions: see ``Sessions.listed``."""
        return list(self.state.sessions.listed())

    def want_snapshot(self) -> bool:
        """Take a snapshot soon. False without a journal."""
        if self.journal_service is not None:
            self.journal_service.follower.want_snapshot()
        return self.journal_service is not None

    def take_events(self) -> list[tuple[int, int, int, int, int]]:
        """What happened to sessions since the last call: see ``Gateway.take_events``."""
        return list(self.gateway.take_events())

    def begin_stop(self) -> None:
        """Take no more orders, bring out what is under way, take leave of every client."""
        self.gateway.begin_stop()

    def wait_drained(self, timeout_s: float) -> bool:
        """Wait until everything is out that was under way and every client is gone, then end the threads.

        False when that took longer than it may: then some of it is lost.
        """
        deadline = time.monotonic() + timeout_s + GRACE_S
        while not self.gateway.is_stopped and time.monotonic() < deadline and self.journal_failure is None:
            time.sleep(LOOK_S)
        drained = bool(self.gateway.is_stopped)
        self._end_threads()
        if self.journal_service is not None:
            self.journal_service.finish(whole=drained)
        return drained and self.journal_failure is None

    def close(self) -> None:
        """End the threads and give everything back. The engine may be looked at from now on."""
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
        """Of all books, over references. Only while the threads do not run: see ``wait_drained``."""
        return self.state.digest()

    @property
    def level(self) -> AcknowledgementLevel:
        """What a report promises of the command that made it."""
        return AcknowledgementLevel.VOLATILE if self.journal_service is None else self.journal_service.level

    @property
    def journal_failure(self) -> str | None:
        """What of the journal failed: nothing is acknowledged any more. None as long as all is well."""
        return None if self.journal_service is None else self.journal_service.failure

    @property
    def failure(self) -> str | None:
        """Why it cannot go on, None as long as it can."""
        if self.journal_failure is not None:
            return self.journal_failure
        if self.journal_service is not None and self.journal_service.follower.failure is not None:
            return self.journal_service.follower.failure
        if self.replica.broken:
            return "the replica met a report that does not fit: no snapshot can be given"
        return self._failure

    def latencies(self) -> dict[str, dict[str, Histogram]]:
        """How long commands took so far, as {interval: {kind of command: Histogram}}; copies, of nearly one moment.

        In ns. *match*: from the ring of commands to the ring of reports, of the commands that were timed;
        *tick_to_trade*: from the recv that returned a command to the datagram with its last report handed to the
        kernel. O(buckets).
        """
        return {"match": self.matcher.match.copies(), "tick_to_trade": self.gateway.tick_to_trade.copies()}

    def report_counts(self) -> Mapping[tuple[int, int], int]:
        """How many reports there were since the start, by ReportKind and Reason; those that there were none of are not
        in it."""
        return dict(self.gateway.router.counted())

    def depth(self, instrument: int) -> BookDepth:
        """What rests in a book, as the feed tells it. Not in the loop: it waits for the replica. O(levels)."""
        state, bids, asks = self.replica.totals(instrument)
        return BookDepth(InstrumentState(state), SideDepth(*bids), SideDepth(*asks))

    def stats(self) -> Mapping[str, int | float]:
        """Counts since the start, read while the threads run: each is right, together they are of nearly one moment."""
        return {
            **self.gateway.stats(),
            "replica_sequence": self.replica.applied,
            **({} if self.journal_service is None else self.journal_service.stats()),
        }


def runs_in_one_thread(settings: GatewayConfig) -> bool:
    """With ``auto``: yes, unless there are processors for a gateway, a matcher and whoever else is on the machine."""
    if settings.threading == "auto":
        return len(os.sched_getaffinity(0)) < 4
    return settings.threading == "shared"


def cuts_datagrams(feed: socket.socket, datagram_bytes: int) -> bool:
    """Ask the system to cut what it is given into datagrams of so many bytes (Linux 4.18): does it?"""
    try:
        feed.setsockopt(SOL_UDP, UDP_SEGMENT, datagram_bytes)
    except OSError:
        return False
    return True
