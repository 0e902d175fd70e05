from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from pricetime.load import ahead as ahead_module
from pricetime.load.ahead import Ahead
from pricetime.load.plan import Plan
from tests.load.test_run import flow


def test_plans_are_made_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead_module, "made_before", lambda: 1_000)
    made: list[int] = []
    with Ahead(flow(5_000, chunk=100), made.append) as ahead:
        assert 1_000 <= sum(made) <= 1_100
        plans = [plan for plan in ahead if plan is not None]
    assert b"".join(plan.data.tobytes() for plan in plans) == next(flow(5_000)).data.tobytes()
    assert sum(made) == 5_000


def test_an_interrupt_while_plans_are_made() -> None:
    here, threads = threading.current_thread(), threading.active_count()

    class Interrupted(threading.Condition):
        def wait(self, timeout: float | None = None) -> bool:
            if threading.current_thread() is here:
                raise KeyboardInterrupt
            return super().wait(timeout)

    ahead = Ahead(flow(1_000_000, chunk=100))
    ahead._changed = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        ahead.__enter__()
    assert threading.active_count() == threads


def test_there_is_memory_for_some_orders() -> None:
    assert ahead_module.made_before() >= 1 << 20


def test_plans_that_nobody_takes_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead_module, "made_before", lambda: 1_000)
    threads = threading.active_count()
    with Ahead(flow(1_000_000, chunk=100)):
        assert threading.active_count() == threads + 1
    assert threading.active_count() == threads


def test_what_goes_wrong_in_making_plans_comes_out() -> None:
    def broken() -> Iterator[Plan]:
        yield from flow(10)
        raise ValueError("no more")

    with Ahead(broken()) as ahead, pytest.raises(ValueError, match="no more"):
        list(ahead)
