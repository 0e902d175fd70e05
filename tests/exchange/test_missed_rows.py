"""A server that is killed while it makes up for missed rows of a schedule: the next start does the rest of them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from pricetime.exchange.control.schedule import Interruption, Schedule
from pricetime.exchange.settings.timetable import Row, Timetable
from pricetime.types import CommandType, Phase, TimeInForce
from tests.exchange.control.test_schedule import DAY, ns
from tests.exchange.io.test_phases import answer
from tests.exchange.kept import Kept
from tests.exchange.orders import ASK, BID, new

SETTINGS = {"indicative_interval_ms": 0, "expiry_interval_ms": 3_600_000}

#: Rows that the start of Tuesday, 10:00, makes up for, and the expiry of Monday.
STEPS = 6


class Outcome(NamedTuple):
    phase: Phase
    digest: int
    done_ns: int
    feed: bytes


def make_up(here: Kept, most: int = STEPS + 1) -> int:
    """Take the steps that are due on Tuesday at 10:00, at most so many. Returns how many there were."""
    timetable = Timetable([Row.parse(row) for row in DAY], "Europe/Berlin")
    schedule = Schedule(timetable, Interruption(120), lambda most: most / 2)
    now_ns = ns("tue 10:00")
    schedule.start(now_ns, here.exchange.phase(1), here.exchange.scheduled_ns[1])
    done = 0
    while done < most and (step := schedule.take(now_ns)) is not None:
        answer(here, step.command, 1, 0 if step.command is CommandType.EXPIRE else step.phase, due_ns=step.due_ns)
        schedule.see(now_ns, here.exchange.phase(1))
        done += 1
    return done


def monday(folder: Path) -> None:
    """A journal that ends on Monday in continuous trading."""
    here = Kept(folder, **SETTINGS)
    for due, phase in (("mon 08:50", Phase.OPENING_AUCTION), ("mon 09:00", Phase.CONTINUOUS)):
        command = CommandType.UNCROSS if phase is Phase.CONTINUOUS else CommandType.SET_PHASE
        answer(here, command, 1, phase, due_ns=ns(due))
    client = here.client(1)
    client.ask(new(1, BID, 100), new(2, ASK, 105), new(3, BID, 99, time_in_force=TimeInForce.DAY))
    here.kill()


def outcome(here: Kept) -> Outcome:
    state = here.exchange.engine.states()[0]
    feed = here.exchange.store
    reports = feed.array(1, feed.next_sequence - 1)
    phase = Phase(int(state["phase"]))
    found = Outcome(phase, here.exchange.digest(), int(state["scheduled_ns"]), np.ascontiguousarray(reports).tobytes())
    here.kill()
    return found


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("whole") / "journal"
    monday(folder)
    here = Kept(folder, **SETTINGS)
    assert make_up(here) == STEPS
    found = outcome(here)
    assert (found.phase, found.done_ns) == (Phase.CONTINUOUS, ns("tue 09:00"))
    return found


@pytest.mark.parametrize("snapshot", [False, True], ids=["journal", "snapshot"])
@pytest.mark.parametrize("done", range(STEPS + 1))
def test_the_next_start_makes_up_for_the_rest(tmp_path: Path, expected: Outcome, done: int, snapshot: bool) -> None:
    monday(tmp_path / "journal")
    here = Kept(tmp_path / "journal", **SETTINGS)
    assert make_up(here, done) == done
    here.follow(snapshot=snapshot)
    here.kill()
    again = Kept(tmp_path / "journal", **SETTINGS)
    make_up(again)
    assert outcome(again) == expected


def test_a_start_that_is_killed_after_each_row(tmp_path: Path, expected: Outcome) -> None:
    monday(tmp_path / "journal")
    while make_up(here := Kept(tmp_path / "journal", **SETTINGS), 2):
        here.kill()
    assert outcome(here) == expected
