"""The four steps give identical reports, so the benchmark compares speed alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.reference_step import ReferenceStep
from benchmarks.steps import BOOK, HASHED, SORTED, compiled
from pricetime import OrderBook
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.tape.flow import PRESETS, Flow, generate, prelude
from pricetime.types import COMMAND, CommandType, ReportKind, Side

pytestmark = pytest.mark.compiled

I64_MIN, I64_MAX = -(2**63), 2**63 - 1


@pytest.fixture(scope="module")
def alternatives() -> list[type[Any]]:
    compiled(HASHED)
    from benchmarks.alternatives.hashed_levels import HashedLevels
    from benchmarks.alternatives.sorted_levels import SortedLevels

    return [HashedLevels, SortedLevels]


def small(name: str) -> Flow:
    """A preset with a book that the reference can follow."""
    return replace(PRESETS[name], resting=min(PRESETS[name].resting, 2_000))


@pytest.mark.parametrize("name", PRESETS)
def test_all_steps_report_the_same_of_every_preset(name: str) -> None:
    flow, count = small(name), 1_500
    reference = ReferenceStep(1 << 20)
    books = [compiled(step)() for step in (HASHED, SORTED, BOOK)]
    for commands in prelude(flow, seed=5):
        reference.fill(commands)
        for book in books:
            assert (book.apply(commands)["kind"] == ReportKind.ACCEPTED).all()
    commands = np.concatenate(list(generate(flow, count, seed=5, chunk=500)))
    expected = reference.apply(commands)
    assert len(expected) >= count
    assert (expected["kind"] == ReportKind.TRADE).any()
    for book in books:
        assert_same(book.apply(commands), expected)
        assert len(book) == len(reference)


@pytest.mark.parametrize("seed", range(5))
def test_alternatives_follow_every_rule_but_self_trade_prevention(seed: int, alternatives: list[type[Any]]) -> None:
    """Every type of command with every fault, few ids, few prices, and room for few orders and fewer levels."""
    commands = any_commands(np.random.default_rng(seed), 3_000)
    expected = apply(ReferenceBook(12, level_capacity=6), commands)
    assert set(np.unique(expected["kind"])) >= {1, 2, 3, 4, 5, 7}
    for alternative in alternatives:
        assert_same(alternative(12, 6).apply(commands), expected)


def any_commands(rng: np.random.Generator, count: int) -> NDArray[np.void]:
    commands = np.zeros(count, COMMAND)
    commands["type"] = rng.integers(CommandType.NEW_ORDER, CommandType.REPLACE_ORDER_AS, count, endpoint=True)
    commands["type"][rng.random(count) < 0.5] = CommandType.NEW_ORDER
    commands["side"] = rng.choice([0, 1, 2, 3], count, p=[0.02, 0.48, 0.48, 0.02])
    commands["time_in_force"] = rng.integers(0, 5, count, endpoint=True)
    commands["time_in_force"][rng.random(count) < 0.5] = 0
    commands["flags"] = rng.integers(0, 1, count, endpoint=True)
    commands["order_id"] = rng.integers(1, 30, count)
    prices = np.array([I64_MIN, I64_MIN + 1, -5000, -1, 0, 1, 2, 3, 5000, I64_MAX - 1, I64_MAX])
    commands["price"] = rng.choice(prices, count)
    sizes = np.array([0, 1, 2, 3, 10, 2**62, 2**63 - 1, 2**63], np.uint64)
    commands["quantity"] = rng.choice(sizes, count, p=[0.02, 0.3, 0.3, 0.2, 0.1, 0.03, 0.03, 0.02])
    commands["owner"] = rng.integers(0, 3, count)
    commands["timestamp"] = rng.integers(0, 2**63, count)
    return commands


def test_alternatives_refuse_self_trade_prevention(alternatives: list[type[Any]]) -> None:
    commands = any_commands(np.random.default_rng(0), 1)
    commands["type"], commands["side"], commands["time_in_force"], commands["quantity"] = 1, Side.BID, 0, 1
    commands["flags"] = 2
    for alternative in alternatives:
        assert alternative(8, 8).apply(commands)["reason"].tolist() == [5]


@pytest.mark.parametrize("apart", [1, 7, 10_000])
def test_thousands_of_levels_come_and_go(apart: int, alternatives: list[type[Any]]) -> None:
    """Chunks fill, split, empty and join; gaps are within a scan and beyond it."""
    others, book = [alternative(6_000, 6_000) for alternative in alternatives], OrderBook(6_000)
    for commands in coming_and_going(np.random.default_rng(apart), apart):
        expected = book.apply(commands)
        assert (expected["kind"] == ReportKind.TRADE).sum() > 1_000
        for other in others:
            assert_same(other.apply(commands), expected)


def coming_and_going(rng: np.random.Generator, apart: int) -> Iterator[NDArray[np.void]]:
    """Orders all over 4,000 prices, cancels of some, which come back, and sweeps. What is left meets the next round."""
    for count in (4_000, 2_000, 5_000):
        adds = np.zeros(count, COMMAND)
        adds["type"] = CommandType.NEW_ORDER
        adds["order_id"] = rng.permutation(count)
        adds["side"] = rng.integers(1, 2, count, endpoint=True)
        away = apart * rng.integers(1, 2_000, count, endpoint=True)
        adds["price"] = np.where(adds["side"] == Side.BID, -away, away)
        adds["quantity"] = 1
        cancels = adds[rng.permutation(count)[: count // 4]].copy()
        cancels["type"] = CommandType.CANCEL_ORDER
        again = adds[np.isin(adds["order_id"], cancels["order_id"])]
        sweeps = np.zeros(200, COMMAND)
        sweeps["type"], sweeps["time_in_force"] = CommandType.NEW_ORDER, 4
        sweeps["order_id"] = count + np.arange(sweeps.size)
        sweeps["side"] = rng.integers(1, 2, sweeps.size, endpoint=True)
        sweeps["quantity"] = rng.integers(1, 30, sweeps.size)
        yield np.concatenate([adds, cancels, again, sweeps])


def assert_same(found: NDArray[np.void], expected: NDArray[np.void]) -> None:
    assert len(found) == len(expected)
    differing = np.flatnonzero(found != expected)
    assert not differing.size, f"report {differing[0]}: {found[differing[0]]} for {expected[differing[0]]}"


@pytest.mark.parametrize("make", [HASHED, SORTED, BOOK], ids=lambda step: step.name)
def test_single_orders_are_timed_without_changing_what_they_do(make: Any) -> None:
    timed, applied = compiled(make)(), compiled(make)()
    from benchmarks.inside import time_each, used_bytes

    commands = next(generate("cancel-heavy", 2_000, seed=1))
    ticks = time_each(timed, commands)
    applied.apply(commands)
    assert ticks.shape == commands.shape
    assert (ticks > 0).all()
    assert len(timed) == len(applied) > 0
    assert used_bytes(timed) == used_bytes(applied) > 64 * len(applied)
    following = next(generate("balanced", 500, seed=1))
    assert_same(timed.apply(following), applied.apply(following))
