"""The feed of an exchange as its books: joined at any time, whole at any network."""

from __future__ import annotations

import selectors
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any

from pricetime import COMPILED
from pricetime.core.builder import BookBuilder
from pricetime.core.instrument import Instrument
from pricetime.core.order_book import OrderBook
from pricetime.feed.errors import BookNotWhole
from pricetime.feed.follower import Follower, Reports
from pricetime.feed.plain_receiver import PlainReceiver
from pricetime.feed.recovery import Recovery
from pricetime.feed.sequencer import FeedEvent, FeedState, FeedStatistics, Sequencer
from pricetime.feed.udp import granted_bytes, join_feed

if COMPILED:
    from pricetime.feed.receiver import Receiver

#: Pieces of the feed that are read before anything else is looked at.
PIECES = 256


class Subscriber:
    """The books of an exchange, from its feed.

    ``group``, ``port``, ``interface``: of the feed. ``recovery``: host and port of the recovery server; without one a
    gap cannot be filled, and the feed must be joined before its first report. ``instruments``: ids or ``Instrument``
    values, needed only without recovery: else a snapshot says what they are. ``capacity``, ``level_capacity``: as of
    ``BookBuilder``. ``receive_buffer_bytes``: what the kernel is to hold while nobody reads, with a warning when it
    does not; by default what it gives, up to 64 MiB. ``spins``: ``poll`` never sleeps while it waits, but lets whoever
    waits for its processor go first; for a subscriber with a processor to spare, whom nobody has to wake.
    ``recovery_patience``: seconds that the recovery server may be silent. ``on_reports``: is called with each array of
    ``pricetime.REPORT`` that was applied; ``on_event``: with each ``FeedEvent``. More settings: as of ``Sequencer``,
    such as ``heartbeat_interval`` (0.1 s) and ``silent_after`` (10 intervals): then the state is SILENT after 1 s
    without a heartbeat. Raises FeedUnavailable, InvalidSetting and MemoryError.

    Nothing happens by itself: ``poll`` reads what has come and returns; ``reports`` and ``wait_until`` call it. One
    thread at a time may be inside.
    """

    def __init__(
        self,
        group: str = "239.255.77.1",
        port: int = 7003,
        *,
        interface: str = "127.0.0.1",
        recovery: tuple[str, int] | None = ("127.0.0.1", 7002),
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
        # Until a snapshot names the instruments there is one, without an order.
        known = list(instruments) or [Instrument(0)]
        #: The books, as reports make them.
        self.builder = BookBuilder(known, capacity=capacity, level_capacity=level_capacity)
        #: What puts datagrams in order.
        self.sequencer = Sequencer(1 if recovery is None else None, **settings)
        self._follower = Follower(self.builder, self.sequencer)
        self._follower.on_reports = on_reports
        self.on_event = on_event  #: called with each FeedEvent, in the thread that polls
        self._untaken: deque[Reports] = deque()  # of an iterator that was broken off
        self._socket = join_feed(group, port, interface, receive_buffer_bytes)
        fd = self._socket.fileno()
        self._receiver = Receiver(fd, self.builder, spins) if COMPILED else PlainReceiver(fd, self.builder)
        self._spins = spins
        self._last_datagram: float | None = None
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._recovery = None if recovery is None else Recovery(recovery, self._selector, recovery_patience)

    # ------------------------------------------------------------------ questions

    @property
    def state(self) -> FeedState:
        """How far the books can be trusted, as of the last ``poll``: see ``FeedState``.

        WHOLE: they are the exchange's, which sent a heartbeat lately. Anything else: they are not, or may not be.
        """
        return self.sequencer.state

    @property
    def last_datagram(self) -> float | None:
        """``time.monotonic()`` when the last datagram of the group was read, of any sender; None before the first."""
        return self._last_datagram

    @property
    def seq_num(self) -> int:
        """Of the last report that is in the books."""
        return self.builder.seq_num

    @property
    def statistics(self) -> FeedStatistics:
        """Counts since the feed was joined: datagrams, reports, gaps. They go on counting."""
        return self.sequencer.statistics

    @property
    def instruments(self) -> dict[int, Instrument]:
        """The instruments by id, each with the state that it is in. Raises BookNotWhole."""
        return self._whole().instruments

    @property
    def receive_buffer_bytes(self) -> int:
        """What the kernel holds while nobody reads, as far as the system allowed it."""
        return granted_bytes(self._socket)

    @property
    def recovery_failure(self) -> str:
        """Why the recovery server gave no answer to the last question; empty when it did."""
        return self._recovery.failure if self._recovery is not None else ""

    def book(self, instrument: int) -> OrderBook:
        """The book of an instrument as of ``seq_num``, to look at. Raises BookNotWhole and UnknownInstrument."""
        return self._whole().book(instrument)

    def digest(self) -> int:
        """A u64 over all books: what the exchange's own is at ``seq_num``. O(orders). Raises BookNotWhole."""
        return self._whole().digest()

    def _whole(self) -> BookBuilder:
        if self.state is FeedState.WAITING:
            raise BookNotWhole(
                "there are no books yet: the snapshot has not come. Call poll() until the state is no longer WAITING. "
                + self.recovery_failure
            )
        return self.builder

    # ------------------------------------------------------------------ following the feed

    def poll(self, timeout: float | None = 0.0) -> int:
        """Read what has come and bring the books up to date: how many reports were applied.

        Waits up to ``timeout`` seconds for something to come, or for the feed to fall silent; None for ever. Raises
        OrdersFull and LevelsFull where the exchange's books are larger than these may be, ReportMismatch where a report
        of the recovery server does not fit even the books of a snapshot, and OSError where the socket is broken.
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
        """The reports as they are applied, in arrays of ``pricetime.REPORT``.

        Ends when none was applied for ``timeout`` seconds, None for never. What a caller that breaks off has not taken
        comes first the next time. A snapshot takes the place of the reports that it has: ``on_event`` tells of it.
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
        """Follow the feed until this report is in the books: False when it is not after ``timeout`` seconds.

        The state may be another than WHOLE then: see ``wait_whole``.
        """
        return self._wait(lambda: self.state is not FeedState.WAITING and self.seq_num >= seq_num, timeout)

    def wait_whole(self, timeout: float | None = None) -> bool:
        """Follow the feed until the state is WHOLE: False when it is not after ``timeout`` seconds."""
        return self._wait(lambda: self.state is FeedState.WHOLE, timeout)

    def _wait(self, condition: Callable[[], bool], timeout: float | None) -> bool:
        """Poll until it is true: False when it is not after ``timeout`` seconds."""
        until = None if timeout is None else time.monotonic() + timeout
        while not condition():
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            self.poll(left)
        return True

    def _read(self) -> bool:
        """Read pieces of the feed: was there one?"""
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

    # ------------------------------------------------------------------ what is missing

    def _recover(self, now: float) -> bool:
        """Ask for what is missing, take what is answered: did something come?"""
        recovery, sequencer = self._recovery, self.sequencer
        if recovery is None:
            return False
        asked = recovery.asking
        answers = recovery.step(now)
        for answer in answers:
            self._follower.answer(answer, now)
        if asked and not recovery.asking and not answers:
            sequencer.no_answer(now)
        if not recovery.asking and (wanted := sequencer.wanted(now)) is not None:
            recovery.ask(wanted, now)
            if not recovery.asking:
                sequencer.no_answer(now)
        return bool(answers)

    def _sleep(self, now: float, until: float | None) -> float | None:
        """Seconds until something is due, None when nothing ever is."""
        times = [until, self.sequencer.silent_at, self.sequencer.due() if self._recovery is not None else None]
        times.append(self._recovery.deadline if self._recovery is not None else None)
        due = [time for time in times if time is not None]
        return max(0.0, min(due) - now) if due else None

    def _tell(self) -> None:
        events = self.sequencer.events
        while events and self.on_event is not None:
            self.on_event(events.popleft())

    # ------------------------------------------------------------------ the end

    def close(self) -> None:
        """Leave the feed. The books stay as they are."""
        if self._recovery is not None:
            self._recovery.close()
        self._selector.close()
        self._socket.close()

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
