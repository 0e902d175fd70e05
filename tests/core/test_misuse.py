"""Objects made by halves or twice, and arguments that run code of their own: an error, and nothing broken."""

import gc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, CommandType, Engine, Instrument, OrderBook, Side
from pricetime.errors import BookBusy, UnknownOrder
from tests.books import bid, command, queue, state

# ---------------------------------------------------------------------- made by halves, made twice

CALLS: list[Callable[[Any], object]] = [
    lambda book: book.add_order(1, 1, 100, 5),
    lambda book: book.match_order(1, 1, 100, 5),
    lambda book: book.cancel_order(1),
    lambda book: book.mass_cancel(1),
    lambda book: book.reduce_order(1, 1),
    lambda book: book.replace_order(1, 100, 5),
    lambda book: book.set_phase(0),
    lambda book: book.uncross(),
    lambda book: book.expire(1),
    lambda book: book.set_price(1, 100),
    lambda book: book.indicative(),
    lambda book: book.reference_price,
    lambda book: book.last_price,
    lambda book: book.phase(0),
    lambda book: book.best_bid,
    lambda book: book.best_ask,
    lambda book: book.depth(),
    lambda book: book.order(1),
    lambda book: book.orders(1, 100),
    lambda book: book.queue_position(1),
    lambda book: book.digest(),
    lambda book: book.check(),
    lambda book: book.dump(),
    lambda book: book.apply(np.zeros(1, COMMAND)),
    lambda book: book.book(0),
    lambda book: book.instruments,
    lambda book: 1 in book,
    lambda book: book.__reduce__(),
    len,
    list,
    repr,
]


@pytest.mark.parametrize("kind", [OrderBook, Engine])
@pytest.mark.parametrize("call", CALLS)
def test_what_was_never_made_answers_nothing(kind: Any, call: Callable[[Any], object]) -> None:
    with pytest.raises((AttributeError, TypeError)):
        call(kind.__new__(kind))


def test_a_book_is_made_once() -> None:
    book = OrderBook(10)
    bid(book, 1, 100, 5)
    before = state(book)
    with pytest.raises(TypeError, match="only once"):
        book.__init__(20)
    assert state(book) == before


def test_an_engine_is_made_once() -> None:
    engine = Engine([Instrument(0)], capacity=10)
    book = engine.book(0)
    bid(book, 1, 100, 5)
    before = state(book)
    with pytest.raises(TypeError, match="only once"):
        engine.__init__([Instrument(5)], capacity=1)
    assert state(book) == before
    assert list(engine.instruments) == [0]


def test_a_book_that_could_not_be_made_can_be_made_after_all() -> None:
    book = OrderBook.__new__(OrderBook)
    with pytest.raises(ValueError, match="capacity"):
        book.__init__(-1)
    book.__init__(5)
    assert len(book) == 0


@pytest.mark.compiled
@pytest.mark.parametrize("kind", [OrderBook, Engine])
def test_no_subclasses(kind: type[Any]) -> None:
    with pytest.raises(TypeError, match="not an acceptable base type"):
        type("Own", (kind,), {})


def test_a_ring_of_references_is_freed() -> None:
    ring: list[Any] = []
    engine = Engine([Instrument(0, symbol=ring)], capacity=10)  # type: ignore[arg-type]
    ring += [engine, engine.book(0)]
    bid(ring[1], 1, 100, 5)
    gc.collect()
    del ring, engine
    assert gc.collect() >= 3


# ---------------------------------------------------------------------- arguments that run code of their own


class Acts:
    """A whole number that does something each time it is looked at."""

    def __init__(self, act: Callable[[], int]) -> None:
        self.act = act

    def __index__(self) -> int:
        return self.act()


def sequence(*values: int) -> Acts:
    """A number with a different value at each conversion."""
    left = iter(values)
    return Acts(lambda: next(left))


