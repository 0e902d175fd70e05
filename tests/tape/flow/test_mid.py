from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime.tape.flow.mid import START, Mid, Path
from tests.tape.flow.flows import market

balanced = market("balanced")


def obvious(before: int, mid: list[int], bid: bool, price: int, since: int) -> int:
    """The first arrival after ``since`` whose mid is across the price while the one before it was not."""
    for arrival in range(since + 1, len(mid)):
        was, now = (mid[arrival - 1] if arrival else before), mid[arrival]
        if (was > price >= now) if bid else (was <= price < now):
            return arrival
    return -1


@given(
    before=st.integers(90, 110),
    steps=st.lists(st.integers(-4, 4), min_size=1, max_size=30),
    orders=st.lists(st.tuples(st.booleans(), st.integers(60, 140), st.integers(-1, 29)), max_size=20),
)
def test_the_mid_runs_over_an_order_when_it_crosses_its_price(
    before: int, steps: list[int], orders: list[tuple[bool, int, int]]
) -> None:
    mid = np.cumsum([before, *steps])[1:]
    path = Path(before, mid)
    orders = [(bid, price, min(since, len(steps) - 1)) for bid, price, since in orders if path.low <= price < path.high]
    bid, price, since = (np.array([order[i] for order in orders]) for i in range(3))
    found = path.run_over(bid.astype(bool), price.astype(np.int64), since.astype(np.int64))
    assert found.tolist() == [obvious(before, mid.tolist(), *order) for order in orders]


@given(st.integers(60, 140), st.booleans())
def test_nothing_outside_the_range_of_the_path_is_crossed(price: int, bid: bool) -> None:
    mid = [103, 99, 104, 104, 97]
    path = Path(100, np.array(mid))
    if not path.low <= price < path.high:
        assert obvious(100, mid, bid, price, -1) == -1


@pytest.mark.parametrize("upward", [0.0, 0.5, 1.0])
def test_the_mid_stays_in_its_span_and_uses_it(upward: float) -> None:
    mid = Mid(replace(balanced, moves=0.5, jump=3, upward=upward, span=50))
    rng = np.random.default_rng(1)
    paths = [mid.walk(rng, 1_000) for _ in range(50)]
    seen = np.concatenate([path.mid for path in paths])
    assert seen.min() == START - 50
    assert seen.max() == START + 50
    assert np.abs(np.diff(seen)).max() < 60


def test_paths_join() -> None:
    mid = Mid(replace(balanced, moves=0.5, jump=3, span=50))
    rng = np.random.default_rng(1)
    before = mid.at
    for _ in range(20):
        path = mid.walk(rng, 10)
        assert path.low <= before <= path.high
        before = int(path.mid[-1])
    assert before == mid.at
