"""Cancel and reduce: what leaves the book, and who may ask for it."""

from typing import Any

import pytest

from pricetime.errors import UnknownOrder
from pricetime.types import Side, TimeInForce
from tests.books import ask, bid, ladder, queue, state


def test_cancel_gives_back_what_was_still_resting(book: Any) -> None:
    ask(book, 1, 100, 10)
    bid(book, 2, 100, 4)
    assert book.cancel_order(1) == 6
    assert len(book) == 0
    assert book.best_ask is None


@pytest.mark.parametrize("gone", [1, 2, 3], ids=["first", "middle", "last"])
def test_the_others_of_a_level_close_up(book: Any, gone: int) -> None:
    for order_id in (1, 2, 3):
        bid(book, order_id, 100, 10 * order_id)
    assert book.cancel_order(gone) == 10 * gone
    left = [(order_id, 10 * order_id) for order_id in (1, 2, 3) if order_id != gone]
    assert queue(book, Side.BID, 100) == left
    assert [trade.maker_id for trade in ask(book, 9, 100, 60)] == [order_id for order_id, _ in left]


def test_the_next_best_level_becomes_the_touch(book: Any) -> None:
    for order_id, price in ((1, 100), (2, 98), (3, 99)):
        bid(book, order_id, price, 1)
    touches = []
    for order_id in (1, 3, 2):
        touches.append(book.best_bid)
        book.cancel_order(order_id)
    assert [*touches, book.best_bid] == [100, 99, 98, None]


def test_a_level_behind_the_touch_may_go(book: Any) -> None:
    ask(book, 1, 100, 1)
    ask(book, 2, 101, 1)
    ask(book, 3, 102, 1)
    book.cancel_order(2)
    assert ladder(book)[1] == [(100, 1, 1), (102, 1, 1)]


def test_cancel_of_what_is_not_there(book: Any) -> None:
    ask(book, 1, 100, 5)
    bid(book, 2, 100, 5)  # fills 1
    ask(book, 3, 100, 5)
    book.cancel_order(3)
    bid(book, 4, 100, 5, time_in_force=TimeInForce.IOC)
    before = state(book)
    for order_id in (0, 1, 2, 3, 4, 77):
        with pytest.raises(UnknownOrder):
            book.cancel_order(order_id)
        with pytest.raises(UnknownOrder):
            book.reduce_order(order_id, 1)
        with pytest.raises(UnknownOrder):
            book.replace_order(order_id, 100, 1)
        assert state(book) == before


def test_a_reduced_order_keeps_its_place(book: Any) -> None:
    for order_id in (1, 2, 3):
        bid(book, order_id, 100, 10)
    assert book.reduce_order(1, 4) == 6
    assert book.reduce_order(2, 9) == 1
    assert queue(book, Side.BID, 100) == [(1, 6), (2, 1), (3, 10)]
    assert ladder(book)[0] == [(100, 17, 3)]
    assert [trade.maker_id for trade in ask(book, 9, 100, 17)] == [1, 2, 3]


@pytest.mark.parametrize("by", [10, 11, 2**63 - 1])
def test_a_reduce_by_all_or_more_removes(book: Any, by: int) -> None:
    bid(book, 1, 100, 10)
    bid(book, 2, 99, 10)
    assert book.reduce_order(1, by) == 0
    assert 1 not in book
    assert ladder(book)[0] == [(99, 10, 1)]


def test_a_reduce_that_removes_one_of_several(book: Any) -> None:
    for order_id in (1, 2, 3):
        bid(book, order_id, 100, 10)
    assert book.reduce_order(2, 10) == 0
    assert queue(book, Side.BID, 100) == [(1, 10), (3, 10)]


def test_the_owner_given_must_be_the_orders(book: Any) -> None:
    bid(book, 1, 100, 10, owner=5)
    bid(book, 2, 100, 10)
    before = state(book)
    for order_id in (1, 2):
        with pytest.raises(UnknownOrder):
            book.cancel_order(order_id, owner=6)
        with pytest.raises(UnknownOrder):
            book.reduce_order(order_id, 1, owner=6)
        with pytest.raises(UnknownOrder):
            book.replace_order(order_id, 100, 5, owner=6)
    assert state(book) == before
    assert book.reduce_order(1, 1, owner=5) == 9
    assert book.replace_order(1, 100, 8, owner=5).trades == ()
    assert book.cancel_order(1, owner=5) == 8
    assert book.cancel_order(2) == 10


def test_many_orders_come_and_go(book: Any) -> None:
    """The slots, levels and entries of the id table of orders that are gone serve others."""
    for turn in range(5):
        ids = [1000 * turn + 7 * i for i in range(100)]
        for i, order_id in enumerate(ids):
            bid(book, order_id, 100 + i % 13, 1 + i)
        state(book)
        for i, order_id in enumerate(ids):
            assert book.cancel_order(ids[(i * 37) % 100]) == 1 + (i * 37) % 100
            assert ids[(i * 37) % 100] not in book
            assert order_id not in book or book.order(order_id).price == 100 + i % 13
        assert len(book) == 0
        state(book)
