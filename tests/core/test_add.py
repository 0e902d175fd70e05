"""Plain limit orders: what rests, what trades, at which price and in which order."""

from typing import Any

from pricetime.execution import Trade
from pricetime.types import Order, Side
from tests.books import I64_MAX, I64_MIN, U64, ask, bid, ladder


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


def test_extreme_ids_prices_and_quantities(book: Any) -> None:
    huge = 2**63 - 1
    bid(book, 0, I64_MIN, huge, owner=2**32 - 1, timestamp=U64)
    ask(book, U64, I64_MAX, huge)
    assert book.order(0) == Order(0, Side.BID, I64_MIN, huge, U64, 2**32 - 1)
    assert (book.best_bid, book.best_ask) == (I64_MIN, I64_MAX)
    assert bid(book, 1, I64_MAX, huge - 1) == (Trade(U64, 1, I64_MAX, huge - 1),)
    assert ask(book, 2, I64_MIN, 3) == (Trade(0, 2, I64_MIN, 3),)
    assert ladder(book) == ([(I64_MIN, huge - 3, 1)], [(I64_MAX, 1, 1)])
