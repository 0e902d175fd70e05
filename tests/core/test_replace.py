"""Replace: who keeps its place, what crosses, and what is refused with the original untouched."""

from typing import Any

import pytest

from pricetime import OrderBook
from pricetime.errors import DuplicateOrderId, UnknownOrder, WouldCross
from pricetime.execution import Trade
from pricetime.reference import ReferenceBook
from pricetime.types import Order, ReplacePolicy, Side
from tests.books import U64, ask, bid, ladder, queue, state


def place_three(book: Any) -> None:
    for order_id in (1, 2, 3):
        bid(book, order_id, 100, 10)


@pytest.mark.parametrize("quantity", [1, 9, 10])
def test_same_price_and_no_larger_quantity_keeps_its_place(book: Any, quantity: int) -> None:
    place_three(book)
    assert book.replace_order(1, 100, quantity).trades == ()
    assert queue(book, Side.BID, 100) == [(1, quantity), (2, 10), (3, 10)]
    assert ladder(book)[0] == [(100, 20 + quantity, 3)]


def test_a_larger_quantity_goes_to_the_back(book: Any) -> None:
    place_three(book)
    assert book.replace_order(1, 100, 11).trades == ()
    assert queue(book, Side.BID, 100) == [(2, 10), (3, 10), (1, 11)]
    assert ladder(book)[0] == [(100, 31, 3)]


def test_another_price_goes_to_the_back_there(book: Any) -> None:
    place_three(book)
    bid(book, 4, 99, 10)
    assert book.replace_order(2, 99, 5).trades == ()
    assert queue(book, Side.BID, 100) == [(1, 10), (3, 10)]
    assert queue(book, Side.BID, 99) == [(4, 10), (2, 5)]


def test_away_and_back_loses_the_place(book: Any) -> None:
    place_three(book)
    book.replace_order(1, 99, 10)
    book.replace_order(1, 100, 10)
    assert queue(book, Side.BID, 100) == [(2, 10), (3, 10), (1, 10)]
    assert ladder(book)[0] == [(100, 30, 3)]


@pytest.mark.parametrize("quantity", [4, 10, 12])
def test_always_lose_sends_every_replace_to_the_back(make_book: Any, quantity: int) -> None:
    book = make_book(1000, replace_policy=ReplacePolicy.ALWAYS_LOSE)
    place_three(book)
    assert book.replace_order(1, 100, quantity).trades == ()
    assert queue(book, Side.BID, 100) == [(2, 10), (3, 10), (1, quantity)]


def test_always_lose_with_one_order_at_the_level(make_book: Any) -> None:
    book = make_book(1, level_capacity=1, replace_policy=ReplacePolicy.ALWAYS_LOSE)
    bid(book, 1, 100, 10)
    book.replace_order(1, 100, 10)
    assert ladder(book) == ([(100, 10, 1)], [])


def test_the_last_order_of_a_level_takes_the_level_along(book: Any) -> None:
    bid(book, 1, 100, 10)
    bid(book, 2, 90, 10)
    book.replace_order(1, 80, 10)
    assert ladder(book)[0] == [(90, 10, 1), (80, 10, 1)]
    assert book.best_bid == 90


@pytest.mark.parametrize("side", Side)
def test_a_replace_that_crosses_trades_at_the_makers_price(book: Any, side: Side) -> None:
    sign = 1 if side is Side.BID else -1
    book.add_order(1, side, sign * 90, 10, owner=4, timestamp=8)
    book.add_order(2, 3 - side, sign * 100, 4)
    book.add_order(3, 3 - side, sign * 101, 4)
    assert book.replace_order(1, sign * 105, 10).trades == (Trade(2, 1, sign * 100, 4), Trade(3, 1, sign * 101, 4))
    assert book.order(1) == Order(1, side, sign * 105, 2, 8, 4)
    assert len(book) == 1


