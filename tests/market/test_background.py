"""The background flow keeps its pace, fills an empty book, and pulls the price towards the fair value."""

import numpy as np

from pricetime.market.background import FIRST_ORDERS, Background
from pricetime.market.batch import Batch
from pricetime.market.book_view import BookView
from pricetime.market.trader import seeded
from pricetime.market.working_orders import WorkingOrders
from pricetime.types import CommandType, Side, TimeInForce

BOOK = BookView(((999, 10),), ((1001, 10),))


def flow(seconds: int, fair_ticks: float = 1000.0, rate: float = 50.0) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """The commands of some seconds before a book that never changes, without those that fill it."""
    background, orders, batch = Background(seeded(3), 1, rate), WorkingOrders(), Batch()
    for step in range(seconds * 10):
        background.act(step / 10, BOOK, fair_ticks, orders, batch)
    return batch.array()[2 * FIRST_ORDERS :]


def test_the_pace() -> None:
    commands = flow(200)
    new = commands[commands["type"] == CommandType.NEW_ORDER]
    assert 0.8 < len(new) / (200 * 50) < 1.25


def test_an_empty_book_is_filled_around_the_fair_value() -> None:
    background, orders, batch = Background(seeded(3), 1, 50.0), WorkingOrders(), Batch()
    background.act(0.0, BookView(), 1000.0, orders, batch)
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
    resting = commands[(commands["type"] == CommandType.NEW_ORDER) & (commands["time_in_force"] == TimeInForce.GTC)]
    assert (resting["price"][resting["side"] == Side.BID] < 1001).all()
    assert (resting["price"][resting["side"] == Side.ASK] > 999).all()
    assert len(np.unique(resting["price"])) > 15


def test_every_order_is_cancelled_after_a_while() -> None:
    background, orders, batch = Background(seeded(3), 1, 50.0), WorkingOrders(), Batch()
    background.act(0.0, BOOK, 1000.0, orders, batch)
    background.act(1_000.0, BOOK, 1000.0, orders, batch)
    cancels = batch.array()
    cancelled = set(cancels["order_id"][cancels["type"] == CommandType.CANCEL_ORDER].tolist())
    assert cancelled >= set(range(1, 2 * FIRST_ORDERS + 1))
