"""Full arenas: an order that finds no room is refused with a reason, and the book stays as it was."""

from typing import Any

import pytest

from pricetime.errors import LevelQuantityFull, LevelsFull, OrdersFull
from pricetime.execution import Trade
from pricetime.types import MAX_QUANTITY, ReplacePolicy, Side, TimeInForce
from tests.books import ask, bid, ladder, queue, state


def test_orders_full(make_book: Any) -> None:
    book = make_book(2)
    bid(book, 1, 100, 5)
    ask(book, 2, 110, 5)
    before = state(book)
    for post_only in (False, True):
        with pytest.raises(OrdersFull):
            bid(book, 3, 100, 5, post_only=post_only)
    with pytest.raises(OrdersFull):  # it might fill, but it might rest
        bid(book, 3, 110, 5)
    assert state(book) == before
    assert bid(book, 3, 110, 2, time_in_force=TimeInForce.IOC) == (Trade(2, 3, 110, 2),)
    book.cancel_order(1)
    assert bid(book, 3, 110, 5) == (Trade(2, 3, 110, 3),)
    assert len(book) == 1
    bid(book, 4, 100, 5)
    assert ladder(book) == ([(110, 2, 1), (100, 5, 1)], [])


def test_a_full_book_still_replaces_and_reduces(make_book: Any) -> None:
    book = make_book(2)
    bid(book, 1, 100, 5)
    bid(book, 2, 100, 5)
    book.replace_order(1, 99, 9)
    book.replace_order(2, 101, 9, new_id=3)
    book.reduce_order(3, 1)
    assert ladder(book) == ([(101, 8, 1), (99, 9, 1)], [])


def test_levels_full(make_book: Any) -> None:
    book = make_book(10, level_capacity=2)
    bid(book, 1, 100, 5)
    ask(book, 2, 110, 5)
    before = state(book)
    for price in (99, 101, 110):
        with pytest.raises(LevelsFull):
            bid(book, 3, price, 5)
    with pytest.raises(LevelsFull):
        ask(book, 3, 109, 5, post_only=True)
    assert state(book) == before
    bid(book, 3, 100, 5)
    book.cancel_order(2)
    bid(book, 4, 99, 5)
    assert ladder(book) == ([(100, 10, 2), (99, 5, 1)], [])


def test_a_replace_needs_a_level(make_book: Any) -> None:
    book = make_book(10, level_capacity=2)
    for order_id, price in ((1, 100), (2, 100), (3, 101)):
        bid(book, order_id, price, 5)
    before = state(book)
    for new_id in (None, 9):
        with pytest.raises(LevelsFull):
            book.replace_order(1, 99, 5, new_id=new_id)
        assert state(book) == before
    book.replace_order(3, 102, 5)  # its own level is dropped, so there is room for a new one
    book.replace_order(1, 102, 5)
    book.replace_order(2, 98, 5)
    assert ladder(book) == ([(102, 10, 2), (98, 5, 1)], [])


def test_a_replace_to_the_back_of_its_own_level_needs_none(make_book: Any) -> None:
    book = make_book(10, level_capacity=1)
    bid(book, 1, 100, 5)
    bid(book, 2, 100, 5)
    book.replace_order(1, 100, 6)
    assert queue(book, Side.BID, 100) == [(2, 5), (1, 6)]


def test_the_quantity_of_a_level_stays_below_2_to_the_64(make_book: Any) -> None:
    book = make_book(10)
    bid(book, 1, 100, MAX_QUANTITY)
    bid(book, 2, 100, MAX_QUANTITY)
    bid(book, 3, 100, 1)
    assert ladder(book)[0] == [(100, 2**64 - 1, 3)]
    bid(book, 4, 101, 5)
    before = state(book)
    with pytest.raises(LevelQuantityFull):
        bid(book, 5, 100, 1)
    with pytest.raises(LevelQuantityFull):
        bid(book, 5, 100, MAX_QUANTITY, post_only=True)
    with pytest.raises(LevelQuantityFull):
        book.replace_order(4, 100, 1)
    with pytest.raises(LevelQuantityFull):
        book.replace_order(3, 100, 2)
    assert state(book) == before
    book.reduce_order(1, 1)
    book.replace_order(4, 100, 1, new_id=6)
    assert queue(book, Side.BID, 100) == [(1, MAX_QUANTITY - 1), (2, MAX_QUANTITY), (3, 1), (6, 1)]


def test_a_replace_within_a_full_level(make_book: Any) -> None:
    book = make_book(10, replace_policy=ReplacePolicy.ALWAYS_LOSE)
    bid(book, 1, 100, MAX_QUANTITY)
    bid(book, 2, 100, MAX_QUANTITY - 1)
    book.replace_order(2, 100, MAX_QUANTITY)
    bid(book, 3, 100, 1)
    book.replace_order(1, 100, MAX_QUANTITY)
    assert queue(book, Side.BID, 100) == [(2, MAX_QUANTITY), (3, 1), (1, MAX_QUANTITY)]
    with pytest.raises(LevelQuantityFull):
        book.replace_order(3, 100, 2)


def test_a_sweep_of_levels_that_add_up_to_more_than_64_bits(make_book: Any) -> None:
    book = make_book(10)
    for order_id, price in ((1, 100), (2, 100), (3, 101), (4, 101)):
        ask(book, order_id, price, MAX_QUANTITY)
    assert bid(book, 5, 101, 10, time_in_force=TimeInForce.FOK) == (Trade(1, 5, 100, 10),)
    assert ladder(book)[1] == [(100, 2**64 - 12, 2), (101, 2**64 - 2, 2)]


@pytest.mark.parametrize("capacity", [1, 2, 31, 32, 33, 64, 100])
def test_every_slot_can_be_used(make_book: Any, capacity: int) -> None:
    book = make_book(capacity, level_capacity=capacity)
    for _ in range(3):
        for order_id in range(capacity):
            bid(book, order_id, order_id * 1000, 1)
        with pytest.raises(OrdersFull):
            bid(book, capacity, 0, 1)
        assert [level[0] for level in ladder(book)[0]] == [1000 * i for i in reversed(range(capacity))]
        assert len(ask(book, capacity, 0, 2**40, time_in_force=TimeInForce.IOC)) == capacity
        state(book)
