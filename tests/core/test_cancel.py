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
