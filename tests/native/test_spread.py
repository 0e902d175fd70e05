"""The number that spreads order ids: even, drawn anew, and without influence on any result."""

import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

import pricetime
from pricetime.core import shared_books as engine
from pricetime.native.spread import LARGEST_QUOTIENT, QUOTIENTS, continued_fraction, id_multiplier
from pricetime.tape.flow import generate


def test_continued_fraction() -> None:
    assert continued_fraction(415, 93) == [4, 2, 6, 7]
    value = Fraction(0)
    for quotient in reversed(continued_fraction(123_456_789, 1 << 30)):
        value = 1 / (quotient + value) if value else Fraction(1, quotient) if quotient else Fraction(0)
    assert 1 / value == Fraction(123_456_789, 1 << 30)


def test_it_is_odd_and_its_first_quotients_are_small() -> None:
    number = id_multiplier()
    assert number % 2 == 1
    assert number < 1 << 64
    assert max(continued_fraction(number, 1 << 64)[1 : QUOTIENTS + 1]) <= LARGEST_QUOTIENT


def test_blocks_that_count_up_lie_evenly() -> None:
    """Of a thousand blocks in a row no two come much closer than their mean distance."""
    places = sorted(block * id_multiplier() % (1 << 64) for block in range(1000))
    closest = min(b - a for a, b in pairwise(places))
    assert closest * 1000 > (1 << 64) / (LARGEST_QUOTIENT + 2)


def test_each_process_draws_its_own() -> None:
    code = "from pricetime.native.spread import id_multiplier; print(id_multiplier())"
    drawn = {subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(3)}
    assert len(drawn) == 3


def test_no_result_depends_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = np.concatenate(list(generate("balanced", 3000, seed=3)))
    outcomes = []
    for multiplier in (1, 3, 2**63 + 1, id_multiplier()):
        monkeypatch.setattr(engine, "id_multiplier", lambda multiplier=multiplier: multiplier)
        book = pricetime.OrderBook(5000)
        outcomes.append((book.apply(flow).tobytes(), book.digest(), [*book]))
        book.check()
    assert all(outcome == outcomes[0] for outcome in outcomes)
