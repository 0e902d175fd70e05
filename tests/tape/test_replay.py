"""What a replay does beside reading: it can stop at a moment, and its book follows the tape."""

from typing import Any

import pytest

from pricetime import ASK, BID, OrderBook
from pricetime.reference import ReferenceBook
from pricetime.tape.outcome import TapeTrade
from pricetime.tape.replay import follow_tape
from tests.books import queue


@pytest.fixture(params=[ReferenceBook, OrderBook])
def book(request: pytest.FixtureRequest) -> Any:
    """Asks 1 (3 lots), 2 (4) and 3 (5) queue at 101, 4 (6) and 5 (1) at 102."""
    book = request.param()
    for order_id, price, quantity in ((1, 101, 3), (2, 101, 4), (3, 101, 5), (4, 102, 6), (5, 102, 1)):
        book.add_order(order_id, ASK, price, quantity)
    return book


@pytest.mark.parametrize(
    ("fills", "at_101", "at_102"),
    [
        (((2, 2), (3, 5)), [(1, 3), (2, 2)], [(4, 6), (5, 1)]),
        (((1, 20),), [(2, 4), (3, 5)], [(4, 6), (5, 1)]),
        (((5, 1),), [(1, 3), (2, 4), (3, 5)], [(4, 6)]),
        (((77, 9),), [(1, 3), (2, 4), (3, 5)], [(4, 6), (5, 1)]),
        ((), [(1, 3), (2, 4), (3, 5)], [(4, 6), (5, 1)]),
    ],
)
@pytest.mark.parametrize("quantity", [1, 5, 12, 15, 100])
def test_what_the_book_took_is_undone_and_what_the_tape_took_is_taken(
    book: Any, quantity: int, fills: Any, at_101: list[tuple[int, int]], at_102: list[tuple[int, int]]
) -> None:
    taken = book.match_order(99, BID, 102, quantity).trades
    follow_tape(book, TapeTrade(5, 1, 99, BID, 102, quantity, fills), taken)
    assert queue(book, ASK, 101) == at_101
    assert queue(book, ASK, 102) == at_102
