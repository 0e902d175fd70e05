"""The comparison finds real differences, and none in noise."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.statistics import TOLERANCE, compare


def noisy(ns: float, rng: np.random.Generator, rounds: int = 15, noise: float = 0.02) -> NDArray[np.float64]:
    """Times around ``ns``: a little noise, always upwards, as a busy machine makes it."""
    return ns * (1 + rng.exponential(noise, rounds))


def test_the_same_times_are_no_difference() -> None:
    found = compare([100, 101, 99, 100, 102], [100, 101, 99, 100, 102])
    assert (found.ratio, found.low, found.high) == (1, 1, 1)
    assert not found.real
    assert not found.regression
    assert found.verdict == "no difference shown"


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.15, "regression"), (0.85, "faster"), (1 + TOLERANCE / 2, "slower"), (1, "no difference shown")],
)
def test_a_difference_is_real_and_a_large_one_is_a_regression(factor: float, verdict: str) -> None:
    rng = np.random.default_rng(1)
    found = compare(noisy(100, rng, noise=0.004), noisy(100 * factor, rng, noise=0.004))
    assert found.verdict == verdict
    assert found.low <= found.ratio <= found.high
    assert found.ratio == pytest.approx(factor, rel=0.01)


def test_noise_alone_is_hardly_ever_called_a_difference() -> None:
    rng = np.random.default_rng(2)
    real = [compare(noisy(100, rng), noisy(100, rng)).real for _ in range(100)]
    assert sum(real) <= 4


def test_a_large_difference_is_found_under_noise() -> None:
    rng = np.random.default_rng(3)
    found = [compare(noisy(100, rng, noise=0.05), noisy(120, rng, noise=0.05)).regression for _ in range(30)]
    assert sum(found) >= 29


def test_what_slows_both_turns_of_a_round_cancels_out() -> None:
    rng = np.random.default_rng(4)
    burst = rng.choice([1.0, 3.0], 15)
    found = compare(noisy(100, rng, noise=0.002) * burst, noisy(110, rng, noise=0.002) * burst)
    assert found.regression
    assert found.high < 1.12


def test_a_spoiled_round_changes_little() -> None:
    rng = np.random.default_rng(5)
    base, current = noisy(100, rng, noise=0.002), noisy(100, rng, noise=0.002)
    current[[3, 9]] *= 10
    assert compare(base, current).verdict == "no difference shown"


def test_swapped_sides_give_the_inverse() -> None:
    rng = np.random.default_rng(6)
    base, current = noisy(100, rng), noisy(130, rng)
    there, back = compare(base, current), compare(current, base)
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert there.low == pytest.approx(1 / back.high, rel=0.01)


def test_more_confidence_is_a_wider_interval() -> None:
    rng = np.random.default_rng(7)
    base, current = noisy(100, rng), noisy(100, rng)
    narrow, wide = compare(base, current, confidence=0.8), compare(base, current, confidence=0.999)
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(("base", "current"), [([1.0] * 4, [1.0] * 4), ([1.0] * 6, [1.0] * 5), ([], [])])
def test_what_are_no_pairs_or_too_few_is_refused(base: list[float], current: list[float]) -> None:
    with pytest.raises(ValueError, match="pairs"):
        compare(base, current)
