"""What a schedule decides, with times and phases that the test gives."""

from collections.abc import Callable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pricetime.exchange.control.schedule import Interruption, Schedule, Step
from pricetime.exchange.settings.timetable import Row, Timetable
from pricetime.types import CommandType, Phase

SET_PHASE, UNCROSS, EXPIRE = CommandType.SET_PHASE, CommandType.UNCROSS, CommandType.EXPIRE
DAY = (
    "08:00 pre-open", "08:50 opening-auction", "09:00 uncross continuous within 30s", "17:30 closing-auction",
    "17:35 uncross closed",
)  # fmt: skip
ZONE = ZoneInfo("Europe/Berlin")


def ns(text: str) -> int:
    """A time of the week of Monday, 23 November 2026, such as ``mon 08:00:05``; ``mon+`` is the week after."""
    day, clock = text.split()
    number = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].index(day[:3]) + 7 * day.count("+")
    at = datetime.fromisoformat(f"2026-11-23T{clock}").replace(tzinfo=ZONE)
    return int((at.timestamp() + number * 86_400) * 1e9)


class Exchange:
    """An instrument that does what its schedule says. ``told``: the commands, with their phases."""

    def __init__(
        self,
        rows: Sequence[str] = DAY,
        phase: Phase = Phase.CONTINUOUS,
        *,
        draw: Callable[[float], float] = lambda most: most / 2,
        interruption: Interruption | None = None,
    ) -> None:
        timetable = Timetable([Row.parse(row) for row in rows], "Europe/Berlin")
        self.schedule = Schedule(timetable, interruption or Interruption(120, 30), draw)
        self.phase = phase
        self.done_ns = 0
        self.told: list[str] = []

    def start(self, now: str, done: str | None = None) -> list[str]:
        """Start, with the rows until ``done`` in the log. Returns the steps that are due."""
        self.done_ns = ns(done) if done else self.done_ns
        self.schedule.start(ns(now), self.phase, self.done_ns)
        return self.at(now)

    def begin(self, now: str, phase: Phase) -> None:
        """A phase begins for a different reason."""
        self.phase = phase
        self.schedule.see(ns(now), phase)

    def at(self, now: str) -> list[str]:
        """The steps that are due at a time, which are done."""
        found = []
        while (step := self.schedule.take(ns(now))) is not None:
            found.append(self._do(step))
            self.schedule.see(ns(now), self.phase)
        self.told += found
        return found

    def _do(self, step: Step) -> str:
        if step.command is EXPIRE:
            return "expire"
        if step.command is UNCROSS:
            assert self.phase in {
                Phase.PRE_OPEN, Phase.OPENING_AUCTION, Phase.VOLATILITY_AUCTION, Phase.CLOSING_AUCTION,
            }  # fmt: skip
        self.phase = step.phase
        assert step.due_ns >= self.done_ns
        self.done_ns = step.due_ns
        return f"{'uncross ' if step.command is UNCROSS else ''}{step.phase.name}"

    def next_due(self) -> str | None:
        due_ns = self.schedule.next_ns
        return None if due_ns is None else f"{datetime.fromtimestamp(due_ns / 1e9, ZONE):%a %H:%M:%S}".lower()


def test_a_day() -> None:
    exchange = Exchange()
    assert exchange.start("mon 06:00") == ["CLOSED"], "the phase that the timetable has then"
    assert exchange.next_due() == "mon 08:00:00"
    assert exchange.at("mon 07:59:59") == []
    assert exchange.at("mon 08:00:00") == ["PRE_OPEN"]
    assert exchange.at("mon 08:00:00") == []
    assert exchange.at("mon 08:50:01") == ["OPENING_AUCTION"]
    assert exchange.next_due() == "mon 09:00:15", "in the middle of the window"
    assert exchange.at("mon 09:00:14") == []
    assert exchange.at("mon 09:00:15") == ["uncross CONTINUOUS"]
    assert exchange.at("mon 17:30:00") == ["CLOSING_AUCTION"]
    assert exchange.at("mon 17:35:00") == ["uncross CLOSED", "expire"]
    assert exchange.next_due() == "tue 08:00:00"


def test_a_weekend() -> None:
    exchange = Exchange(phase=Phase.CLOSED)
    assert exchange.start("fri 20:00") == ["CLOSED"], "so that the log has the beginning of the schedule"
    assert exchange.next_due() == "mon 08:00:00"
    assert exchange.at("sun 23:59:59") == []
    assert exchange.at("mon+ 08:00:00") == ["PRE_OPEN"]


def test_without_rows_only_interruptions_end() -> None:
    exchange = Exchange(())
    assert exchange.start("mon 06:00") == []
    assert exchange.next_due() is None
    exchange.begin("mon 10:00", Phase.VOLATILITY_AUCTION)
    assert exchange.next_due() == "mon 10:02:15"
    assert exchange.at("mon 10:02:14") == []
    assert exchange.at("mon 10:02:15") == ["uncross CONTINUOUS"]
    assert exchange.next_due() is None


