"""An exchange: engine, gateway and replica in their threads, and what the control thread asks of them."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping

from ..core.builder import BookBuilder
from ..core.engine import Engine
from ..ring.idle import Idle
from ..ring.ring import Ring
from ..wire.rules import allowed
from .config import GatewayConfig
from .decoder import Decoder
from .faults import Faults
from .loop import Gateway, clock_offset
from .matcher import Matcher
from .public_ids import PublicIds, public_digest
from .publisher import Publisher
from .replica import Replica
from .router import Router
from .sessions import Sessions
from .store import FeedStore

#: Owners are u16: the book keeps chains of the orders of each.
OWNERS = 1 << 16

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

    ``feed``: a datagram socket connected to the group, which the caller closes after. Raises MemoryError.
    """

    def __init__(self, settings: GatewayConfig, feed: socket.socket) -> None:
        self.settings = settings
        self._failure: str | None = None
        self.shared = runs_in_one_thread(settings)
        self.engine = Engine(
            [instrument.instrument() for instrument in settings.instruments],
            capacity=settings.order_capacity,
            level_capacity=settings.level_capacity,
            owner_limit=OWNERS,
        )
        self.public_ids = PublicIds()
        self.store = FeedStore(settings.feed_store_reports, time.time_ns())
        builder = BookBuilder(self.engine.instruments.values(), capacity=settings.order_capacity)
        self.replica = Replica(self.store, builder)
        self._feed = feed
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.gateway = self._make_gateway()
        self._threads: list[threading.Thread] = []

    def _make_gateway(self) -> Gateway:
        settings = self.settings
        sleeps = settings.idle == "block" and not self.shared
        commands, reports = Ring(settings.ring_capacity, blocking=sleeps), Ring(settings.ring_capacity, blocking=False)
        requests, events = Ring(CONTROL_SLOTS, blocking=False), Ring(CONTROL_SLOTS, blocking=False)
        offset = clock_offset()
        sessions = Sessions(settings, self._epoll.fileno(), events, offset)
        decoder = Decoder(settings, *allowed())
        self.matcher = Matcher(self.engine, commands, reports, Idle(settings.idle.value))
        router = Router(reports, sessions, self.store, self.public_ids)
        faults = None
        if settings.drop or settings.duplicate or settings.reorder:
            faults = Faults(settings.drop, settings.duplicate, settings.reorder, settings.fault_seed)
        offload = cuts_datagrams(self._feed, settings.reports_per_datagram * 48)
        publisher = Publisher(self.store, self._feed.fileno(), offload, settings, faults, offset)
        rings = (commands, requests, events)
        return Gateway(
            sessions, decoder, self.matcher, router, publisher, rings, self._epoll.fileno(), self._wake, settings,
            self.shared, Idle(settings.idle.value, spins=1, pauses=EAGER_TURNS, yields=0),
        )  # fmt: skip

    def start(self) -> None:
        """Start the threads. Nobody else may use the engine until ``close``."""
        self.matcher.take_engine()
        if self.settings.prefault:
            self.matcher.take_memory()
            self.store.take_memory()
        work: list[tuple[str, Callable[[], None], Iterable[int]]] = [
            ("gateway", self.gateway.run, self.settings.gateway_cpus),
            ("replica", self.replica.run, self._others()),
        ]
        if not self.shared:
            work.append(("matcher", self.matcher.run, self.settings.matcher_cpus))
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
        while not self.gateway.is_stopped and time.monotonic() < deadline:
            time.sleep(LOOK_S)
        drained = bool(self.gateway.is_stopped)
        self._end_threads()
        return drained

    def close(self) -> None:
        """End the threads and give everything back. The engine may be looked at from now on."""
        self._end_threads()
        self._epoll.close()
        os.close(self._wake)

    def _end_threads(self) -> None:
        self.gateway.end()
        self.matcher.end()
        self.replica.end()
        for thread in self._threads:
            thread.join()
        if self._threads:
            self.matcher.leave_engine()
        self._threads = []

    def digest(self) -> int:
        """Of all books, over public ids. Only while the threads do not run: see ``wait_drained``."""
        return int(public_digest(self.engine, self.public_ids))

    @property
    def failure(self) -> str | None:
        """Why it cannot go on, None as long as it can."""
        if self.replica.broken:
            return "the replica met a report that does not fit: no snapshot can be given"
        return self._failure

    def stats(self) -> Mapping[str, int | float]:
        """Counts since the start, read while the threads run: each is right, together they are of nearly one moment."""
        return dict(self.gateway.stats())


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
