"""All pages are shown the same sample, the history goes on without a page, and a slow page delays no other."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pricetime.core.instrument import Instrument
from pricetime.exchange.control.places import Places
from pricetime.web import pages as module
from pricetime.web.market import Frame, Market
from pricetime.web.pages import MOST_ANSWERS, Pages, Viewer, parse
from pricetime.web.sandbox import Refused
from pricetime.web.sessions import SHOWN, Sessions
from tests.web.market import ASK, BID, FakeExchange, add

PATIENCE_S = 30.0


class Gone(Exception):
    """The page is closed."""


class FakeWire:
    """A page: it receives messages and sends the requests of ``ask``."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.asked: asyncio.Queue[str | Exception] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()

    async def send_text(self, data: str) -> None:
        await self.takes.wait()
        self.got.append(json.loads(data))

    async def receive_text(self) -> str:
        asked = await self.asked.get()
        if isinstance(asked, Exception):
            raise asked
        return asked

    def ask(self, **asked: object) -> None:
        self.asked.put_nowait(json.dumps(asked))

    def leave(self) -> None:
        """Close the page. Its unread requests are lost."""
        while not self.asked.empty():
            self.asked.get_nowait()
        self.asked.put_nowait(Gone())

    def of(self, kind: str) -> list[Any]:
        return [message for message in self.got if message["type"] == kind]

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.005)


class Desk:
    """An exchange and its pages."""

    def __init__(self, sandbox: Any = None) -> None:
        self.exchange = FakeExchange([Instrument(1, symbol="ABC"), Instrument(2, symbol="XYZ")])
        self.market = Market(self.exchange, self.exchange.instruments)
        self.samples = 0
        frame = self.market.frame

        def counted(looked_at: Any) -> Frame:
            self.samples += 1
            return frame(looked_at)

        self.market.frame = counted  # type: ignore[method-assign]
        self.pages = Pages(self.market, Sessions(lambda: None), sandbox, Places(3), {"version": "1", "sandbox": None})

    @asynccontextmanager
    async def page(self) -> AsyncIterator[FakeWire]:
        wire = FakeWire()
        serving = asyncio.create_task(self.pages.serve(wire))
        try:
            await wire.until(lambda: wire.of("hello") or serving.done())
            yield wire
        finally:
            wire.leave()
            with pytest.raises(Gone):
                await serving


def played(play: Callable[[Desk], Awaitable[None]], desk: Desk | None = None) -> None:
    """Run a play on a desk whose pages are served."""

    async def run() -> None:
        stage = desk or Desk()
        ticking = asyncio.create_task(stage.pages.run())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await play(stage)
            assert not ticking.done()
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)

    asyncio.run(run())


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HERTZ", 200)


def test_without_a_page_only_the_history_is_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HISTORY_EVERY_S", 0.01)

    async def play(desk: Desk) -> None:
        samples = 0
        sample = desk.market.sample_alone

        def counted(seconds: int) -> None:
            nonlocal samples
            samples += 1
            sample(seconds)

        desk.market.sample_alone = counted  # type: ignore[method-assign]
        while samples < 3:
            await asyncio.sleep(0.01)
        assert desk.samples == 0
        async with desk.page() as page:
            await page.until(lambda: len(page.of("frame")) > 2)
        frames, before = desk.samples, samples
        while samples < before + 3:
            await asyncio.sleep(0.01)
        assert desk.samples == frames
        assert len(desk.pages) == 0
        assert desk.market.history(1)["points"]

    played(play)


def test_trades_are_read_between_two_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HERTZ", 0.1)

    async def play(desk: Desk) -> None:
        desk.exchange.send(add(1, BID, 100, 10))
        async with desk.page() as page:
            await page.until(lambda: page.of("frame"))
            desk.exchange.send(add(2, ASK, 100, 4))
            await page.until(lambda: desk.market.listed[1].tape)
            assert desk.samples == 1

    played(play)


def test_all_pages_are_shown_the_same_sample() -> None:
    async def play(desk: Desk) -> None:
        desk.exchange.send(add(1, BID, 100, 10))
        async with desk.page() as one, desk.page() as two, desk.page() as three:
            assert desk.pages.full("")
            await three.until(lambda: len(three.of("frame")) > 10)
            frames = [page.of("frame") for page in (one, two, three)]
            common = set.intersection(*({frame["at"] for frame in page} for page in frames))
            assert common
            assert max(map(len, frames)) <= desk.samples
            assert frames[0][-1]["book"]["bids"] == [[100, 10, 1]]
            assert frames[2][-1]["pages"] == 3

    played(play)


def test_a_slow_page_misses_frames_and_delays_no_other() -> None:
    async def play(desk: Desk) -> None:
        async with desk.page() as slow, desk.page() as other:
            slow.takes.clear()
            before, seen = len(slow.got), len(other.of("frame"))
            await other.until(lambda: len(other.of("frame")) > seen + 20)
            assert len(slow.got) == before
            desk.exchange.send(add(1, BID, 100, 10))
            await other.until(lambda: other.of("frame")[-1]["sequence"] == 1)
            slow.takes.set()
            await slow.until(lambda: slow.of("frame") and slow.of("frame")[-1]["sequence"] == 1)
            assert len(slow.got) < before + 10  # the newest, not all that it has missed
        assert desk.pages.counts["dropped"] >= 15

    played(play)


