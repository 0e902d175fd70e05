"""What counts as a stall of the machine, and that every processor is measured."""

import os
import time

import pytest
from click.testing import CliRunner

from benchmarks import stalls


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Times that the clock tells, one after the other."""
    times: list[int] = []
    monkeypatch.setattr(time, "perf_counter_ns", lambda: times.pop(0))
    return times


def test_only_gaps_above_the_limit_count(clock: list[int]) -> None:
    limit = stalls.STALL_NS
    gaps = [50, limit, limit + 1, 50, 5 * limit, 10**9]
    clock += [sum(gaps[:n]) for n in range(len(gaps) + 1)]
    seen = stalls.look(1.0)
    assert seen.each_ns == [limit + 1, 5 * limit, 10**9]
    assert seen.seconds == sum(gaps) / 1e9


def test_what_is_said_of_them() -> None:
    seen = stalls.Stalls(4.0, [7_900_000] + [1_848_718] * 39)
    assert str(seen) == "10.0 a second over 100 us on each processor, 2.00 % of the time, the longest 7.9 ms"


def test_every_processor_is_looked_at_and_left() -> None:
    before = os.sched_getaffinity(0)
    seen = stalls.measure(0.02)
    assert seen.seconds >= 0.02 * len(before)
    assert os.sched_getaffinity(0) == before


def test_the_command() -> None:
    ran = CliRunner().invoke(stalls.main, ["--seconds", "0.01"])
    assert ran.exit_code == 0
    assert ran.output.startswith("stalls: ")
    assert "of the time" in ran.output
