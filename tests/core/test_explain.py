"""``OrderBook.explain``: why an open order does not trade."""

import pytest

from pricetime import Engine, Instrument, OrderBook, OrderType, Phase
from pricetime.errors import BookBusy, InvalidOrderId, UnknownOrder
from pricetime.standing import OrderState, Place
from pricetime.types import CommandType
from tests.books import command


def test_a_book_explains_what_it_has() -> None:
    book = OrderBook()
    book.add_order(1, 2, 105, 5)
    book.add_order(2, 1, 100, 9, display_quantity=3, owner=4)
    book.add_order(3, 1, None, 2, order_type=OrderType.STOP, trigger_price=107)
    book.add_order(4, 1, 100, 1)
    found = book.explain(2)
    assert (found.remaining, found.hidden, found.distance, found.owner, found.reference) == (9, 6, 5, 4, 2)
    assert (found.why, found.place_now) == ("the best ask is 105, 5 ticks away from its price", Place(0, 0, 0))
    assert (found.events, found.accepted, found.sequence, found.ahead) == ((), None, None, ())
    assert book.explain(4).place_now == Place(1, 3, 0)
    stop = book.explain(3)
    assert (stop.state, stop.why) == (OrderState.WAITING, "no trade has reached its trigger price 107 yet")
    book.set_phase(Phase.HALTED)
    assert book.explain(2).why == "the instrument is halted: no order matches"


def test_the_books_of_an_engine() -> None:
    engine = Engine([Instrument(1), Instrument(2, price_unit="0.5")], capacity=10)
    for number in (1, 2):
        engine.book(number).add_order(7, 1, 100 + number, 5)
    assert [engine.book(number).explain(7).terms.price for number in (1, 2)] == [101, 102]
    assert "bid 5 at 51.0, limit, GTC" in str(engine.book(2).explain(7))


def test_orders_that_are_not_open() -> None:
    book = OrderBook()
    book.add_order(1, 2, 105, 5)
    book.add_order(2, 1, 105, 5)
    for order_id in (1, 2, 3):
        with pytest.raises(UnknownOrder, match=f"no order {order_id} rests or waits"):
            book.explain(order_id)
    with pytest.raises(InvalidOrderId):
        book.explain(-1)


def test_not_while_an_order_waits_for_its_extension() -> None:
    book = OrderBook()
    book.add_order(1, 2, 105, 5)
    book.apply(command(CommandType.NEW_ORDER, order_id=2, side=1, price=1, quantity=1, instructions=128))
    with pytest.raises(BookBusy, match="apply the extension first"):
        book.explain(1)
