"""Rebuilds the books of an exchange from its feed: joins at any time, and repairs what the network loses."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from pricetime.address import Address
from pricetime.client.answers import Answer, RangeAnswer
from pricetime.client.errors import BookNotWhole
from pricetime.client.feed_state import FeedEvent, FeedState, FeedStatistics
from pricetime.client.follower import Follower, Reports
from pricetime.client.receiver import Receiver
from pricetime.client.recovery import Recovery
from pricetime.client.route import addresses_of
from pricetime.client.sequencer import Sequencer
from pricetime.core.builder import BookBuilder
from pricetime.core.instrument import Instrument
from pricetime.core.order_book import OrderBook
from pricetime.core.snapshot import IndicativePrice
from pricetime.native.udp import granted_bytes, join_feed
from pricetime.wire.types import RetransmitStatus

#: The most pieces of the feed that are read before anything else is done.
PIECES = 256


class Subscriber:
    """The books of an exchange, rebuilt from its feed.

    ``group``, ``port``, ``interface``: of the feed. ``recovery``: host and port of the recovery server, or a list of
    those of the nodes of a cluster, which are asked in turn; without one, gaps cannot be filled and the feed must be
    joined before its first report. ``instruments``: ids or ``Instrument`` values, needed only without ``recovery``;
    otherwise a snapshot has them. ``capacity``, ``level_capacity``: as in ``BookBuilder``. ``receive_buffer_bytes``:
    what the kernel buffers, with a warning if it grants less; by default what it grants, up to 64 MiB. ``spins``:
    ``poll`` never sleeps while it waits, but yields the processor; for a subscriber that has a processor to itself.
    ``recovery_patience``: seconds before a request to the recovery server fails. ``on_reports``: called with each
    applied array of ``pricetime.REPORT``. ``on_event``: called with each ``FeedEvent``. Further settings are those of
    ``Sequencer``, such as ``heartbeat_interval`` (0.1 s) and ``silent_after`` (10 intervals: the state is SILENT after
    1 s without a heartbeat). Raises FeedUnavailable, InvalidSetting and MemoryError.

    A subscriber has no thread: ``poll`` reads what has come and returns; ``reports`` and ``wait_until`` call it. Only
    one thread at a time may use it.
    """

    def __init__(
        self,
        group: str = "239.255.77.1",
        port: int = 7003,
        *,
        interface: str = "127.0.0.1",
        recovery: Address | Sequence[str | Address] | None = ("127.0.0.1", 7002),
        instruments: Iterable[Instrument | int] = (),
        capacity: int = 1 << 20,
        level_capacity: int | None = None,
        receive_buffer_bytes: int | None = None,
        spins: bool = False,
        recovery_patience: float = 5.0,
        on_reports: Callable[[Reports], object] | None = None,
        on_event: Callable[[FeedEvent], object] | None = None,
        **settings: Any,
    ) -> None:
        # Until a snapshot names the instruments, there is one without orders.
        known = list(instruments) or [Instrument(0)]
        #: The books.
        self.builder = BookBuilder(known, capacity=capacity, level_capacity=level_capacity)
        #: Puts datagrams in order.
        self.sequencer = Sequencer(1 if recovery is None else None, **settings)
        self._follower = Follower(self.builder, self.sequencer)
        self._follower.on_reports = on_reports
        self.on_event = on_event  #: called with each FeedEvent, in the thread that polls
        self._untaken: deque[Reports] = deque()  # not taken before an iterator ended
        self._socket = join_feed(group, port, interface, receive_buffer_bytes)
        self._receiver = Receiver(self._socket.fileno(), self.builder, spins)
        self._spins = spins
        self._last_datagram: float | None = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._recovery = None
        if recovery is not None:
            self._recovery = Recovery(servers_of(recovery), self._selector, recovery_patience)

    # ------------------------------------------------------------------ state

    @property
    def state(self) -> FeedState:
        """How far the books can be trusted, as of the last ``poll``: see ``FeedState``.

        WHOLE: they are those of the exchange, and heartbeats come. In any other state they may differ.
        """
        return self.sequencer.state

    @property
    def last_datagram(self) -> float | None:
        """``time.monotonic()`` of the last datagram, from any sender; None before the first."""
        return self._last_datagram

    @property
    def seq_num(self) -> int:
        """Number of the last report in the books."""
        return self.builder.seq_num

    @property
    def term(self) -> int:
        """Term of the exchange's log; 0 before a heartbeat agrees with the books. It grows with every start of the
        exchange, and when a different node of a cluster leads.
        """
        return self.sequencer.term

    @property
    def busy(self) -> bool:
        """Whether the exchange said in its last heartbeat that it cannot acknowledge commands, and rejects new orders
        as BUSY.
        """
        return self.sequencer.busy

    @property
    def statistics(self) -> FeedStatistics:
        """Counts since the feed was joined: datagrams, reports, gaps. The object keeps counting."""
        return self.sequencer.statistics

    @property
    def instruments(self) -> dict[int, Instrument]:
        """The instruments by id, with their phases. Raises BookNotWhole."""
        return self._whole().instruments

    @property
    def receive_buffer_bytes(self) -> int:
        """Size of the kernel's receive buffer, as granted."""
        return granted_bytes(self._socket)

    @property
    def recovery_failure(self) -> str:
        """Why the last request to the recovery server got no answer; empty if it got one."""
        return self._recovery.failure if self._recovery is not None else ""

    def book(self, instrument: int) -> OrderBook:
        """Return the book of an instrument as of ``seq_num``, read-only. Raises BookNotWhole and UnknownInstrument."""
        return self._whole().book(instrument)

    def auction(self, instrument: int) -> IndicativePrice | None:
        """Return where the last auction of an instrument would trade, or traded; None before a report about one.

        Raises BookNotWhole and UnknownInstrument.
        """
        return self._whole().auction(instrument)

    def digest(self) -> int:
        """Return the digest (u64) of all books, which equals the exchange's. O(orders). Raises BookNotWhole."""
        return self._whole().digest()

    def _whole(self) -> BookBuilder:
        if self.state is FeedState.WAITING:
            raise BookNotWhole(
                "there are no books before the first snapshot: call poll() until the state is no longer WAITING. "
                + self.recovery_failure
            )
        return self.builder

    # ------------------------------------------------------------------ following the feed

    def poll(self, timeout: float | None = 0.0) -> int:
        """Read what has come and update the books. Returns how many reports were applied.

        Waits up to ``timeout`` seconds for input or for the feed to become silent, None for no limit. Raises OrdersFull
        and LevelsFull if the exchange's books exceed the capacity, ReportMismatch if a report of the recovery server
        does not fit even after a snapshot, and OSError if the socket fails.
        """
        before = self.statistics.reports
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            busy = self._read() or self.sequencer.idle(time.monotonic())
            busy |= self._recover(time.monotonic())
            self._tell()
            now = time.monotonic()
            if busy or (until is not None and now >= until):
                return self.statistics.reports - before
            self._selector.select(0 if self._spins else self._sleep(now, until))

    def reports(self, timeout: float | None = None) -> Iterator[Reports]:
        """Iterate over the reports as they are applied, in arrays of ``pricetime.REPORT``.

        Ends when none was applied for ``timeout`` seconds, None for no limit. Arrays that were not taken come first in
        the next iteration. Reports that a snapshot replaces do not come; ``on_event`` receives the snapshot.
        """
        follower, untaken = self._follower, self._untaken
        listener = follower.on_reports

        def collect(reports: Reports) -> None:
            untaken.append(reports)
            if listener is not None:
                listener(reports)

        follower.on_reports = collect
        try:
            until = None if timeout is None else time.monotonic() + timeout
            while True:
                if untaken and timeout is not None:
                    until = time.monotonic() + timeout
                while untaken:
                    yield untaken.popleft()
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    return
                self.poll(left)
        finally:
            follower.on_reports = listener

    def wait_until(self, seq_num: int, timeout: float | None = None) -> bool:
        """Follow the feed until this report is in the books. Returns False after ``timeout`` seconds without it.

        The state may still not be WHOLE: see ``wait_whole``.
        """
        return self._wait(lambda: self.state is not FeedState.WAITING and self.seq_num >= seq_num, timeout)

    def wait_whole(self, timeout: float | None = None) -> bool:
        """Follow the feed until the state is WHOLE. Returns False after ``timeout`` seconds without that."""
        return self._wait(lambda: self.state is FeedState.WHOLE, timeout)

    def _wait(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Poll until a condition is true. Returns False after ``timeout`` seconds without that."""
        until = None if timeout is None else time.monotonic() + timeout
        while not condition():
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            self.poll(left)
        return True

    def _read(self) -> bool:
        """Read pieces of the feed. Returns whether there was one."""
        left = PIECES
        receiver = self._receiver
        while left > 0:
            if self.state is FeedState.WHOLE:
                listened = self._follower.on_reports is not None
                receiver.checksum = self.sequencer.checksum
                pieces, runs = receiver.receive(1 if listened else left, True)
                self._follower.followed(pieces, receiver.checksum, receiver.applied_reports() if listened else b"")
            else:
                pieces, runs = receiver.receive(1, False)
            for run in runs:
                self._follower.receive(run, time.monotonic())
            if not pieces and not runs:
                break
            left -= max(pieces, 1)
        if left < PIECES:
            self._last_datagram = time.monotonic()
        return left < PIECES

    # ------------------------------------------------------------------ missing reports

    def _recover(self, now: float) -> bool:
        """Request what is missing and process answers. Returns whether there was one."""
        recovery, sequencer = self._recovery, self.sequencer
        if recovery is None:
            return False
        asked = recovery.asking
        answers = recovery.step(now)
        outdated = sequencer.statistics.outdated
        for answer in answers:
            self._follower.answer(answer, now)
        if sequencer.statistics.outdated != outdated or any(map(is_ahead, answers)):
            recovery.leave()
        if asked and not recovery.asking and not answers:
            sequencer.no_answer(now)
        if not recovery.asking and (wanted := sequencer.wanted(now)) is not None:
            recovery.ask(wanted, now)
            if not recovery.asking:
                sequencer.no_answer(now)
        return bool(answers)

    def _sleep(self, now: float, until: float | None) -> float | None:
        """Return the seconds until something is due, None if nothing is."""
        times = [until, self.sequencer.silent_at, self.sequencer.due() if self._recovery is not None else None]
        times.append(self._recovery.deadline if self._recovery is not None else None)
        due = [time for time in times if time is not None]
        return max(0.0, min(due) - now) if due else None

    def _tell(self) -> None:
        events = self.sequencer.events
        while events and self.on_event is not None:
            self.on_event(events.popleft())

    # ------------------------------------------------------------------ closing

    def close(self) -> None:
        """Leave the feed. The books stay readable."""
        if self._recovery is not None:
            self._recovery.close()
        self._selector.close()
        self._socket.close()

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def is_ahead(answer: Answer) -> bool:
    """Return whether the recovery server does not have what was requested yet."""
    return isinstance(answer, RangeAnswer) and answer.status is RetransmitStatus.RANGE_AHEAD


def servers_of(recovery: Address | Sequence[str | Address]) -> list[Address]:
    """Return the addresses of the recovery servers: of one, given as host and port, or of several."""
    if len(recovery) == 2 and isinstance(recovery[0], str) and isinstance(recovery[1], int):
        return [(recovery[0], recovery[1])]
    return addresses_of(recovery, 0)  # type: ignore[arg-type]  # the union is a pair or a sequence of addresses