#: Every place where a call takes a whole number. Owner 3 is that of order 1.
PLACES: list[tuple[str, dict[str, Any], str]] = [
    (method, given, name)
    for method, given in [
        ("add_order", {"order_id": 50, "side": 1, "price": 100, "quantity": 5, "owner": 1, "timestamp": 1}),
        ("add_order", {"order_id": 50, "side": 1, "price": 1, "quantity": 5, "time_in_force": 3, "self_trade": 1}),
        ("match_order", {"order_id": 50, "side": 1, "price": 100, "quantity": 5, "owner": 1}),
        ("cancel_order", {"order_id": 1, "owner": 3}),
        ("reduce_order", {"order_id": 1, "by": 1, "owner": 3}),
        ("replace_order", {"order_id": 1, "price": 100, "quantity": 50, "new_id": 9, "owner": 3}),
        ("depth", {"levels": 3}),
        ("order", {"order_id": 1}),
        ("orders", {"side": 1, "price": 100}),
        ("queue_position", {"order_id": 1}),
        ("__contains__", {"order_id": 1}),
    ]
    for name in given
]


def small_book() -> OrderBook:
    book = OrderBook(20)
    bid(book, 1, 100, 10, owner=3)
    bid(book, 2, 100, 10)
    return book


def call(book: OrderBook, method: str, given: dict[str, Any]) -> Any:
    if method == "__contains__":
        return given["order_id"] in book
    return getattr(book, method)(**given)


@pytest.mark.parametrize(("method", "given", "name"), PLACES, ids=[f"{place[0]} {place[2]}" for place in PLACES])
def test_an_interrupt_while_an_argument_is_looked_at(method: str, given: dict[str, Any], name: str) -> None:
    def interrupt() -> int:
        raise KeyboardInterrupt

    book = small_book()
    before = state(book)
    with pytest.raises(KeyboardInterrupt):
        call(book, method, {**given, name: Acts(interrupt)})
    assert state(book) == before


@pytest.mark.parametrize(("method", "given", "name"), PLACES, ids=[f"{place[0]} {place[2]}" for place in PLACES])
def test_an_argument_that_calls_the_book(method: str, given: dict[str, Any], name: str) -> None:
    """It finds the book free or busy; then the call continues unaffected."""
    book, expected = small_book(), small_book()
    answers: list[int | None] = []

    def ask() -> int:
        try:
            answers.append(len(book))
        except BookBusy:
            answers.append(None)
        return int(given[name])

    assert str(call(book, method, {**given, name: Acts(ask)})) == str(call(expected, method, given))
    assert set(answers) <= {2, None}
    assert answers
    assert state(book) == state(expected)


@pytest.mark.parametrize("method", ["cancel_order", "reduce_order", "replace_order"])
def test_the_owner_is_that_of_the_order_which_is_changed(method: str) -> None:
    """Although the order id converts to a different value the second time."""
    more: dict[str, dict[str, int]] = {
        "cancel_order": {},
        "reduce_order": {"by": 1},
        "replace_order": {"price": 1, "quantity": 1},
    }
    book = OrderBook(10)
    bid(book, 1, 100, 10, owner=3)
    bid(book, 2, 100, 10, owner=4)
    with pytest.raises(UnknownOrder, match="no order 1 of owner 4"):
        getattr(book, method)(sequence(1, 2, 2), owner=4, **more[method])
    assert queue(book, Side.BID, 100) == [(1, 10), (2, 10)]


class Longer(np.ndarray):
    """Says that it has more commands than it has, and shows other memory than its own."""

    def __len__(self) -> int:
        return 10_000_000

    @property
    def size(self) -> int:
        return 10_000_000

    def view(self, *_: Any) -> Any:  # type: ignore[override]
        return np.zeros(1, np.uint8)


def test_a_subclass_of_array_that_is_not_what_it_says() -> None:
    commands = np.concatenate(
        [command(CommandType.NEW_ORDER, order_id=i, side=1, price=i, quantity=1) for i in range(3)]
    )
    book = OrderBook(10)
    assert book.apply(commands.view(Longer))["order_id"].tolist() == [0, 1, 2]
    assert len(book) == 3
