"""All pages that are open: one look at the exchange for all of them, at every tick, and none while there is no page."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter, deque
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..buckets import TokenBucket
from ..places import Places
from .market import Frame, Market, compact
from .sandbox import Refused, Sandbox
from .sessions import Sessions

#: Frames a second.
HERTZ = 10

#: What a page may ask for in a second, and at once. A message has at most so many bytes.
ASKED_PER_S, ASKED_AT_ONCE, ASKED_BYTES = 20, 40, 4096

#: Answers that wait for a page; what it asks for is not read while there are so many.
MOST_ANSWERS = 32

#: A page that takes nothing for so long is gone.
STALL_S = 15.0


class Wire(Protocol):
    """A connection to a page."""

    async def send_text(self, data: str) -> None:
        """Returns when more may be sent."""

    async def receive_text(self) -> str:
        """Raises when the page is gone."""


@dataclass(eq=False)
class Viewer:
    """One page. Of frames only the newest waits for it."""

    instrument: int
    frame: Frame | None = None
    dropped: int = 0  #: frames that it was too slow for
    shown: object = None  #: version of the sandbox's news that it has
    answers: deque[str] = field(default_factory=deque)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    room: asyncio.Event = field(default_factory=asyncio.Event)

    def offer(self, frame: Frame) -> None:
        """The newest frame takes the place of one that was not sent."""
        self.dropped += self.frame is not None
        self.frame = frame
        self.ready.set()

    def answer(self, message: Mapping[str, Any]) -> None:
        self.answers.append(compact(message))
        self.ready.set()


class Pages:
    """Those who look. ``places``: for how many of them there is room."""

    def __init__(
        self,
        market: Market,
        sessions: Sessions,
        sandbox: Sandbox | None,
        places: Places[Viewer],
        hello: Mapping[str, Any],
    ) -> None:
        self.counts: Counter[str] = Counter()  #: what happened here so far, by name
        self._market, self._sessions, self._sandbox = market, sessions, sandbox
        self._hello = hello
        self._viewers = places
        self._somebody = asyncio.Event()

    def __len__(self) -> int:
        return len(self._viewers)

    def full(self, address: str) -> bool:
        """No room for another page from an address? One that is open keeps its place."""
        return self._viewers.displaced_by(address) is not None

    async def run(self) -> None:
        """Tick, for as long as somebody looks; for ever."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if not self._viewers:
                self._market.rest()
                self._somebody.clear()
                await self._somebody.wait()
                due = loop.time()
            self._tick()
            due = max(due + 1 / HERTZ, loop.time())  # a tick that was missed is not made up for
            await asyncio.sleep(due - loop.time())

    def _tick(self) -> None:
        frame = self._market.frame({viewer.instrument for viewer in self._viewers})
        os.sched_yield()
        frame.common |= {"sessions": self._sessions.rows(), "pages": len(self._viewers)}
        self.counts["frames"] += 1
        for viewer in self._viewers:
            viewer.offer(frame)

    # ------------------------------------------------------------------ one page

    async def serve(self, wire: Wire, address: str = "") -> None:
        """Show the market to one page. Raises what ``wire`` raises when it is gone, TimeoutError when it stalls."""
        viewer = Viewer(next(iter(self._market.listed)))
        viewer.answer({"type": "hello", **self._hello, **self._market.hello(), "hertz": HERTZ})
        self._viewers.enter(viewer, address)
        self._somebody.set()
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

    async def _send(self, viewer: Viewer, wire: Wire) -> None:
        while True:
            await viewer.ready.wait()
            viewer.ready.clear()
            while viewer.answers:
                await _in_time(wire.send_text(viewer.answers.popleft()))
            viewer.room.set()
            frame, viewer.frame = viewer.frame, None
            if frame is not None and viewer.instrument in frame.books:
                await _in_time(wire.send_text(frame.text(viewer.instrument, self._news(viewer))))
                os.sched_yield()  # as behind a look: who carries orders waits for one page at most, not for all

    def _news(self, viewer: Viewer) -> str:
        """Of the sandbox, where the page does not have it yet."""
        if self._sandbox is None or viewer.shown == self._sandbox.version:
            return ""
        viewer.shown = self._sandbox.version
        return f',"sandbox":{compact(self._sandbox.news())}'

    async def _read(self, viewer: Viewer, wire: Wire) -> None:
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
        """What a page asks for: the answer to it."""
        ticket = asked.get("ticket")
        ticket = ticket if isinstance(ticket, int) and abs(ticket) < 2**53 else 0
        answer: dict[str, Any] = {"type": "answer", "ticket": ticket}
        try:
            if asked.get("do") == "look":
                return self._look(viewer, asked.get("instrument"))
            return {**answer, "id": self._trade(asked)}
        except Refused as error:
            return {**answer, "error": str(error)}

    def _look(self, viewer: Viewer, instrument: object) -> Mapping[str, Any]:
        if not isinstance(instrument, int) or instrument not in self._market.listed:
            raise Refused("no such instrument")
        viewer.instrument = instrument
        return self._market.history(instrument)

    def _trade(self, asked: Mapping[str, Any]) -> int:
        if self._sandbox is None:
            raise Refused("this server has no sandbox: start it with --http-owner NUMBER")
        match asked.get("do"):
            case "order":
                return self._sandbox.add(asked)
            case "cancel":
                return self._sandbox.cancel(asked)
            case "cancel all":
                return self._sandbox.cancel_all()
        raise Refused("no such request")


def parse(text: str) -> Mapping[str, Any]:
    """What a page sent: an object of JSON, or nothing that is of any use."""
    try:
        asked = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return asked if isinstance(asked, dict) else {}


async def _in_time(sending: Awaitable[None]) -> None:
    async with asyncio.timeout(STALL_S):
        await sending