def test_a_replace_that_fills_leaves_nothing(book: Any) -> None:
    ask(book, 1, 110, 10)
    bid(book, 2, 100, 12)
    assert book.replace_order(1, 95, 10).trades == (Trade(2, 1, 100, 10),)
    assert 1 not in book
    assert ladder(book) == ([(100, 2, 1)], [])


def test_the_new_quantity_is_what_is_open(book: Any) -> None:
    bid(book, 1, 100, 10)
    ask(book, 2, 100, 4)
    book.replace_order(1, 100, 5)
    assert book.order(1).quantity == 5


def test_a_post_only_replace_that_would_cross_is_refused(book: Any) -> None:
    ask(book, 1, 110, 10)
    bid(book, 2, 100, 5, post_only=True)
    bid(book, 3, 100, 5)
    before = state(book)
    for price in (110, 115):
        with pytest.raises(WouldCross):
            book.replace_order(2, price, 5)
        with pytest.raises(WouldCross):
            book.replace_order(2, price, 5, new_id=9)
        assert state(book) == before
    assert book.replace_order(2, 109, 6).trades == ()
    assert queue(book, Side.BID, 109) == [(2, 6)]
    with pytest.raises(WouldCross):  # it stays post-only
        book.replace_order(2, 110, 6)
    assert book.replace_order(3, 110, 5).trades == (Trade(1, 3, 110, 5),)


@pytest.mark.parametrize("new_id", [0, 7, 2**32, U64])
@pytest.mark.parametrize(("price", "quantity"), [(100, 10), (100, 3), (100, 20), (99, 10), (120, 30)])
def test_a_new_id_takes_the_place_of_the_old(book: Any, price: int, quantity: int, new_id: int) -> None:
    place_three(book)
    ask(book, 4, 110, 10)
    trades = book.replace_order(1, price, quantity, new_id=new_id).trades
    assert trades == ((Trade(4, new_id, 110, 10),) if price == 120 else ())
    assert 1 not in book
    assert book.order(new_id).quantity == quantity - 10 * len(trades)
    with pytest.raises(UnknownOrder):
        book.cancel_order(1)
    bid(book, 1, 100, 1)
    assert book.cancel_order(new_id) == quantity - 10 * len(trades)


def test_a_new_id_may_be_the_old_one(book: Any) -> None:
    place_three(book)
    assert book.replace_order(1, 100, 5, new_id=1).trades == ()
    assert queue(book, Side.BID, 100) == [(1, 5), (2, 10), (3, 10)]
    assert book.replace_order(1, 101, 5, new_id=1).trades == ()
    assert book.order(1).price == 101


@pytest.mark.parametrize(("price", "quantity"), [(100, 10), (99, 10)])
def test_a_new_id_that_rests_is_refused(book: Any, price: int, quantity: int) -> None:
    place_three(book)
    before = state(book)
    with pytest.raises(DuplicateOrderId):
        book.replace_order(1, price, quantity, new_id=3)
    assert state(book) == before


def test_a_new_id_of_an_order_that_a_replace_fills(book: Any) -> None:
    """The id of the maker is live when the replace is looked at, however it ends."""
    ask(book, 1, 110, 5)
    bid(book, 2, 100, 5)
    with pytest.raises(DuplicateOrderId):
        book.replace_order(2, 110, 5, new_id=1)
    assert book.replace_order(2, 110, 5, new_id=3).trades == (Trade(1, 3, 110, 5),)
    assert len(book) == 0


@pytest.mark.parametrize("kind", [ReferenceBook, OrderBook])
def test_replace_under_a_new_id_checks_the_owner(kind: type[Any]) -> None:
    """A command has room for a new id or an owner, a call for both."""
    book = kind(4)
    bid(book, 1, 100, 10, owner=5)
    before = state(book)
    for owner in (0, 6):
        with pytest.raises(UnknownOrder):
            book.replace_order(1, 100, 5, new_id=2, owner=owner)
        assert state(book) == before
    book.replace_order(1, 100, 5, new_id=2, owner=5)
    assert queue(book, Side.BID, 100) == [(2, 5)]
