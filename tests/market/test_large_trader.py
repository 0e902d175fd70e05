"""A large order comes once in a while, and interrupts trading where there is a price range."""

import numpy as np

from pricetime.market.book_view import BookView
from pricetime.market.exchange import RANGE_TICKS
from pricetime.market.large_trader import FIRST_S, LOTS, LargeTrader
from pricetime.market.options import Options
from pricetime.market.traders import seeded
from pricetime.market.working_orders import WorkingOrders
from pricetime.types import COMMAND, CommandType, OrderType, Phase, ReportKind
from tests.market.simulated import SimulatedMarket

BOOK = BookView(((999, 10),), ((1001, 10),))


def sent(seconds: int, book: BookView = BOOK) -> list[int]:
    """The seconds in which it sends an order."""
    trader, orders, found = LargeTrader(seeded(3), 1), WorkingOrders(), []
    for second in range(seconds):
        trader.act(second, book, 1000.0, orders)
        commands = orders.take_commands()
        if len(commands):
            assert commands[["order_type", "quantity"]].tolist() == [(OrderType.MARKET, LOTS)]
            found.append(second)
    return found


def test_it_comes_once_in_a_while() -> None:
    times = sent(4_000)
    assert FIRST_S[0] <= times[0] <= FIRST_S[1] + 1
    assert 10 < len(times) < 40
    assert min(np.diff(times)) >= FIRST_S[0]


def test_it_waits_while_orders_are_collected() -> None:
    assert sent(1_000, BookView(((999, 10),), ((1001, 10),), collects=True)) == []


def interrupted(market: SimulatedMarket) -> bool:
    return market.engine.book(1).phase is Phase.VOLATILITY_AUCTION


def test_it_interrupts_trading_and_an_auction_finds_the_price_again() -> None:
    market = SimulatedMarket(Options(symbols=("A",), rate=60), venue={"dynamic_range": RANGE_TICKS})
    book = market.engine.book(1)
    while not interrupted(market):
        market.step()
        assert market.seconds < 2 * FIRST_S[1]
    assert interrupted(market)
    market.run(5)
    command = np.zeros(1, COMMAND)
    command["type"], command["instrument"] = CommandType.UNCROSS, 1
    market.publish(reports := market.engine.apply(command))
    uncrossed = reports[reports["kind"] == ReportKind.UNCROSSED]
    assert abs(int(uncrossed["price"][0]) - 10_000) < 100
    assert uncrossed["quantity"][0] > 10
    market.run(2)
    assert not interrupted(market)
    assert book.best_bid is not None
    for trader in market.traders.all:
        assert all(order.remaining > 0 for order in trader.orders._orders.values())


def test_a_market_opens_with_an_auction() -> None:
    market = SimulatedMarket(Options(symbols=("A",), rate=60), phase=Phase.OPENING_AUCTION)
    market.run(8)
    book = market.engine.book(1)
    assert book.best_bid > book.best_ask  # type: ignore[operator]
    found = book.indicative()
    assert found is not None
    assert abs(found.price - 10_000) < 30
    assert found.volume > 50
