"""The index of price levels against ``sorted``: prices over all of i64, levels made and removed."""

import random
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime import COMPILED, OrderBook, OrderType, Side
from tests.books import I64_MAX, I64_MIN, ladder

STEPS = 5_000 if COMPILED else 500

#: How many low bits of a price vary: each range makes a different tree.
SPREADS = [1, 3, 6, 7, 12, 13, 18, 30, 36, 42, 54, 59, 60, 61, 63, 64]


def clamp(price: int) -> int:
    return max(I64_MIN, min(I64_MAX, price))


class Levels:
    """One order at each level, its id the place of the price in the order of making, beside a plain dict."""

    def __init__(self, capacity: int = 256) -> None:
        self.book = OrderBook(capacity)
        self.capacity = capacity
        self.live: dict[Side, dict[int, int]] = {Side.BID: {}, Side.ASK: {}}
        self.ids = iter(range(1 << 60))

    def __len__(self) -> int:
        return len(self.live[Side.BID]) + len(self.live[Side.ASK])

    def make(self, side: Side, price: int) -> None:
        """A level at a price that crosses nothing, or one more lot for the one that is there."""
        order_id = next(self.ids)
        if price in self.live[side]:
            self.book.replace_order(self.live[side][price], price, 1)
            return
        assert self.book.add_order(order_id, side, price, 1).trades == ()
        self.live[side][price] = order_id

    def remove(self, side: Side, price: int) -> None:
        assert self.book.cancel_order(self.live[side].pop(price)) == 1

    def take(self, side: Side, count: int) -> None:
        """Take the best levels of a side."""
        best = self.prices(side)[:count]
        taker = Side(3 - side)
        trades = self.book.add_order(next(self.ids), taker, 0, count, order_type=OrderType.MARKET).trades
        assert [trade.price for trade in trades] == best
        for price in best:
            del self.live[side][price]

    def move(self, side: Side, price: int, to: int) -> None:
        """Replace the order of a level into a new one."""
        order_id = self.live[side].pop(price)
        assert self.book.replace_order(order_id, to, 1).trades == ()
        self.live[side][to] = order_id

    def prices(self, side: Side) -> list[int]:
        return sorted(self.live[side], reverse=side is Side.BID)

    def touch(self) -> None:
        bids, asks = self.live[Side.BID], self.live[Side.ASK]
        assert self.book.best_bid == max(bids, default=None)
        assert self.book.best_ask == min(asks, default=None)

    def whole(self) -> None:
        self.book.check()
        bids, asks = ladder(self.book)
        assert bids == [(price, 1, 1) for price in self.prices(Side.BID)]
        assert asks == [(price, 1, 1) for price in self.prices(Side.ASK)]


def wander(rng: random.Random, levels: Levels, side: Side, draw: Callable[[], int]) -> Iterator[int]:
    """Make and remove levels of one side at random; more of them, then fewer, then more again."""
    for turn in range(STEPS):
        fuller = turn // 200 % 2 == 0
        here = list(levels.live[side])
        if len(here) < 200 and (not here or rng.random() < (0.7 if fuller else 0.3)):
            levels.make(side, draw())
        elif rng.random() < 0.1:
            levels.take(side, rng.randint(1, 5))
        elif rng.random() < 0.2 and (to := draw()) not in levels.live[side]:
            levels.move(side, rng.choice(here), to)
        else:
            levels.remove(side, rng.choice(here))
        yield turn


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("spread", SPREADS)
def test_levels_within_a_range_anywhere(spread: int, side: Side) -> None:
    rng = random.Random(f"{spread} {side}")
    levels = Levels()
    base = rng.randrange(I64_MIN, I64_MAX)
    for turn in wander(rng, levels, side, lambda: clamp(base ^ rng.getrandbits(spread))):
        levels.touch()
        if turn % 16 == 0:
            levels.whole()
    levels.whole()


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("end", [I64_MIN, -1, 0, I64_MAX])
def test_levels_around_an_end(end: int, side: Side) -> None:
    """Close to both ends of i64 and to zero, near and far at once."""
    rng = random.Random(f"{end} {side}")
    levels = Levels()
    sign = {I64_MIN: [1], I64_MAX: [-1]}.get(end, [1, -1])

    def draw() -> int:
        return clamp(end + rng.choice(sign) * rng.getrandbits(rng.choice([2, 7, 20, 40, 63])))

    for turn in wander(rng, levels, side, draw):
        levels.touch()
        if turn % 16 == 0:
            levels.whole()
    levels.whole()


