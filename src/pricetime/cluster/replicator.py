"""Appends what a leader writes to its journal to the stream of its partition, in a thread of its own.

    event loop -> journal -> reader -> pages -> stream -> watermark -> event loop

The journal in mapped memory is the queue between the event loop and this thread: the event loop never waits for it. A
page is closed when it is full, or when no page is on its way, so at a low rate a command leaves at once, and at a high
rate the pages fill while others are on their way.

What an acknowledgement or a refusal of the stream means, see ``docs/internals/replication.md``.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, suppress
from typing import NamedTuple

from ..exchange.settings.server_log import Log
from ..log.batch import Batch
from ..log.file_log import FileLog
from ..native.priority import avoid, lower_priority
from .appends import IN_FLIGHT
from .jetstream import JetStreamError
from .link import Link
from .page import Page, pages_of
from .reader import Stored
from .stream import Last
from .tasks import end

#: Commands of a full page. It has room for some more, because checkpoints take room too.
FULL = 1000

#: How often to look for a full page while others are on their way, in seconds.
LOOK_S = 0.001

#: How long the thread sleeps at most without commands, in seconds.
IDLE_S = 0.02

#: So long the stream may seem to end before what it has acknowledged, in seconds.
STALE_S = 30.0

#: Pause after an outcome that is unknown, in seconds.
RETRY_S = 0.1


class Fenced(Exception):
    """A leader of a higher term has written to the stream: this process may not write any more."""


class StreamLost(Exception):
    """The stream does not have what it acknowledged."""


class Flying(NamedTuple):
    """A page that was sent and whose outcome is not known."""

    page: Page
    outcome: asyncio.Future[int]


class Replicator:
    """Runs from ``start`` to ``close``. It fails ``log`` when a leader of a higher term has taken over.

    ``log``: of this term, before its first command. ``record``: the term record in the stream. ``connect``: opens the
    link to NATS, in the thread's own asyncio loop. ``beside``: runs in that loop meanwhile, and is then cancelled.
    ``order_cpus``: the processors of the event loop, which the thread avoids. ``niceness``: of the thread.
    """

    def __init__(
        self,
        log: FileLog,
        record: Stored,
        connect: Callable[[], AbstractAsyncContextManager[Link]],
        events: Log,
        *,
        beside: Callable[[Link], Awaitable[None]],
        order_cpus: Iterable[int] = (),
        niceness: int = 0,
    ) -> None:
        self.failure: str | None = None  #: why it has ended by itself, so that this node leads no more
        self.pages = 0  #: that the stream has acknowledged
        self.retries = 0  #: times that an outcome was unknown
        self.stream_sequence = record.sequence  #: of the last page that the stream has
        self.replicated = record.page.last  #: sequence of the last command that the stream has
        self._log = log
        self._connect = connect
        self._events = events
        self._beside = beside
        self._order_cpus, self._niceness = order_cpus, niceness
        self._term = record.page.term
        self._expected, self._before = record.sequence, record.page.digest  # of the next page
        self._reader = log.reader(record.page.last)
        log.directory.needed = self._reader.position.segment  # the stream may be far behind the snapshots
        self._read = record.page.last
        self._ready: deque[Page] = deque()  # read, and not sent
        self._flying: deque[Flying] = deque()  # in the order of the stream
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._woken = asyncio.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="pricetime-replicator", daemon=True)

    @property
    def unacknowledged(self) -> int:
        """Pages that are on their way. Any thread may read it."""
        return len(self._flying)

    def status(self) -> dict[str, int]:
        """How far it is. Any thread may call it."""
        return {
            "term": self._term,
            "sequence": self._log.last,
            "replicated": self.replicated,
            "stream_sequence": self.stream_sequence,
            "pages": self.pages,
            "unacknowledged_pages": self.unacknowledged,
            "retries": self.retries,
        }

    def step_down(self) -> None:
        """Acknowledge nothing more: the exchange then ends, and this node leads no more. Any thread may call it."""
        self.failure = "it has stepped down"
        self._log.refuse("this node has stepped down")

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread. Commands that the stream does not have by then stay in the journal only."""
        self._ended = True
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        self._log.directory.needed = None
        os.close(self._wake)

    # ------------------------------------------------------------------ the thread

    def _run(self) -> None:
        avoid(self._order_cpus)
        lower_priority(self._niceness)
        try:
            asyncio.run(self._serve())
        except Fenced as error:
            self._events.warning("fenced", meaning="a different node leads", why=str(error))
            self._fail(str(error))
        except Exception as error:
            self._events.error("replication failed", error=repr(error))
            self._fail(str(error) or repr(error))

    def _fail(self, why: str) -> None:
        self.failure = why
        self._log.refuse(f"this node leads no more: {why}")

    async def _serve(self) -> None:
        asyncio.get_running_loop().add_reader(self._wake, self._be_woken)
        async with self._connect() as link:
            tasks = [asyncio.ensure_future(work) for work in (self._replicate(link), self._beside(link), link.watch())]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                await end(tasks)

    def _be_woken(self) -> None:
        with suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        self._woken.set()

    async def _replicate(self, link: Link) -> None:
        if await self._find_place(link) is None:
            return
        while not self._ended:
            while len(self._flying) < IN_FLIGHT and (page := self._next_page()) is not None:
                await self._send(link, page)
            if not self._flying:
                await self._wait_for_commands()
            elif not await self._take_outcomes():
                await self._settle(link)

    async def _find_place(self, link: Link) -> Last | None:
        """Read how the stream ends: what the next page expects. Raises Fenced and StreamLost."""
        last = await self._last(link)
        if last is not None:
            self._compare(last)
            self._expected = last.sequence
        return last

    def _next_page(self) -> Page | None:
        """The next page to send; None if there are no commands, or too few while others are on their way."""
        waiting = self._log.last - self._read
        if not self._ready and waiting and (waiting >= FULL or not self._flying):
            self._fill()
        return self._ready.popleft() if self._ready else None

    def _fill(self) -> None:
        """Read the next commands of the journal, with the checkpoints before them, as pages."""
        batch: Batch = self._reader.read(FULL)
        points = list(batch.checkpoints)
        while points and not len(batch.commands):  # only checkpoints so far: commands follow
            batch = self._reader.read(FULL)
            points += batch.checkpoints
        if not len(batch.commands):
            return
        for page in pages_of(batch._replace(checkpoints=points), self._term, self._read, self._before):
            self._ready.append(page)
            self._before = page.digest
        position = self._reader.position
        self._read, self._log.directory.needed = position.sequence, position.segment

    async def _send(self, link: Link, page: Page) -> None:
        try:
            outcome = await link.stream.append(page, self._expected)
        except JetStreamError as error:  # one before it has failed meanwhile
            outcome = asyncio.get_running_loop().create_future()
            outcome.set_exception(error)
            outcome.exception()
        self._flying.append(Flying(page, outcome))
        self._expected += 1

    async def _wait_for_commands(self) -> None:
        """Sleep until the event loop waits for a command, or for a moment."""
        self._woken.clear()
        if self._log.sleep_replicator(self._wake):
            with suppress(TimeoutError):
                async with asyncio.timeout(IDLE_S):
                    await self._woken.wait()

    async def _take_outcomes(self) -> bool:
        """Wait for the first outcome, or for a moment, and take all that are there, in order.

        Returns False if one is not an acknowledgement.
        """
        await asyncio.wait({self._flying[0].outcome}, timeout=LOOK_S)
        while self._flying and (outcome := self._flying[0].outcome).done():
            if outcome.exception() is not None:
                return False
            flying = self._flying.popleft()
            self._acknowledge(flying, flying.outcome.result())
        return True

    def _acknowledge(self, flying: Flying, sequence: int) -> None:
        self.pages += 1
        self.stream_sequence = sequence
        self.replicated = flying.page.last
        self._log.replicate(flying.page.last)

    async def _settle(self, link: Link) -> None:
        """A page was refused, or its outcome is unknown: read how the stream ends, and send again what it has not.

        Raises Fenced if a leader of a higher term has written to the stream.
        """
        self.retries += 1
        await asyncio.wait({flying.outcome for flying in self._flying})
        before = self.pages
        if await self._find_place(link) is None:
            return
        if self.pages == before:
            await asyncio.sleep(RETRY_S)
        again, self._flying = [flying.page for flying in self._flying], deque()
        for page in again:
            await self._send(link, page)

    async def _last(self, link: Link) -> Last | None:
        """How the stream ends, as soon as JetStream answers; None if the replicator ends before.

        A server that has lost its majority may answer for a moment with an older end. Raises StreamLost if it stays.
        """
        deadline_s = time.monotonic() + STALE_S
        while not self._ended:
            try:
                last = await link.stream.last()
            except JetStreamError:
                deadline_s = time.monotonic() + STALE_S
            else:
                if last.stored is not None and last.stored.page.last >= self.replicated:
                    return last
                if time.monotonic() > deadline_s:
                    raise StreamLost(f"the stream has lost commands that it acknowledged, up to {self.replicated}")
            await asyncio.sleep(RETRY_S)
        return None

    def _compare(self, last: Last) -> None:
        """Take the pages that the stream has as acknowledged. Raises Fenced."""
        assert last.stored is not None
        newest = last.stored.page
        if newest.term > self._term:
            raise Fenced(f"a node with term {newest.term} has written to the stream, and this node has {self._term}")
        while self._flying and self._flying[0].page.last <= newest.last:
            self._acknowledge(self._flying.popleft(), last.stored.sequence)