def test_a_random_end_is_inside_its_window() -> None:
    for part in (0.0, 0.25, 0.999999):
        exchange = Exchange(draw=lambda most, part=part: most * part)  # type: ignore[misc]
        exchange.start("mon 08:55")
        due_ns = exchange.schedule.next_ns
        assert due_ns is not None
        assert ns("mon 09:00:00") <= due_ns < ns("mon 09:00:30")


@pytest.mark.parametrize(
    ("phase", "done", "now", "steps", "following"),
    [
        # Nothing became due while the server was down.
        (Phase.PRE_OPEN, "mon 08:10", "mon 08:20", [], "mon 08:50:00"),
        (Phase.CONTINUOUS, "mon 10:00", "mon 10:01", [], "mon 17:30:00"),
        (Phase.OPENING_AUCTION, "mon 08:50", "mon 08:50:01", [], "mon 09:00:15"),
        # Rows that became due meanwhile, each once and in their order.
        (Phase.PRE_OPEN, "mon 08:10", "mon 08:55", ["OPENING_AUCTION"], "mon 09:00:15"),
        (Phase.PRE_OPEN, "mon 08:10", "mon 10:00", ["OPENING_AUCTION", "uncross CONTINUOUS"], "mon 17:30:00"),
        (Phase.CONTINUOUS, "mon 10:00", "mon 20:00", ["CLOSING_AUCTION", "uncross CLOSED", "expire"], "tue 08:00:00"),
        (Phase.CONTINUOUS, "mon 10:00", "tue 10:00",
         ["CLOSING_AUCTION", "uncross CLOSED", "expire", "PRE_OPEN", "OPENING_AUCTION", "uncross CONTINUOUS"],
         "tue 17:30:00"),
        (Phase.CONTINUOUS, "fri 17:00", "sun 12:00", ["CLOSING_AUCTION", "uncross CLOSED", "expire"], "mon 08:00:00"),
        # A window that has begun: the random time is in the rest of it.
        (Phase.OPENING_AUCTION, "mon 08:59", "mon 09:00:10", [], "mon 09:00:20"),
        (Phase.OPENING_AUCTION, "mon 08:50:00", "mon 09:00:30", ["uncross CONTINUOUS"], "mon 17:30:00"),
        (Phase.CONTINUOUS, "mon 09:00:00", "mon 09:00:10", [], "mon 17:30:00"),
        # Killed while rows of the day before were made up for: the rest of them.
        (Phase.OPENING_AUCTION, "mon 08:50:00", "tue 08:10:00",
         ["uncross CONTINUOUS", "CLOSING_AUCTION", "uncross CLOSED", "expire", "PRE_OPEN"], "tue 08:50:00"),
        # The expiry of the day may not have reached the log: it comes before the next row.
        (Phase.CLOSED, "mon 17:35:00", "tue 08:10:00", ["expire", "PRE_OPEN"], "tue 08:50:00"),
        # What the operator did after a row is kept.
        (Phase.PRE_OPEN, "mon 08:52:00", "mon 08:53:00", [], "mon 09:00:15"),
        (Phase.CONTINUOUS, "mon 08:30", "mon 08:31", [], "mon 08:50:00"),
        # A halt by the operator suspends the timetable.
        (Phase.HALTED, "mon 10:00", "tue 10:00", [], "tue 17:30:00"),
        # An interruption takes its whole time again, unless a row is due earlier.
        (Phase.VOLATILITY_AUCTION, "mon 10:00", "mon 10:05", [], "mon 10:07:15"),
        (Phase.VOLATILITY_AUCTION, "mon 17:00", "mon 17:31", ["CLOSING_AUCTION"], "mon 17:35:00"),
        # Never more than a week.
        (Phase.CLOSED, "mon 07:00", "fri+++++ 08:05",
         ["expire",
          *["OPENING_AUCTION", "uncross CONTINUOUS", "CLOSING_AUCTION", "uncross CLOSED", "expire", "PRE_OPEN"] * 5],
         "fri 08:50:00"),
    ],
)  # fmt: skip
def test_a_restart_neither_repeats_nor_skips(
    phase: Phase, done: str, now: str, steps: list[str], following: str
) -> None:
    exchange = Exchange(phase=phase)
    assert exchange.start(now, done) == steps
    assert exchange.next_due() == following


def test_restarts_at_every_time_of_a_day_give_the_same_steps() -> None:
    """However often the server starts again: the same steps in the same order."""
    whole = Exchange(phase=Phase.CLOSED, draw=lambda most: 0.0)
    whole.start("mon 07:59:00", "mon 07:59:00")
    broken = Exchange(phase=Phase.CLOSED, draw=lambda most: 0.0)
    broken.start("mon 07:59:00", "mon 07:59:00")
    for minute in range(8 * 60, 18 * 60, 7):
        now = f"mon {minute // 60:02}:{minute % 60:02}:00"
        whole.at(now)
        again = Exchange(phase=broken.phase, draw=lambda most: 0.0)
        again.told, again.done_ns = broken.told, broken.done_ns
        again.start(now)
        broken = again
    assert broken.told == ["expire", *whole.told]
    assert whole.told == [
        "PRE_OPEN", "OPENING_AUCTION", "uncross CONTINUOUS", "CLOSING_AUCTION", "uncross CLOSED", "expire",
    ]  # fmt: skip


