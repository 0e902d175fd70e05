"""Plain limit orders: what rests, what trades, at which price and in which order."""

from typing import Any

import pytest

from pricetime.errors import DuplicateOrderId
from pricetime.execution import Trade
from pricetime.types import Order, Side
from tests.books import I64_MAX, I64_MIN, U64, ask, bid, ladder, queue, state


def test_an_empty_book_answers(book: Any) -> None:
    assert len(book) == 0
    assert book.best_bid is None
    assert book.best_ask is None
    assert list(book) == []
    assert ladder(book) == ([], [])
    assert book.orders(Side.BID, 100) == ()
    assert 1 not in book


def test_an_order_that_crosses_nothing_rests(book: Any) -> None:
    assert bid(book, 7, 100, 5, owner=3, timestamp=12) == ()
    assert book.order(7) == Order(7, Side.BID, 100, 5, 12, 3)
    assert book.best_bid == 100
    assert book.best_ask is None
    assert len(book) == 1
    assert 7 in book


def test_both_sides_rest_without_meeting(book: Any) -> None:
    assert bid(book, 1, 99, 5) == ()
    assert ask(book, 2, 100, 5) == ()
    assert (book.best_bid, book.best_ask) == (99, 100)


@pytest.mark.parametrize("side", Side)
def test_equal_quantities_empty_the_book(book: Any, side: Side) -> None:
    book.add_order(1, side, 100, 5)
    assert book.add_order(2, 3 - side, 100, 5).trades == (Trade(1, 2, 100, 5),)
    assert len(book) == 0
    assert (book.best_bid, book.best_ask) == (None, None)
    assert ladder(book) == ([], [])


def test_a_trade_prints_at_the_makers_price(book: Any) -> None:
    ask(book, 1, 100, 5)
    assert bid(book, 2, 110, 5) == (Trade(1, 2, 100, 5),)
    bid(book, 3, 90, 5)
    assert ask(book, 4, 80, 5) == (Trade(3, 4, 90, 5),)


def test_a_partly_filled_maker_keeps_its_place(book: Any) -> None:
    ask(book, 1, 100, 10)
    ask(book, 2, 100, 10)
    assert bid(book, 3, 100, 4) == (Trade(1, 3, 100, 4),)
    assert queue(book, Side.ASK, 100) == [(1, 6), (2, 10)]
    assert bid(book, 4, 100, 7) == (Trade(1, 4, 100, 6), Trade(2, 4, 100, 1))
    assert ladder(book) == ([], [(100, 9, 1)])


def test_the_remainder_of_a_taker_rests_at_its_own_price(book: Any) -> None:
    ask(book, 1, 100, 4)
    assert bid(book, 2, 101, 10, owner=9, timestamp=3) == (Trade(1, 2, 100, 4),)
    assert book.order(2) == Order(2, Side.BID, 101, 6, 3, 9)
    assert (book.best_bid, book.best_ask) == (101, None)


def test_best_price_first_then_first_in_first_out(book: Any) -> None:
    for order_id, price in ((1, 102), (2, 101), (3, 101), (4, 100), (5, 102)):
        ask(book, order_id, price, 1)
    assert [trade.maker_id for trade in bid(book, 9, 102, 5)] == [4, 2, 3, 1, 5]
    for order_id, price in ((1, 98), (2, 99), (3, 99), (4, 100), (5, 98)):
        bid(book, order_id, price, 1)
    assert [trade.maker_id for trade in ask(book, 9, 98, 5)] == [4, 2, 3, 1, 5]


def test_a_taker_stops_at_its_own_price(book: Any) -> None:
    for order_id, price in ((1, 100), (2, 101), (3, 102)):
        ask(book, order_id, price, 10)
    assert bid(book, 9, 101, 25) == (Trade(1, 9, 100, 10), Trade(2, 9, 101, 10))
    assert ladder(book) == ([(101, 5, 1)], [(102, 10, 1)])


def test_an_order_joins_the_back_of_its_level(book: Any) -> None:
    bid(book, 5, 100, 1)
    bid(book, 3, 100, 2)
    bid(book, 4, 100, 3)
    assert queue(book, Side.BID, 100) == [(5, 1), (3, 2), (4, 3)]
    assert ladder(book)[0] == [(100, 6, 3)]


def test_an_id_that_rests_is_refused_and_nothing_changes(book: Any) -> None:
    ask(book, 1, 100, 5)
    bid(book, 2, 99, 5)
    before = state(book)
    for side, price in ((Side.ASK, 100), (Side.BID, 100), (Side.BID, 50)):
        with pytest.raises(DuplicateOrderId):
            book.add_order(1, side, price, 5)
        assert state(book) == before


def test_an_id_may_be_used_again_once_its_order_is_gone(book: Any) -> None:
    ask(book, 1, 100, 5)
    bid(book, 2, 100, 5)  # both are filled
    ask(book, 1, 101, 6)
    book.cancel_order(1)
    bid(book, 1, 90, 7)
    book.reduce_order(1, 7)
    ask(book, 2, 95, 8)
    bid(book, 1, 94, 9)
    assert ladder(book) == ([(94, 9, 1)], [(95, 8, 1)])
    assert book.order(1) == Order(1, Side.BID, 94, 9, 0, 0)


def test_extreme_ids_prices_and_quantities(book: Any) -> None:
    huge = 2**63 - 1
    bid(book, 0, I64_MIN, huge, owner=2**32 - 1, timestamp=U64)
    ask(book, U64, I64_MAX, huge)
    assert book.order(0) == Order(0, Side.BID, I64_MIN, huge, U64, 2**32 - 1)
    assert (book.best_bid, book.best_ask) == (I64_MIN, I64_MAX)
    assert bid(book, 1, I64_MAX, huge - 1) == (Trade(U64, 1, I64_MAX, huge - 1),)
    assert ask(book, 2, I64_MIN, 3) == (Trade(0, 2, I64_MIN, 3),)
    assert ladder(book) == ([(I64_MIN, huge - 3, 1)], [(I64_MAX, 1, 1)])


def test_prices_below_zero_are_prices(book: Any) -> None:
    ask(book, 1, -5, 10)
    ask(book, 2, -6, 10)
    bid(book, 3, -8, 10)
    assert (book.best_bid, book.best_ask) == (-8, -6)
    assert bid(book, 4, -1, 15) == (Trade(2, 4, -6, 10), Trade(1, 4, -5, 5))


def test_one_taker_may_sweep_many_levels(book: Any) -> None:
    makers = [(order_id, 1000 + 7 * order_id) for order_id in range(200)]
    for order_id, price in reversed(makers):
        ask(book, order_id, price, 2)
    trades = bid(book, 999, 5000, 399)
    assert [(trade.maker_id, trade.price) for trade in trades] == makers
    assert sum(trade.quantity for trade in trades) == 399
    assert ladder(book) == ([], [(1000 + 7 * 199, 1, 1)])
