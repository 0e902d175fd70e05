"""The clock: sends what schedules say, and tells them what happens."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from pricetime.exchange.control import clock as module
from pricetime.exchange.control import commands
from pricetime.exchange.control.clock import Clock
from pricetime.exchange.control.commands import Commands
from pricetime.exchange.control.schedule import Interruption, Schedule
from pricetime.exchange.exchange import Exchange
from pricetime.exchange.settings.timetable import Row, Timetable
from pricetime.types import CommandType, Phase, Reason
from tests.exchange.control.test_schedule import DAY, ns
from tests.exchange.exchange import FakeExchange
from tests.exchange.loops import Events


class Venue:
    """Two instruments: the first has a schedule, both end their volatility auctions."""

    def __init__(
        self, now: str = "mon 07:00", phase: Phase = Phase.CLOSED, recovered: str | None = "mon 06:59"
    ) -> None:
        self.exchange = FakeExchange()
        self.exchange.phases = {1: phase, 2: Phase.CONTINUOUS}
        self.exchange.scheduled_ns = dict.fromkeys((1, 2), ns(recovered) if recovered else 0)
        self.events = Events()
        self.now_ns = ns(now)

    def run(self, work: Callable[["Venue"], Awaitable[None]]) -> None:
        async def main() -> None:
            exchange = cast(Exchange, self.exchange)
            rows = {1: DAY, 2: ()}
            schedules = {
                number: Schedule(
                    Timetable([Row.parse(row) for row in rows[number]], "Europe/Berlin"),
                    Interruption(120),
                    lambda most: most / 2,
                )
                for number in rows
            }
            self.clock = Clock(exchange, Commands(exchange), schedules, self.events.log, lambda: self.now_ns)
            await self.clock.start()
            running = asyncio.create_task(self.clock.run())
            try:
                await work(self)
            finally:
                running.cancel()

        asyncio.run(main())

    async def at(self, now: str) -> list[object]:
        """The commands that are sent at this time."""
        self.now_ns = ns(now)
        before = len(self.exchange.told)
        self.clock.advance()
        await self.settle()
        return self.exchange.told[before:]

    async def settle(self) -> None:
        await asyncio.sleep(0)
        for _ in range(1000):
            if not self.clock._busy:
                return
            await asyncio.sleep(0.001)
        raise AssertionError("the clock does not come to its end")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "POLL_S", 0.0)
    monkeypatch.setattr(module, "TICK_S", 0.001)


def test_a_day() -> None:
    async def work(venue: Venue) -> None:
        assert await venue.at("mon 07:59:59") == []
        assert await venue.at("mon 08:00:00") == [("set_phase", 1, "PRE_OPEN")]
        assert await venue.at("mon 08:50:00") == [("set_phase", 1, "OPENING_AUCTION")]
        assert await venue.at("mon 09:00:15") == [("uncross", 1, "CONTINUOUS")]
        assert await venue.at("mon 17:30:00") == [("set_phase", 1, "CLOSING_AUCTION")]
        assert await venue.at("mon 17:35:00") == [("uncross", 1, "CLOSED"), ("expire", 1)]

    venue = Venue()
    venue.run(work)
    said = venue.events.of("schedule")
    assert said[0]["step"] == "mon-fri 08:00 pre-open"
    assert said[0]["phase"] == "PRE_OPEN"
    assert (said[2]["price"], said[2]["quantity"], said[2]["surplus"]) == (100, 40, 7)
    assert said[-1]["expired"] == 3


def test_what_was_missed_is_made_up_for_at_the_start() -> None:
    async def work(venue: Venue) -> None:
        assert venue.exchange.told == [
            ("set_phase", 1, "CLOSING_AUCTION"), ("uncross", 1, "CLOSED"), ("expire", 1), ("set_phase", 1, "PRE_OPEN"),
        ]  # fmt: skip

    Venue("tue 08:10", Phase.CONTINUOUS, "mon 12:00").run(work)


def test_a_first_start_begins_in_the_phase_of_this_time() -> None:
    async def work(venue: Venue) -> None:
        assert venue.exchange.told == [("set_phase", 1, "CONTINUOUS")]

    Venue("tue 11:00", Phase.HALTED, None).run(work)


def test_a_volatility_interruption_of_any_instrument_ends() -> None:
    async def work(venue: Venue) -> None:
        for instrument, minute in ((1, 0), (2, 10)):
            venue.exchange.begin(instrument, Phase.VOLATILITY_AUCTION)
            assert await venue.at(f"mon 10:{minute:02}:00") == []
            assert await venue.at(f"mon 10:{minute + 1:02}:59") == []
            assert await venue.at(f"mon 10:{minute + 2:02}:00") == [("uncross", instrument, "CONTINUOUS")]

    Venue("mon 09:30", Phase.CONTINUOUS, "mon 09:29").run(work)


def test_what_is_rejected_is_logged_and_the_schedule_goes_on() -> None:
    async def work(venue: Venue) -> None:
        venue.exchange.rejects = {CommandType.SET_PHASE: Reason.MUST_UNCROSS}
        assert await venue.at("mon 08:00:00") == [("set_phase", 1, "PRE_OPEN")]
        venue.exchange.rejects = {}
        assert await venue.at("mon 08:50:00") == [("set_phase", 1, "OPENING_AUCTION")]

    venue = Venue()
    venue.run(work)
    assert venue.events.of("schedule")[0]["rejected"] == "MUST_UNCROSS"
    assert venue.events.of("schedule")[0]["level"] == "error"


def test_an_exchange_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "COMMAND_TIMEOUT_S", 0.01)

    async def work(venue: Venue) -> None:
        venue.exchange.stuck = True
        await venue.at("mon 08:00:00")
        venue.exchange.stuck = False
        assert await venue.at("mon 08:50:00") == [("set_phase", 1, "OPENING_AUCTION")]

    venue = Venue()
    venue.run(work)
    assert "not executed within" in venue.events.of("schedule")[0]["error"]


def test_changes_while_a_step_is_under_way_are_noted_at_its_end() -> None:
    async def work(venue: Venue) -> None:
        venue.now_ns = ns("mon 09:00:15")
        venue.clock.advance()
        venue.exchange.begin(1, Phase.OPENING_AUCTION)
        venue.clock.advance()
        await venue.settle()
        venue.exchange.begin(1, Phase.HALTED)
        assert await venue.at("mon 17:40:00") == [], "the halt suspends the timetable"

    Venue("mon 08:55", Phase.OPENING_AUCTION, "mon 08:54").run(work)