def test_a_halt_by_the_operator_suspends_the_timetable() -> None:
    exchange = Exchange()
    exchange.start("mon 10:00", "mon 09:59")
    exchange.begin("mon 12:00", Phase.HALTED)
    assert exchange.at("mon 17:40") == []
    assert exchange.at("tue 08:30") == []
    exchange.begin("tue 08:40", Phase.PRE_OPEN)
    assert exchange.at("tue 08:50") == ["OPENING_AUCTION"]


def test_a_halt_of_the_timetable_ends_with_it() -> None:
    rows = ("09:00 continuous", "12:00 halted", "13:00 continuous")
    exchange = Exchange(rows)
    exchange.start("mon 10:00", "mon 09:59")
    assert exchange.at("mon 12:00") == ["HALTED"]
    assert exchange.at("mon 13:00") == ["CONTINUOUS"]
    exchange = Exchange(rows, Phase.HALTED)
    assert exchange.start("mon 12:30", "mon 12:10") == []
    assert exchange.at("mon 13:00") == ["CONTINUOUS"]
    exchange = Exchange(rows, Phase.HALTED)
    assert exchange.start("mon 13:30", "mon 12:10") == ["CONTINUOUS"]


def test_an_auction_that_the_operator_ended_is_not_repeated() -> None:
    exchange = Exchange()
    exchange.start("mon 08:55")
    exchange.begin("mon 08:58", Phase.CONTINUOUS)
    assert exchange.at("mon 09:01") == []
    exchange.begin("mon 09:02", Phase.CLOSED)
    assert exchange.at("mon 17:30") == ["CLOSING_AUCTION"]
    exchange.begin("mon 17:31", Phase.CONTINUOUS)
    assert exchange.at("mon 17:35") == ["CLOSED", "expire"], "without an auction, because no orders are collected"


def test_interruptions() -> None:
    exchange = Exchange(draw=lambda most: most)
    exchange.start("mon 10:00", "mon 09:59")
    exchange.begin("mon 10:00:00", Phase.VOLATILITY_AUCTION)
    assert exchange.next_due() == "mon 10:02:30"
    exchange.begin("mon 10:01:00", Phase.VOLATILITY_AUCTION)
    assert exchange.next_due() == "mon 10:02:30", "it began before"
    assert exchange.at("mon 10:02:30") == ["uncross CONTINUOUS"]
    exchange.begin("mon 10:02:30", Phase.VOLATILITY_AUCTION)
    assert exchange.next_due() == "mon 10:05:00", "a second one begins at once"
    exchange.begin("mon 10:03:00", Phase.HALTED)
    assert exchange.at("mon 10:10:00") == [], "the operator ended it"
    assert exchange.next_due() == "mon 17:30:00"


def test_a_row_that_is_due_during_an_interruption_ends_it() -> None:
    exchange = Exchange()
    exchange.start("mon 17:00", "mon 16:59")
    exchange.begin("mon 17:29", Phase.VOLATILITY_AUCTION)
    assert exchange.at("mon 17:30") == ["CLOSING_AUCTION"]
    assert exchange.at("mon 17:32") == []
    assert exchange.at("mon 17:35") == ["uncross CLOSED", "expire"]


def test_the_earlier_of_an_interruption_and_a_row_comes_first() -> None:
    exchange = Exchange()
    exchange.start("mon 17:00", "mon 16:59")
    exchange.begin("mon 17:27", Phase.VOLATILITY_AUCTION)
    assert exchange.at("mon 17:31") == ["uncross CONTINUOUS", "CLOSING_AUCTION"]


def test_an_interruption_without_end_waits_for_the_operator() -> None:
    exchange = Exchange((), interruption=Interruption(0, 30))
    exchange.start("mon 10:00", "mon 09:59")
    exchange.begin("mon 10:00", Phase.VOLATILITY_AUCTION)
    assert exchange.next_due() is None
    assert exchange.at("tue 10:00") == []


def test_a_clock_that_is_set_back_repeats_nothing() -> None:
    exchange = Exchange()
    exchange.start("mon 08:00", "mon 07:00")
    assert exchange.told == ["PRE_OPEN"]
    assert exchange.at("mon 07:30") == exchange.at("mon 08:00") == []
    assert exchange.at("mon 08:50") == ["OPENING_AUCTION"]


def test_a_row_that_repeats_the_interrupted_phase_does_not_end_the_interruption_after_a_restart() -> None:
    exchange = Exchange(("09:00 continuous", "12:00 continuous", "17:00 halted"), Phase.VOLATILITY_AUCTION)
    assert exchange.start("mon 12:05", "mon 09:00") == []
    assert exchange.next_due() == "mon 12:07:15"


def test_an_interruption_without_a_timetable_leaves_no_row() -> None:
    exchange = Exchange(())
    exchange.start("mon 10:00")
    exchange.begin("mon 10:00", Phase.VOLATILITY_AUCTION)
    exchange.at("mon 10:02:15")
    assert exchange.done_ns == 0, "a timetable that it gets later begins with its first start"
