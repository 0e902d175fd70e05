"""The two phases of a market, with every kind of book."""

from collections.abc import Callable
from typing import Any

import pytest

from pricetime import OrderBook, Side
from pricetime.reference import ReferenceBook
from pricetime.tape.market import Book, Market

BID, ASK = Side.BID, Side.ASK


@pytest.fixture(params=[ReferenceBook, OrderBook])
def market(request: pytest.FixtureRequest) -> Market:
    make_book: Callable[[], Book] = request.param
    return Market(make_book)


def enter(market: Market, *orders: tuple[Side, int, int, int]) -> None:
    for side, order_id, price, quantity in orders:
        assert market.side[side].add_order(order_id, side, price, quantity, timestamp=order_id).trades == ()


def ids(book: Any) -> list[int]:
    return [order.id for order in book]


def test_orders_collect_without_trading(market: Market) -> None:
    enter(market, (BID, 1, 105, 5), (ASK, 2, 95, 3), (ASK, 3, 95, 4), (BID, 4, 90, 1))
    assert not market.continuous
    assert market.depth(10) == ([(105, 5, 1), (90, 1, 1)], [(95, 7, 2)])
    assert market.depth(1) == ([(105, 5, 1)], [(95, 7, 2)])
    assert len(market) == 4
    assert not market.crosses(BID, 1000)


def test_it_does_not_open_while_orders_cross_or_touch(market: Market) -> None:
    enter(market, (BID, 1, 100, 5), (ASK, 2, 100, 3))
    assert not market.open()
    assert not market.continuous
    market.side[BID].cancel_order(1)
    assert market.open()
    assert market.continuous


def test_opening_keeps_the_queues_and_all_of_each_order(market: Market) -> None:
    enter(market, (ASK, 2, 101, 3), (BID, 1, 100, 5), (ASK, 3, 101, 4), (BID, 5, 100, 1), (ASK, 4, 102, 9))
    assert market.open()
    assert market.side[BID] is market.side[ASK] is market.book
    assert ids(market.book) == [1, 5, 2, 3, 4]
    assert market.book.order(3) == (3, ASK, 101, 4, 3, 0)
    assert market.depth(10) == ([(100, 6, 2)], [(101, 7, 2), (102, 9, 1)])
    assert len(market) == 5
    assert market.open()


def test_what_crosses_in_continuous_trading(market: Market) -> None:
    enter(market, (BID, 1, 100, 5), (ASK, 2, 102, 3))
    market.open()
    assert [market.crosses(BID, price) for price in (101, 102, 103)] == [False, True, True]
    assert [market.crosses(ASK, price) for price in (99, 100, 101)] == [True, True, False]


def test_nothing_crosses_an_empty_side(market: Market) -> None:
    market.open()
    assert not market.crosses(BID, 2**63 - 1)
    assert not market.crosses(ASK, -(2**63))


def test_collecting_again_parts_the_sides(market: Market) -> None:
    enter(market, (BID, 1, 100, 5), (ASK, 2, 102, 3), (ASK, 3, 102, 1))
    market.open()
    market.collect()
    market.collect()
    enter(market, (BID, 4, 105, 1))
    assert ids(market.side[BID]) == [4, 1]
    assert ids(market.side[ASK]) == [2, 3]
    assert not market.open()


@pytest.mark.parametrize("is_open", [False, True])
def test_clear_empties_both_sides_and_waits_for_an_opening(market: Market, is_open: bool) -> None:
    enter(market, (BID, 1, 100, 5), (ASK, 2, 102, 3))
    if is_open:
        market.open()
    market.clear()
    assert len(market) == 0
    assert not market.continuous
    assert market.depth(10) == ([], [])