def test_a_page_that_takes_nothing_for_long_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALL_S", 0.05)

    async def play(desk: Desk) -> None:
        wire = FakeWire()
        wire.takes.clear()
        with pytest.raises(TimeoutError):
            await desk.pages.serve(wire)
        assert len(desk.pages) == 0

    played(play)


def test_another_instrument() -> None:
    async def play(desk: Desk) -> None:
        desk.exchange.send(add(1, BID, 7, 1, instrument=2))
        async with desk.page() as page:
            await page.until(lambda: page.of("frame"))
            page.ask(do="show", instrument=2)
            await page.until(lambda: page.of("history"))
            await page.until(lambda: page.of("frame")[-1]["book"]["instrument"] == 2)
            assert page.of("history")[0]["instrument"] == 2
            assert page.of("frame")[-1]["book"]["bids"] == [[7, 1, 1]]

    played(play)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "this server takes no orders from the page"),
        ("[]", "this server takes no orders from the page"),
        ("{", "this server takes no orders from the page"),
        ("[" * 4000, "this server takes no orders from the page"),
        ('{"do":"order"}', "this server takes no orders from the page"),
        ('{"do":["order"],"request":{}}', "this server takes no orders from the page"),
        ('{"do":"show"}', "no such instrument"),
        ('{"do":"show","instrument":[]}', "no such instrument"),
        ('{"do":"show","instrument":77}', "no such instrument"),
        ('{"do":"show","instrument":1e400}', "no such instrument"),
    ],
)
def test_what_makes_no_sense_is_answered_and_does_no_harm(text: str, error: str) -> None:
    async def play(desk: Desk) -> None:
        async with desk.page() as page:
            page.asked.put_nowait(text)
            await page.until(lambda: page.of("answer"))
            assert page.of("answer")[0]["error"].startswith(error)
            frames = len(page.of("frame"))
            await page.until(lambda: len(page.of("frame")) > frames)

    played(play)


class FakeSandbox:
    """Refuses orders without a price."""

    version = 1

    def add(self, asked: Any) -> int:
        if "price" not in asked:
            raise Refused("price: give a whole number")
        return 7

    def cancel(self, asked: Any) -> int:
        return int(asked["id"])

    def cancel_all(self) -> int:
        return 3

    def news(self) -> dict[str, Any]:
        return {"version": self.version}


def news(page: FakeWire) -> list[Any]:
    """The sandbox's news in the frames so far."""
    return [frame["sandbox"] for frame in page.of("frame") if "sandbox" in frame]


def test_orders_go_to_the_sandbox_and_its_news_come_once() -> None:
    sandbox = FakeSandbox()

    async def play(desk: Desk) -> None:
        async with desk.page() as page:
            page.ask(do="order", request=1)
            page.ask(do="order", request=2, price="5")
            page.ask(do="cancel", request=3, id=9)
            page.ask(do="cancel all", request=4)
            page.ask(do="fly", request="x")
            await page.until(lambda: len(page.of("answer")) == 5)
            assert page.of("answer") == [
                {"type": "answer", "request": 1, "error": "price: give a whole number"},
                {"type": "answer", "request": 2, "id": 7},
                {"type": "answer", "request": 3, "id": 9},
                {"type": "answer", "request": 4, "id": 3},
                {"type": "answer", "request": 0, "error": "no such request"},
            ]
            await page.until(lambda: len(page.of("frame")) > 5)
            assert news(page) == [{"version": 1}]
            sandbox.version = 2
            await page.until(lambda: news(page) == [{"version": 1}, {"version": 2}])

    played(play, Desk(sandbox))


def test_a_page_that_asks_too_much_waits() -> None:
    async def play(desk: Desk) -> None:
        async with desk.page() as page:
            for _ in range(200):
                page.ask(do="show", instrument=1)
            await page.until(lambda: len(page.of("history")) >= module.ASKED_AT_ONCE)
            assert len(page.of("history")) < 100

    played(play)


def test_answers_that_are_not_taken_do_not_pile_up() -> None:
    async def play(desk: Desk) -> None:
        async with desk.page() as page:
            page.takes.clear()
            for _ in range(100):
                page.ask(do="show", instrument=1)
            (viewer,) = desk.pages._viewers
            await page.until(lambda: len(viewer.answers) == MOST_ANSWERS)
            await asyncio.sleep(0.05)
            assert len(viewer.answers) == MOST_ANSWERS
            page.takes.set()

    played(play)


def test_of_frames_only_the_newest_waits() -> None:
    viewer = Viewer(1)
    frames = [Frame({"n": n}, {}) for n in range(5)]
    for frame in frames:
        viewer.offer(frame)
    assert viewer.frame is frames[-1]
    assert viewer.dropped == 4


def test_sessions_as_they_come_and_go() -> None:
    sessions = Sessions(lambda: None)
    for owner in range(1, 40):
        sessions.note(1, owner, owner * 1_000_000)
    sessions.note(2, 39, 0)
    sessions.note(3, 38, 0)  # a login was refused: the session that is there goes on
    rows = sessions.rows()
    assert rows["count"] == 38
    assert rows["newest"][0] == {"owner": 38, "name": "", "since": 38}
    assert len(rows["newest"]) == SHOWN


def test_parse_takes_objects_alone() -> None:
    assert parse('{"do":1}') == {"do": 1}
    assert parse("7") == parse('"do"') == parse("null") == parse("1" * 4096) == {}
