"""Pickles and copies: a second book in the same state, which continues in the same way."""

import copy
import pickle
from collections.abc import Callable

import pytest

from pricetime import CommandType, OrderBook, ReplacePolicy, SelfTrade, TimeInForce
from pricetime.errors import LevelsFull, OrdersFull, WouldCross
from tests.books import ask, bid, command, ladder, state

COPIES: list[Callable[[OrderBook], OrderBook]] = [
    copy.copy,
    copy.deepcopy,
    *(
        lambda book, p=protocol: pickle.loads(pickle.dumps(book, p))
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    ),
]


@pytest.fixture(params=COPIES, ids=["copy", "deepcopy", *(f"pickle {p}" for p in range(2, 6))])
def duplicate(request: pytest.FixtureRequest) -> Callable[[OrderBook], OrderBook]:
    made: Callable[[OrderBook], OrderBook] = request.param
    return made


def busy_book() -> OrderBook:
    book = OrderBook(
        20, level_capacity=10, self_trade=SelfTrade.CANCEL_OLDEST, replace_policy=ReplacePolicy.ALWAYS_LOSE
    )
    for order_id in range(8):
        bid(book, order_id, 100 - order_id % 3, 10 + order_id, owner=1 + order_id % 2, timestamp=1000 + order_id)
    book.cancel_order(3)
    ask(book, 20, 99, 15, owner=7)
    ask(book, 21, 110, 5, post_only=True)
    ask(book, 22, 111, 5, owner=9, self_trade=SelfTrade.DECREMENT)
    return book


def test_a_copy_is_in_the_same_state(duplicate: Callable[[OrderBook], OrderBook]) -> None:
    for book in (OrderBook(5), busy_book()):
        other = duplicate(book)
        assert other is not book
        assert state(other) == state(book)
        assert repr(other) == repr(book)


def test_a_copy_is_another_book(duplicate: Callable[[OrderBook], OrderBook]) -> None:
    book = busy_book()
    before = state(book)
    other = duplicate(book)
    bid(other, 50, 200, 50)
    other.cancel_order(1)
    assert state(book) == before
    book.cancel_order(2)
    assert 2 in other


def test_a_copy_keeps_its_settings(duplicate: Callable[[OrderBook], OrderBook]) -> None:
    other = duplicate(busy_book())
    other.replace_order(4, 99, 1)
    assert [order.id for order in other.orders(1, 99)][-1] == 4  # replace_policy
    levels = len(ladder(other)[0] + ladder(other)[1])
    for order_id in range(30, 30 + 10 - levels):
        bid(other, order_id, order_id, 1)
    with pytest.raises(LevelsFull):
        bid(other, 60, 60, 1)
    for order_id in range(70, 70 + 20 - len(other)):
        bid(other, order_id, 30, 1)
    with pytest.raises(OrdersFull):
        bid(other, 60, 30, 1)
    before = len(other)
    ask(other, 50, 100, 1, owner=1, time_in_force=TimeInForce.IOC)  # self_trade
    assert len(other) < before


def test_a_copy_keeps_what_its_orders_were_entered_with(duplicate: Callable[[OrderBook], OrderBook]) -> None:
    other = duplicate(busy_book())
    with pytest.raises(WouldCross):
        other.replace_order(21, 90, 5)
    bid(other, 40, 105, 3, owner=9)
    assert other.replace_order(22, 105, 5).trades == ()  # decremented, as it was entered
    assert other.order(22).quantity == 2


def test_a_copy_goes_on_numbering_reports(duplicate: Callable[[OrderBook], OrderBook]) -> None:
    book = OrderBook(10)
    book.apply(command(CommandType.NEW_ORDER, order_id=1, side=1, price=5, quantity=5))
    book.apply(command(CommandType.NEW_ORDER, order_id=2, side=2, price=5, quantity=3))
    other = duplicate(book)
    one = book.apply(command(CommandType.CANCEL_ORDER, order_id=1))
    assert other.apply(command(CommandType.CANCEL_ORDER, order_id=1)).tobytes() == one.tobytes()
    assert one["seq_num"].tolist() == [4]


def test_a_full_level_can_be_copied(duplicate: Callable[[OrderBook], OrderBook]) -> None:
    book = OrderBook(3)
    for order_id, quantity in ((1, 2**63 - 1), (2, 2**63 - 1), (3, 1)):
        bid(book, order_id, -(2**63), quantity)
    assert ladder(duplicate(book)) == ([(-(2**63), 2**64 - 1, 3)], [])


def test_a_repr_says_what_is_in_the_book() -> None:
    assert repr(OrderBook(4)) == "<pricetime.OrderBook: 0 orders, bid None, ask None>"
    book = busy_book()
    assert repr(book) == f"<pricetime.OrderBook: {len(book)} orders, bid {book.best_bid}, ask {book.best_ask}>"
