"""Medians, percentiles and ratios of runs."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from benchmarks import lanes, rounds
from benchmarks.lanes import ReferenceLane, Turn
from benchmarks.rounds import Figures, base_of, measure, no_collector
from benchmarks.steps import BOOK, HASHED, REFERENCE, Step
from benchmarks.workloads import Workload, load


def figures(step: Step, *turns: Turn, repeats: bool = True) -> Figures:
    made = Figures("balanced", step, repeats)
    for turn in turns:
        made.add(turn)
    return made


def turn(orders: int, taken_ns: int, *each_ns: float) -> Turn:
    return Turn(orders, taken_ns, np.array(each_ns or (1.0,)))


def test_rates_are_medians_over_the_turns() -> None:
    found = figures(BOOK, turn(10, 1_000), turn(10, 2_000), turn(20, 10_000))
    assert found.ns_per_order == [100, 200, 500]
    assert found.ns == 200
    assert found.m_orders == 5


def test_times_faster_compares_turns_of_one_round() -> None:
    slow = figures(REFERENCE, turn(1, 1_000), turn(1, 8_000), turn(1, 1_000), repeats=False)
    fast = figures(BOOK, turn(1, 10), turn(1, 80), turn(1, 20))  # the second round met a busy machine
    assert fast.times_faster(slow) == 100
    assert slow.times_faster(slow) == 1
    assert base_of([fast, slow]) is slow
    assert base_of([fast]) is None


def test_percentiles_are_of_single_orders() -> None:
    found = figures(BOOK, turn(1, 1, *range(1, 1_001)))
    assert [found.percentile_ns(which) for which in (50, 99, 99.9, 100)] == [501, 991, 1_000, 1_000]


def test_an_interruption_is_not_always_slow() -> None:
    found = figures(BOOK, turn(1, 1, 50, 9_000, 70), turn(1, 1, 60, 80, 9_000), turn(1, 1, 9_000, 90))
    assert found.percentile_ns(100) == 9_000
    assert found.slowest_always_ns == 80
    assert figures(REFERENCE, turn(1, 1, 5), repeats=False).slowest_always_ns is None


def test_steps_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    class Recorder:
        repeats = True

        def __init__(self, step: Step, _: Workload) -> None:
            self.name = step.name

        def take_turn(self, limit_ns: int) -> Turn:
            assert limit_ns == 7
            assert not gc.isenabled()
            order.append(self.name)
            return turn(1, len(order))

    monkeypatch.setattr(rounds, "lane_of", Recorder)
    advanced: list[int] = []
    found = measure(Workload("any", [], []), [HASHED, BOOK], 3, 7, lambda: advanced.append(1))
    assert order == ["hashed-levels", "book"] * 3
    assert [figure.ns_per_order for figure in found] == [[1, 3, 5], [2, 4, 6]]
    assert len(advanced) == 6
    assert gc.isenabled()


def test_the_collector_comes_back_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), no_collector():
        _ = 1 / 0
    assert gc.isenabled()


def test_the_reference_goes_on_and_starts_over_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "REFERENCE_BATCH", 50)
    lane = ReferenceLane(load("adds", 120, seed=1))
    first = [len(next(lane.coming)) for _ in range(3)]
    assert first == [50, 50, 20]
    lane = ReferenceLane(load("cancels", 120, seed=1))
    taken = lane.take_turn(1)
    assert (taken.orders, len(taken.each_ns)) == (50, 50)
    assert len(lane.book) == 20
    assert lane.run_batches(1)[0] == 20
    assert len(lane.book) == 0
    assert lane.run_batches(1)[0] == 50
    assert len(lane.book) == 70
