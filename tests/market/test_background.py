"""The background flow keeps its pace, fills an empty book, and pulls the price towards the fair value."""

import numpy as np

from pricetime.market.background import FIRST_ORDERS, Background
from pricetime.market.book_view import BookView
from pricetime.market.traders import seeded
from pricetime.market.working_orders import WorkingOrders
from pricetime.types import ORDER_EXTENSION, CommandType, OrderType, Side, TimeInForce

BOOK = BookView(((999, 10),), ((1001, 10),))


def flow(seconds: int, fair_ticks: float = 1000.0, rate: float = 50.0) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """The commands of some seconds before a book that never changes, without those that fill it."""
    background, orders = Background(seeded(3), 1, rate), WorkingOrders()
    for step in range(seconds * 10):
        background.act(step / 10, BOOK, fair_ticks, orders)
    return orders.take_commands()[2 * FIRST_ORDERS :]


def test_the_pace() -> None:
    commands = flow(200)
    new = commands[commands["type"] == CommandType.NEW_ORDER]
    assert 0.8 < len(new) / (200 * 50) < 1.25


def test_an_empty_book_is_filled_around_the_fair_value() -> None:
    background, orders = Background(seeded(3), 1, 50.0), WorkingOrders()
    background.act(0.0, BookView(), 1000.0, orders)
    bids = [order.price for order in orders.of(1, Side.BID)]
    asks = [order.price for order in orders.of(1, Side.ASK)]
    assert len(bids) >= FIRST_ORDERS
    assert len(asks) >= FIRST_ORDERS
    assert max(bids) < 1000 < min(asks)


def test_takers_buy_more_often_below_the_fair_value() -> None:
    def bought(fair_ticks: float) -> float:
        commands = flow(100, fair_ticks)
        takers = commands[commands["time_in_force"] == TimeInForce.IOC]
        return float((takers["side"] == Side.BID).mean())

    assert bought(1010.0) > 0.75
    assert bought(990.0) < 0.25
    assert 0.4 < bought(1000.0) < 0.6


def test_resting_orders_do_not_cross_the_book() -> None:
    commands = flow(100)
    limits = (commands["type"] == CommandType.NEW_ORDER) & (commands["order_type"] == OrderType.LIMIT)
    resting = commands[limits & (commands["time_in_force"] == TimeInForce.GTC)]
    assert (resting["price"][resting["side"] == Side.BID] < 1001).all()
    assert (resting["price"][resting["side"] == Side.ASK] > 999).all()
    assert len(np.unique(resting["price"])) > 15


def test_every_order_is_cancelled_after_a_while() -> None:
    background, orders = Background(seeded(3), 1, 50.0), WorkingOrders()
    background.act(0.0, BOOK, 1000.0, orders)
    background.act(1_000.0, BOOK, 1000.0, orders)
    cancels = orders.take_commands()
    cancelled = set(cancels["order_id"][cancels["type"] == CommandType.CANCEL_ORDER].tolist())
    assert cancelled >= set(range(1, 2 * FIRST_ORDERS + 1))


def test_some_orders_are_stops_and_icebergs() -> None:
    commands = flow(200)
    extensions = commands[commands["type"] == CommandType.ORDER_EXTENSION].view(ORDER_EXTENSION)
    before = commands[:-1][commands["type"][1:] == CommandType.ORDER_EXTENSION]
    stops = before["order_type"] == OrderType.STOP
    assert 0.015 < stops.sum() / (200 * 50) < 0.06
    assert 0.015 < (~stops).sum() / (200 * 50) < 0.06
    assert (before["quantity"][~stops] == 8 * extensions["display_quantity"][~stops]).all()
    buys = before["side"][stops] == Side.BID
    assert (extensions["trigger_price"][stops][buys] > 1001).all()
    assert (extensions["trigger_price"][stops][~buys] < 999).all()


def test_an_auction_gets_limit_and_market_orders_that_overlap() -> None:
    background, orders = Background(seeded(3), 1, 50.0), WorkingOrders()
    collecting = BookView(((1003, 10),), ((997, 10),), collects=True)
    for step in range(1000):
        background.act(step / 10, collecting, 1000.0, orders)
    commands = orders.take_commands()[2 * FIRST_ORDERS :]
    new = commands[commands["type"] == CommandType.NEW_ORDER]
    assert set(new["time_in_force"].tolist()) == {TimeInForce.GTC}
    market = new["order_type"] == OrderType.MARKET
    assert 0.05 < market.mean() < 0.15
    bids, asks = (new["price"][~market & (new["side"] == side)] for side in Side)
    assert bids.max() > 1005
    assert asks.min() < 995
