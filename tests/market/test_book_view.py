"""What a trader sees of a book."""

import pytest

from pricetime import ASK, BID, OrderBook, Phase
from pricetime.market.book_view import LEVELS, BookView


def test_the_best_levels_of_a_book() -> None:
    book = OrderBook()
    for number in range(10):
        book.add_order(1 + number, BID, 100 - number, 5)
    book.add_order(20, ASK, 103, 15)
    view = BookView.of(book)
    assert view.bids == ((100, 5), (99, 5), (98, 5))
    assert len(view.bids) == LEVELS
    assert (view.best_bid, view.best_ask, view.mid) == (100, 103, 101.5)
    assert view.imbalance == 0


def test_a_side_that_is_empty() -> None:
    view = BookView(bids=((100, 5),))
    assert (view.best_ask, view.mid, view.imbalance) == (None, None, 1.0)
    assert BookView().imbalance == 0


@pytest.mark.parametrize(("bids", "asks", "expected"), [(3, 1, 0.5), (1, 3, -0.5)])
def test_the_imbalance(bids: int, asks: int, expected: float) -> None:
    assert BookView(((1, bids),), ((2, asks),)).imbalance == expected


def test_while_orders_are_collected_the_book_has_no_middle() -> None:
    book = OrderBook(phase=Phase.OPENING_AUCTION)
    book.add_order(1, BID, 103, 5)
    book.add_order(2, ASK, 100, 5)
    view = BookView.of(book)
    assert view.collects
    assert (view.best_bid, view.best_ask, view.mid) == (103, 100, None)
