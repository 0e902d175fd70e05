"""What a book can be asked: an order, a queue, a place in it, the depth, everything in turn."""

from typing import Any

import pytest

from pricetime.errors import UnknownOrder
from pricetime.types import Order, QueuePosition, Side
from tests.books import U64, ask, bid, ladder


def fill(book: Any) -> None:
    bid(book, 1, 100, 10, owner=1, timestamp=11)
    bid(book, 2, 101, 20, owner=2, timestamp=12)
    bid(book, 3, 100, 30, owner=3, timestamp=13)
    ask(book, 4, 105, 40, owner=4, timestamp=14)
    ask(book, 5, 103, 50, owner=5, timestamp=15)
    ask(book, 6, 105, 60, owner=6, timestamp=16)


def test_order(book: Any) -> None:
    fill(book)
    assert book.order(3) == Order(3, Side.BID, 100, 30, 13, 3)
    assert book.order(5) == Order(5, Side.ASK, 103, 50, 15, 5)
    assert isinstance(book.order(5).side, Side)
    with pytest.raises(UnknownOrder):
        book.order(7)


def test_orders_come_first_in_line_first(book: Any) -> None:
    fill(book)
    assert book.orders(Side.BID, 100) == (book.order(1), book.order(3))
    assert book.orders(Side.ASK, 105) == (book.order(4), book.order(6))
    assert book.orders(Side.ASK, 100) == ()
    assert book.orders(Side.BID, 99) == ()


def test_queue_position(book: Any) -> None:
    fill(book)
    assert book.queue_position(1) == QueuePosition(0, 0)
    assert book.queue_position(3) == QueuePosition(orders=1, quantity=10)
    bid(book, 7, 100, 5)
    assert book.queue_position(7) == (2, 40)
    book.reduce_order(1, 4)
    assert book.queue_position(7) == (2, 36)
    book.cancel_order(1)
    assert book.queue_position(7) == (1, 30)
    with pytest.raises(UnknownOrder):
        book.queue_position(1)


def test_a_book_is_iterated_bids_then_asks_best_first(book: Any) -> None:
    fill(book)
    assert [order.id for order in book] == [2, 1, 3, 5, 4, 6]
    assert [order.id for order in book] == [2, 1, 3, 5, 4, 6]  # as often as one likes
    assert list(book)[2] == Order(3, Side.BID, 100, 30, 13, 3)


def test_length_and_membership(book: Any) -> None:
    fill(book)
    assert len(book) == 6
    assert [order_id for order_id in range(10) if order_id in book] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("stranger", [-1, 2**64, U64, "1", None, (1,), 1.5])
def test_nothing_else_is_in_a_book(book: Any, stranger: object) -> None:
    fill(book)
    assert stranger not in book


def test_depth(book: Any) -> None:
    fill(book)
    bids, asks = [(101, 20, 1), (100, 40, 2)], [(103, 50, 1), (105, 100, 2)]
    assert ladder(book) == (bids, asks)
    assert ladder(book, 2) == ladder(book, 2**62) == ladder(book, None) == (bids, asks)
    assert ladder(book, 1) == (bids[:1], asks[:1])
    assert ladder(book, 0) == ([], [])


def test_depth_shows_ten_levels_unless_told(book: Any) -> None:
    for order_id in range(12):
        bid(book, order_id, order_id, 1)
    bids, asks = book.depth()
    assert [int(level[0]) for level in bids] == [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]
    assert len(asks) == 0


def test_equal_books_have_equal_digests_however_they_came_about(make_book: Any) -> None:
    one, other = make_book(1000), make_book(1000)
    fill(one)
    ask(other, 5, 103, 50)
    ask(other, 9, 105, 1)
    ask(other, 4, 105, 41)
    ask(other, 6, 105, 60)
    other.cancel_order(9)
    other.reduce_order(4, 1)
    for order_id, price, quantity in ((1, 100, 10), (3, 100, 30), (2, 100, 20)):
        bid(other, order_id, price, quantity)
    other.replace_order(2, 101, 20)
    assert one.digest() == other.digest()


@pytest.mark.parametrize(
    "change",
    [
        lambda book: book.cancel_order(3),
        lambda book: book.reduce_order(3, 1),
        lambda book: book.replace_order(1, 100, 11),
        lambda book: book.replace_order(1, 99, 10),
        lambda book: book.replace_order(1, 100, 10, new_id=8),
        lambda book: ask(book, 9, 106, 1),
        lambda book: ask(book, 9, 101, 1),
    ],
)
def test_every_change_shows_in_the_digest(book: Any, change: Any) -> None:
    fill(book)
    before = book.digest()
    change(book)
    assert book.digest() != before


def test_priority_shows_in_the_digest(make_book: Any) -> None:
    one, other = make_book(1000), make_book(1000)
    for book, ids in ((one, (1, 2)), (other, (2, 1))):
        for order_id in ids:
            bid(book, order_id, 100, 10)
    assert one.digest() != other.digest()


def test_the_digest_is_a_format(book: Any) -> None:
    """These values stand in journals and snapshots: they may never change."""
    assert book.digest() == 0xE785922BE3C82D6D
    fill(book)
    assert book.digest() == 0x5EAAB772B2136516