@pytest.mark.parametrize("side", Side)
def test_neighbours_of_live_prices(side: Side) -> None:
    """Prices that part from a live one at each place of the tree: nodes split and grow together again."""
    rng = random.Random(f"neighbours {side}")
    levels = Levels()

    def draw() -> int:
        live = list(levels.live[side])
        if not live or rng.random() < 0.05:
            return rng.choice([I64_MIN, I64_MAX, 0, rng.randrange(I64_MIN, I64_MAX)])
        price = rng.choice(live) ^ (rng.randrange(1, 64) << 6 * rng.randrange(11))
        return (price - I64_MIN) % 2**64 + I64_MIN  # as i64

    for turn in wander(rng, levels, side, draw):
        levels.touch()
        if turn % 8 == 0:
            levels.whole()
    levels.whole()


@pytest.mark.parametrize("step_bits", [2, 8, 20, 45, 60])
def test_the_touch_wanders_over_the_whole_range(step_bits: int) -> None:
    """A mid goes from one end of i64 to the other, to and fro on its way, and takes what it meets of both sides."""
    rng = random.Random(f"touch {step_bits}")
    levels = Levels()
    mid = I64_MIN
    for turn in range(STEPS):
        mid = clamp(mid + 2**64 // STEPS + rng.randint(-(1 << step_bits), 1 << step_bits))
        for side in Side:
            sign = -1 if side is Side.BID else 1
            crossed = [price for price in levels.live[side] if sign * (price - mid) <= 0]
            if crossed:
                levels.take(side, len(crossed))
        for side in Side:
            sign = -1 if side is Side.BID else 1
            price = mid + sign * (1 + rng.getrandbits(rng.choice([1, 6, 13, step_bits])))
            if I64_MIN <= price <= I64_MAX and len(levels) < levels.capacity:
                levels.make(side, price)
        if len(levels) > 200:
            side = rng.choice([side for side in Side if levels.live[side]])
            levels.remove(side, levels.prices(side)[-1])
        levels.touch()
        if turn % 32 == 0:
            levels.whole()
    levels.whole()


@pytest.mark.parametrize("side", Side)
def test_a_ladder_climbed_from_end_to_end(side: Side) -> None:
    """The best price at every power of two, both ways, with one level left far behind."""
    levels = Levels()
    climb = sorted({clamp(sign * 2**bit + offset) for sign in (1, -1) for bit in range(64) for offset in (-1, 0, 1)})
    for prices in (climb, climb[::-1]):
        for low, high in pairwise(prices):
            levels.make(side, low)
            levels.make(side, high)
            levels.touch()
            levels.remove(side, low)
            levels.touch()
            levels.whole()
            levels.remove(side, high)
    assert len(levels.book) == 0


i64 = st.integers(I64_MIN, I64_MAX)


@given(
    prices=st.lists(i64 | st.integers(-200, 200) | st.sampled_from([I64_MIN, I64_MAX]), max_size=60, unique=True),
    side=st.sampled_from(Side),
    order=st.randoms(use_true_random=False),
)
def test_any_prices_made_and_removed_in_any_order(prices: list[int], side: Side, order: random.Random) -> None:
    levels = Levels(64)
    for price in prices:
        levels.make(side, price)
        levels.touch()
    levels.whole()
    order.shuffle(prices)
    for i, price in enumerate(prices):
        levels.remove(side, price)
        levels.touch()
        if i % 4 == 0:
            levels.whole()
    assert len(levels.book) == 0
