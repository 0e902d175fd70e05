"""The book that mirrors a feed: each call, each refusal, and the same in bulk."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pricetime import ASK, BID, Reason, ReplacePolicy, errors
from pricetime.tape import PassiveBook
from pricetime.types import MAX_QUANTITY, PASSIVE_RESULT, PassiveAction

ADD, EXECUTE, REDUCE, CANCEL, REPLACE = PassiveAction


@pytest.fixture
def book() -> PassiveBook:
    """Bids 1 (5 lots) and 2 (7) at 100, 3 (2) at 99; ask 11 (4) at 102."""
    made = PassiveBook(8, level_capacity=4)
    made.add_order(1, BID, 100, 5)
    made.add_order(2, BID, 100, 7)
    made.add_order(3, BID, 99, 2)
    made.add_order(11, ASK, 102, 4)
    return made


def queue(book: PassiveBook, side: int, price: int) -> list[tuple[int, int]]:
    return [(order.id, order.quantity) for order in book.orders(side, price)]


def test_orders_rest_in_the_order_of_their_coming(book: PassiveBook) -> None:
    assert queue(book, BID, 100) == [(1, 5), (2, 7)]
    assert [level.tolist() for level in book.depth()] == [[(100, 12, 2), (99, 2, 1)], [(102, 4, 1)]]
    assert repr(book) == "<pricetime.PassiveBook: 4 orders, bid 100, ask 102>"
    book.check()


def test_an_execute_says_whether_the_order_was_the_first_at_the_best_price(book: PassiveBook) -> None:
    assert book.execute_order(2, 1) is False
    assert book.execute_order(3, 1) is False
    assert book.execute_order(1, 2) is True
    assert book.execute_order(1, 3) is True
    assert queue(book, BID, 100) == [(2, 6)]
    assert book.execute_order(2, 6) is True
    assert book.execute_order(3, 1) is True
    assert book.execute_order(11, 4) is True
    assert len(book) == 0


def test_reduces_and_cancels(book: PassiveBook) -> None:
    assert book.reduce_order(1, 2) == 3
    assert queue(book, BID, 100) == [(1, 3), (2, 7)]
    assert book.reduce_order(1, 99) == 0
    assert book.cancel_order(2) == 7
    assert queue(book, BID, 100) == []
    assert book.best_bid == 99


@pytest.mark.parametrize(
    ("price", "quantity", "new_id", "at_100", "at_99"),
    [
        (100, 5, None, [(1, 5), (2, 7)], [(3, 2)]),
        (100, 4, None, [(1, 4), (2, 7)], [(3, 2)]),
        (100, 4, 9, [(9, 4), (2, 7)], [(3, 2)]),
        (100, 6, None, [(2, 7), (1, 6)], [(3, 2)]),
        (99, 5, 2**64 - 1, [(2, 7)], [(3, 2), (2**64 - 1, 5)]),
    ],
)
def test_a_replace(
    book: PassiveBook, price: int, quantity: int, new_id: int | None, at_100: list[Any], at_99: list[Any]
) -> None:
    book.replace_order(1, price, quantity, new_id=new_id)
    assert queue(book, BID, 100) == at_100
    assert queue(book, BID, 99) == at_99
    book.check()


def test_a_replace_that_always_loses_its_place() -> None:
    book = PassiveBook(replace_policy=ReplacePolicy.ALWAYS_LOSE)
    book.add_order(1, BID, 100, 5)
    book.add_order(2, BID, 100, 7)
    book.replace_order(1, 100, 3, new_id=4)
    assert queue(book, BID, 100) == [(2, 7), (4, 3)]


def test_bids_and_asks_may_lock_and_cross(book: PassiveBook) -> None:
    crossed = [book.crossed]
    book.add_order(4, BID, 102, 1)
    crossed.append(book.crossed)
    book.replace_order(4, 105, 1)
    crossed.append(book.crossed)
    assert crossed == [False, True, True]
    assert (book.best_bid, book.best_ask) == (105, 102)
    book.check()
    assert book.execute_order(11, 1) is True
    assert book.execute_order(4, 1) is True
    crossed.append(book.crossed)
    assert crossed == [False, True, True, False]


def test_a_clear(book: PassiveBook) -> None:
    book.add_order(4, BID, 103, 1)
    book.clear()
    assert len(book) == 0
    assert not book.crossed
    book.add_order(1, ASK, 5, 5)
    book.check()


REFUSALS: list[tuple[Callable[[PassiveBook], object], type[Exception], str | None]] = [
    (lambda b: b.add_order(1, BID, 98, 1), errors.DuplicateOrderId, "an order with this id rests"),
    (lambda b: b.add_order(4, 3, 98, 1), errors.InvalidSide, None),
    (lambda b: b.add_order(4, BID, 98, 0), errors.InvalidQuantity, None),
    (lambda b: b.add_order(4, BID, 2**63, 1), errors.InvalidPrice, None),
    (lambda b: b.add_order(-1, BID, 98, 1), errors.InvalidOrderId, None),
    (lambda b: b.execute_order(9, 1), errors.UnknownOrder, "no order 9 is resting"),
    (lambda b: b.execute_order(1, 6), errors.InvalidQuantity, "order 1 has fewer lots than the 6 executed"),
    (lambda b: b.execute_order(1, 0), errors.InvalidQuantity, None),
    (lambda b: b.reduce_order(9, 1), errors.UnknownOrder, "no order 9 is resting"),
    (lambda b: b.reduce_order(1, 0), errors.InvalidQuantity, None),
    (lambda b: b.cancel_order(9), errors.UnknownOrder, "no order 9 is resting"),
    (lambda b: b.replace_order(9, 98, 1), errors.UnknownOrder, "no order 9 is resting"),
    (lambda b: b.replace_order(1, 98, 1, new_id=2), errors.DuplicateOrderId, "an order with this id rests"),
    (lambda b: b.replace_order(1, 98, 0), errors.InvalidQuantity, None),
    (lambda b: b.replace_order(1, 98, 1, new_id=-1), errors.InvalidOrderId, None),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSALS)
def test_what_is_refused_changes_nothing(
    book: PassiveBook, call: Callable[[PassiveBook], object], error: type[Exception], message: str | None
) -> None:
    before = book.digest()
    with pytest.raises(error, match=message):
        call(book)
    assert book.digest() == before
    book.check()


def test_room_for_so_many_orders_and_levels() -> None:
    book = PassiveBook(3, level_capacity=2)
    book.add_order(1, BID, 100, 1)
    book.add_order(2, BID, 99, 1)
    with pytest.raises(errors.LevelsFull, match="all 2 levels are in use: use a larger level_capacity"):
        book.add_order(3, BID, 98, 1)
    book.replace_order(2, 98, 1)  # its own level goes
    book.add_order(3, BID, 98, 1)
    with pytest.raises(errors.LevelsFull):
        book.replace_order(3, 97, 1)
    with pytest.raises(errors.OrdersFull, match="all 3 order slots are in use: use a larger capacity"):
        book.add_order(4, BID, 98, 1)
    book.check()


def test_a_book_is_made_once(book: PassiveBook) -> None:
    with pytest.raises(TypeError, match="only once"):
        PassiveBook.__init__(book)
    with pytest.raises(errors.InvalidSetting):
        PassiveBook(0)


@pytest.mark.parametrize("made", [copy.copy, copy.deepcopy, lambda book: pickle.loads(pickle.dumps(book))])
def test_copies(book: PassiveBook, made: Callable[[PassiveBook], PassiveBook]) -> None:
    book.add_order(5, BID, 104, 1)
    again = made(book)
    assert again.digest() == book.digest()
    assert again.crossed
    book.cancel_order(5)
    assert 5 in again


# -------------------------------------------------------------------- in bulk


def test_actions_in_bulk() -> None:
    book = PassiveBook()
    results = book.apply(
        np.array([ADD, ADD, ADD, EXECUTE, EXECUTE, REDUCE, REPLACE, CANCEL]),
        [1, 2, 11, 2, 1, 1, 2, 11],
        sides=[1, 1, 2, 0, 0, 0, 0, 0],
        prices=[100, 100, 100, 0, 0, 0, 103, 0],
        quantities=np.array([5, 7, 4, 1, 2, 1, 9, 0], np.uint64),
        new_ids=np.array([0, 0, 0, 0, 0, 0, 2**63 + 5, 0], np.uint64),
    )
    assert results.dtype == PASSIVE_RESULT
    assert results["reason"].tolist() == [Reason.NONE] * 8
    assert results["first"].tolist() == [False, False, False, False, True, False, False, False]
    assert [(o.id, o.price, o.quantity) for o in book] == [(2**63 + 5, 103, 9), (1, 100, 2)]
    book.check()


def test_refused_actions_are_told_one_by_one() -> None:
    book = PassiveBook(2, level_capacity=1)
    rows = [
        (ADD, 1, 1, 100, 5, 0, Reason.NONE),
        (ADD, 1, 1, 100, 5, 0, Reason.DUPLICATE_ORDER_ID),
        (ADD, 2, 0, 100, 5, 0, Reason.INVALID_SIDE),
        (ADD, 2, 1, 101, 5, 0, Reason.LEVELS_FULL),
        (ADD, 2, 1, 100, 0, 0, Reason.INVALID_QUANTITY),
        (ADD, 2, 1, 100, 2**63, 0, Reason.INVALID_QUANTITY),
        (ADD, 2, 1, 100, 5, 0, Reason.NONE),
        (ADD, 3, 1, 100, 5, 0, Reason.ORDERS_FULL),
        (EXECUTE, 9, 0, 0, 1, 0, Reason.UNKNOWN_ORDER),
        (EXECUTE, 1, 0, 0, 6, 0, Reason.INVALID_QUANTITY),
        (REDUCE, 1, 0, 0, 2**63, 0, Reason.INVALID_QUANTITY),
        (CANCEL, 9, 0, 0, 0, 0, Reason.UNKNOWN_ORDER),
        (REPLACE, 1, 0, 100, 5, 2, Reason.DUPLICATE_ORDER_ID),
        (REPLACE, 9, 0, 100, 5, 9, Reason.UNKNOWN_ORDER),
        (0, 1, 1, 100, 5, 0, Reason.UNKNOWN_COMMAND),
        (77, 1, 1, 100, 5, 0, Reason.UNKNOWN_COMMAND),
    ]
    actions, order_ids, sides, prices, quantities, new_ids, reasons = zip(*rows, strict=True)
    options: dict[str, Any] = {
        "sides": sides,
        "prices": prices,
        "quantities": np.array(quantities, np.uint64),
        "new_ids": new_ids,
    }
    results = book.apply(actions, order_ids, **options)
    assert results["reason"].tolist() == list(reasons)
    assert queue(book, BID, 100) == [(1, 5), (2, 5)]
    book.check()


def test_one_number_for_a_whole_column_and_none_at_all() -> None:
    book = PassiveBook()
    assert book.apply(ADD, [1, 2, 3], sides=2, prices=7, quantities=4)["reason"].tolist() == [0, 0, 0]
    assert queue(book, ASK, 7) == [(1, 4), (2, 4), (3, 4)]
    assert book.apply(REPLACE, [3, 1], prices=-7, quantities=4)["reason"].tolist() == [0, 0]
    assert queue(book, ASK, -7) == [(3, 4), (1, 4)]
    empty = np.zeros(0, np.uint8)
    assert len(book.apply(empty, empty)) == 0
    assert len(book) == 3


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"actions": [1.0, 2.0]}, r"column actions: dtype float64, shape \(2,\): give whole numbers of shape \(2,\)"),
        ({"order_ids": [1, 2, 3]}, r"column actions: dtype int64, shape \(2,\): give whole numbers of shape \(3,\)"),
        ({"order_ids": 1}, r"column order_ids: shape \(\): give an array of one dimension"),
        ({"order_ids": [[1, 2]]}, r"column order_ids: shape \(1, 2\): give an array of one dimension"),
        ({"sides": [1, 2, 1]}, r"column sides: dtype int64, shape \(3,\)"),
        ({"order_ids": [1, -2]}, "column order_ids: a number is outside 0 to 18446744073709551615"),
        ({"sides": [1, 256]}, "column sides: a number is outside 0 to 255"),
        ({"prices": np.array([1, 2**63], np.uint64)}, "column prices: a number is outside"),
        ({"quantities": -1}, "column quantities: a number is outside"),
        ({"new_ids": [True, False]}, "column new_ids: dtype bool"),
    ],
)
def test_columns_that_are_none(columns: dict[str, Any], message: str) -> None:
    book = PassiveBook()
    whole: dict[str, Any] = {"actions": [1, 1], "order_ids": [1, 2], "sides": 1, "prices": 1, "quantities": 1}
    with pytest.raises(errors.InvalidCommands, match=message):
        book.apply(**(whole | columns))
    assert len(book) == 0


def test_largest_numbers() -> None:
    book = PassiveBook()
    book.apply(ADD, [2**64 - 1], sides=1, prices=-(2**63), quantities=MAX_QUANTITY)
    assert [tuple(order)[:4] for order in book] == [(2**64 - 1, BID, -(2**63), MAX_QUANTITY)]


def test_the_quantities_at_a_price_do_not_wrap() -> None:
    book = PassiveBook(8)
    book.add_order(1, BID, 100, MAX_QUANTITY)
    book.add_order(2, BID, 100, MAX_QUANTITY)
    with pytest.raises(errors.LevelQuantityFull):
        book.add_order(3, BID, 100, 2)
    book.add_order(4, BID, 99, 2)
    with pytest.raises(errors.LevelQuantityFull):
        book.replace_order(4, 100, 2)
    results = book.apply([ADD], [5], sides=[BID], prices=[100], quantities=[2])
    assert results["reason"].tolist() == [Reason.LEVEL_QUANTITY_FULL]
    assert queue(book, BID, 100) == [(1, MAX_QUANTITY), (2, MAX_QUANTITY)]
    book.check()
