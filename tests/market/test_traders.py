"""Equal seeds give equal decisions, and the market that they make looks like one."""

from decimal import Decimal

import numpy as np
import pytest

from pricetime.market.options import Options
from pricetime.types import Reason, ReportKind
from tests.market.simulated import SimulatedMarket

SHORT = Options(symbols=("A", "B"), rate=60)


def commands(options: Options, seconds: float = 5) -> bytes:
    """Every command of a market, one behind the other."""
    market = SimulatedMarket(options)
    market.run(seconds)
    return np.concatenate(market.sent).tobytes()


def test_equal_seeds_give_equal_command_streams() -> None:
    first, second = commands(SHORT), commands(SHORT)
    assert len(first) > 64 * 500
    assert first == second


def test_other_seeds_give_other_command_streams() -> None:
    assert commands(Options(seed=1)) != commands(Options(seed=2))


@pytest.fixture(scope="module")
def market() -> SimulatedMarket:
    """A minute of one instrument, without the large trader, who moves the price too far."""
    made = SimulatedMarket(Options(symbols=("A",), rate=40))
    assert made.traders.all.pop().name == "large trader"
    made.run(10)
    return made


def test_prices_move_plausibly(market: SimulatedMarket) -> None:
    start = Options().start_ticks(1)
    assert start == 10_000
    book = market.engine.book(1)
    mids, spreads, levels = [], [], []
    for _ in range(100):
        market.run(0.5)
        bids, asks = book.depth(50)
        mids.append((bids["price"][0] + asks["price"][0]) / 2)
        spreads.append(int(asks["price"][0] - bids["price"][0]))
        levels.append(min(len(bids), len(asks)))
    assert 3 <= max(mids) - min(mids) < 200
    assert max(abs(np.diff(mids))) < 15
    assert 1 < np.mean(spreads) < 5
    assert max(spreads) <= 12
    assert min(levels) >= 10


def test_the_traders_know_the_state_of_their_orders(market: SimulatedMarket) -> None:
    market.run(1)
    reports = np.concatenate(market.reports)
    kinds = {ReportKind(kind): int((reports["kind"] == kind).sum()) for kind in np.unique(reports["kind"])}
    assert kinds[ReportKind.TRADE] > 100
    assert kinds[ReportKind.REPLACED] > 100
    rejected = reports[reports["kind"] == ReportKind.REJECTED]
    assert set(rejected["reason"].tolist()) <= {Reason.UNKNOWN_ORDER}  # traded in the same moment
    assert len(rejected) < len(reports) / 100
    for trader in market.traders.all:
        assert abs(trader.orders.position[1]) < 2_000
    market.step()
    resting = len(market.engine.book(1))
    assert abs(resting - sum(len(trader.orders) for trader in market.traders.all)) <= 60  # sent in this step


@pytest.mark.parametrize("unit", ["0.01", "0.25", "1", "1000", "0.000001"])
def test_any_price_unit_gives_a_market(unit: str) -> None:
    market = SimulatedMarket(Options(symbols=("A",), price_unit=Decimal(unit)))
    market.run(1)
    book = market.engine.book(1)
    assert book.best_bid is not None
    assert book.best_ask is not None
    assert 500 < book.best_bid < book.best_ask
