"""All pages that are open, and the loop that samples the market for them.

While pages are open, each gets a frame ten times a second. Between frames new trades are read often, so that their
times are exact to 10 ms. Without a page, the market is sampled once a second for the history.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter, deque
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import PricetimeError
from ..exchange.control.places import Places
from ..exchange.control.token_bucket import TokenBucket
from .market import Frame, Market, compact
from .sandbox import Refused, Sandbox
from .sessions import Sessions

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

#: Frames a second.
HERTZ = 10

#: Pause between two reads of new trades while a page is open: the resolution of their times.
TRADES_EVERY_S = 0.01

#: Pause between two samples while no page is open.
HISTORY_EVERY_S = 1

#: Requests of a page in a second, and in a burst; bytes of a request.
ASKED_PER_S, ASKED_AT_ONCE, ASKED_BYTES = 20, 40, 4096

#: Answers that may wait for a page. While so many wait, its requests are not read.
MOST_ANSWERS = 32

#: The connection to a page is closed if the page takes no data for this long.
STALL_S = 15.0


@dataclass(eq=False)
class Viewer:
    """One page. Only the newest frame waits for it."""

    instrument: int
    frame: Frame | None = None
    dropped: int = 0  #: frames that were replaced before they were sent
    shown: object = None  #: version of the sandbox's news that the page has
    answers: deque[str] = field(default_factory=deque)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, frame: Frame) -> None:
        """Let the newest frame wait, in place of an older one."""
        self.dropped += self.frame is not None
        self.frame = frame
        self.ready.set()

    def answer(self, message: Mapping[str, Any]) -> None:
        """Let an answer wait."""
        self.answers.append(compact(message))
        self.ready.set()


class Pages:
    """``places``: how many pages may be open. ``hello``: what each page is sent first."""

    def __init__(
        self,
        market: Market,
        sessions: Sessions,
        sandbox: Sandbox | None,
        places: Places[Viewer],
        hello: Mapping[str, Any],
    ) -> None:
        self.counts: Counter[str] = Counter()  #: events since the start, by name
        self._market, self._sessions, self._sandbox = market, sessions, sandbox
        self._hello = hello
        self._viewers = places
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._viewers)

    def full(self, address: str) -> bool:
        """Whether there is no room for one more page from an address. Open pages keep their places."""
        return self._viewers.displaced_by(address) is not None

    async def run(self) -> None:
        """Sample the market for as long as the server runs."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if self._viewers:
                self._tick()
            else:
                self._market.sample_alone(HISTORY_EVERY_S)
            pause = 1 / HERTZ if self._viewers else HISTORY_EVERY_S
            due = max(due + pause, loop.time())  # missed samples are not made up for
            await (self._follow_trades(due) if self._viewers else self._wait_for_page(due))

    async def _follow_trades(self, due: float) -> None:
        """Read new trades until the next frame is due."""
        clock = asyncio.get_running_loop().time
        while (left := due - clock()) > TRADES_EVERY_S:
            await asyncio.sleep(TRADES_EVERY_S)
            self._market.read_new_reports()
        await asyncio.sleep(left)

    async def _wait_for_page(self, due: float) -> None:
        """Wait until the next sample is due, or until a page is opened."""
        self._arrived.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(due):
                await self._arrived.wait()

    def _tick(self) -> None:
        frame = self._market.frame({viewer.instrument for viewer in self._viewers})
        os.sched_yield()
        frame.common |= {"sessions": self._sessions.rows(), "pages": len(self._viewers)}
        self.counts["frames"] += 1
        for viewer in self._viewers:
            viewer.offer(frame)

    # ------------------------------------------------------------------ one page

    async def serve(self, wire: WebSocket, address: str = "") -> None:
        """Show the market to one page. Raises what ``wire`` raises if the page closes, TimeoutError if it stalls."""
        viewer = Viewer(next(iter(self._market.listed)))
        viewer.answer({"type": "hello", **self._hello, **self._market.hello(), "hertz": HERTZ})
        self._viewers.enter(viewer, address)
        self._arrived.set()
        sending = asyncio.create_task(self._send(viewer, wire))
        reading = asyncio.create_task(self._read(viewer, wire))
        try:
            await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._viewers.leave(viewer)
            self.counts["dropped"] += viewer.dropped
            sending.cancel()
            reading.cancel()
            ends = await asyncio.gather(sending, reading, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception):
                raise end

    async def _send(self, viewer: Viewer, wire: WebSocket) -> None:
        while True:
            await viewer.ready.wait()
            viewer.ready.clear()
            while viewer.answers:
                await _in_time(wire.send_text(viewer.answers.popleft()))
            viewer.room.set()
            frame, viewer.frame = viewer.frame, None
            if frame is not None and viewer.instrument in frame.books:
                await _in_time(wire.send_text(frame.text(viewer.instrument, self._news(viewer))))
                os.sched_yield()  # a thread that carries orders waits for one page at most, not for all

    def _news(self, viewer: Viewer) -> str:
        """The sandbox's news, encoded; empty if the page has it."""
        if self._sandbox is None or viewer.shown == self._sandbox.version:
            return ""
        viewer.shown = self._sandbox.version
        return f',"sandbox":{compact(self._sandbox.news())}'

    async def _read(self, viewer: Viewer, wire: WebSocket) -> None:
        clock = asyncio.get_running_loop().time
        allowed = TokenBucket(ASKED_PER_S, ASKED_AT_ONCE, clock())
        while True:
            asked = parse(await wire.receive_text())
            await asyncio.sleep(allowed.wait(1, clock()))
            allowed.take(1)
            while len(viewer.answers) >= MOST_ANSWERS:
                viewer.room.clear()
                await viewer.room.wait()
            self.counts["asked"] += 1
            answer = self._do(viewer, asked)
            if answer is not None:
                viewer.answer(answer)

    def _do(self, viewer: Viewer, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Carry out a request of a page: the answer. Its ``request`` is the number that the page gave the request."""
        number = asked.get("request")
        number = number if isinstance(number, int) and abs(number) < 2**53 else 0
        answer: dict[str, Any] = {"type": "answer", "request": number}
        try:
            if asked.get("do") == "show":
                return self._show(viewer, asked.get("instrument"))
            return {**answer, "id": self._trade(asked)}
        except PricetimeError as error:
            return {**answer, "error": str(error)}

    def _show(self, viewer: Viewer, instrument: object) -> Mapping[str, Any]:
        if not isinstance(instrument, int) or instrument not in self._market.listed:
            raise Refused("no such instrument")
        viewer.instrument = instrument
        return self._market.history(instrument)

    def _trade(self, asked: Mapping[str, Any]) -> int:
        if self._sandbox is None:
            raise Refused("this server takes no orders from the page: start it with --http-owner NUMBER")
        match asked.get("do"):
            case "order":
                return self._sandbox.add(asked)
            case "cancel":
                return self._sandbox.cancel(asked)
            case "cancel all":
                return self._sandbox.cancel_all()
        raise Refused("no such request")


def parse(text: str) -> Mapping[str, Any]:
    """A request: an object of JSON, empty if the text is not one."""
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}


async def _in_time(sending: Awaitable[None]) -> None:
    async with asyncio.timeout(STALL_S):
        await sending
