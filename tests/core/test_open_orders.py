"""OPEN_ORDERS: which orders of an owner are reported, in which order, how many at a time, and how to continue."""

from typing import Any

import numpy as np
import pytest

from pricetime import CommandType, Engine, Instrument
from pricetime.core import layout
from pricetime.core.builder import BookBuilder
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.types import OPEN_ORDERS_TOLD, Reason, ReportKind
from tests.books import AppliedBook, ask, bid, command, reports_of

END, ORDER = ReportKind.OPEN_ORDERS_END, ReportKind.OPEN_ORDER


def asked(owner: int, behind: int | None = None, **fields: int) -> np.ndarray[Any, Any]:
    if behind is not None:
        fields |= {"flags": 1, "quantity": behind}
    return command(CommandType.OPEN_ORDERS, owner=owner, order_id=77, **fields)


def answer(book: Any, question: np.ndarray[Any, Any]) -> list[Any]:
    """Its reports, of a book of any kind."""
    if isinstance(book, ReferenceBook):
        return reports_of(apply(book, question))
    return reports_of((book.book if isinstance(book, AppliedBook) else book).apply(question))


@pytest.fixture
def book(make_book: Any) -> Any:
    made = make_book(100, owner_limit=4)
    bid(made, 11, 100, 5, owner=1)
    ask(made, 21, 110, 5, owner=2)
    ask(made, 12, 109, 6, owner=1)
    bid(made, 1, 100, 5)
    bid(made, 13, 101, 7, owner=1)
    return made


def test_the_sheet_has_the_same_numbers() -> None:
    sheet: Any = layout
    assert sheet.OPEN_ORDERS_TOLD == OPEN_ORDERS_TOLD
    assert (sheet.OPEN_ORDER, sheet.OPEN_ORDERS_END, sheet.MORE_FOLLOW) == (ORDER, END, Reason.MORE_FOLLOW)


def test_the_orders_of_one_owner_oldest_first() -> None:
    engine = Engine([Instrument(1), Instrument(2)], owner_limit=3)
    for n, instrument in enumerate((2, 1, 2, 1), 1):
        new = {"order_id": n, "owner": 1 + (n == 3), "side": 1, "price": 100 - n, "quantity": 10 * n}
        engine.apply(command(CommandType.NEW_ORDER, instrument=instrument, **new))
    engine.apply(command(CommandType.REDUCE_ORDER, instrument=2, order_id=1, quantity=4))
    reports = engine.apply(asked(1, instrument=9))
    fields = ["kind", "reason", "instrument", "order_id", "maker_id", "side", "price", "quantity"]
    assert reports[fields].tolist() == [
        (ORDER, 0, 2, 1, 0, 1, 99, 6),
        (ORDER, 0, 1, 2, 0, 1, 98, 20),
        (ORDER, 0, 1, 4, 0, 1, 96, 40),
        (END, 0, 9, 77, 0, 0, 0, 3),
    ]
    assert engine.apply(asked(1, behind=1, instrument=2))["order_id"].tolist() == [2, 4, 77]
    [end] = engine.apply(asked(1, behind=1, instrument=1))
    assert end["reason"] == Reason.UNKNOWN_ORDER, "ids are those of an instrument"
    [end] = engine.apply(asked(1, behind=1, instrument=500))
    assert end["reason"] == Reason.UNKNOWN_ORDER


@pytest.mark.parametrize(
    ("behind", "told", "reason"),
    [
        (None, [11, 12, 13], Reason.NONE),
        (11, [12, 13], Reason.NONE),
        (13, [], Reason.NONE),
        (21, [], Reason.UNKNOWN_ORDER),
        (1, [], Reason.UNKNOWN_ORDER),
        (99, [], Reason.UNKNOWN_ORDER),
    ],
)
def test_behind_an_order_of_its_own(book: Any, behind: int | None, told: list[int], reason: Reason) -> None:
    before = book.digest()
    *orders, end = answer(book, asked(1, behind))
    assert [order.order_id for order in orders] == told
    assert (end.kind, end.reason, end.order_id, end.quantity) == (END, reason, 77, len(told))
    assert book.digest() == before


@pytest.mark.parametrize("owner", [0, 3, 4, 2**32 - 1])
@pytest.mark.parametrize("behind", [None, 1])
def test_an_owner_without_orders(book: Any, owner: int, behind: int | None) -> None:
    [end] = answer(book, asked(owner, behind))
    assert (end.kind, end.quantity) == (END, 0)


def test_owners_whose_orders_are_not_kept_together(make_book: Any) -> None:
    book = make_book(10)
    bid(book, 11, 100, 5, owner=1)
    [end] = answer(book, asked(1))
    assert (end.kind, end.reason, end.quantity) == (END, Reason.NONE, 0)
    [end] = answer(book, asked(1, 11))
    assert (end.kind, end.reason, end.quantity) == (END, Reason.UNKNOWN_ORDER, 0)


def test_a_replace_that_loses_its_place_comes_last(book: Any) -> None:
    book.replace_order(11, 100, 9)
    assert [r.order_id for r in answer(book, asked(1))] == [12, 13, 11, 77]


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_no_more_than_a_few_at_a_time(make_book: Any, more: int) -> None:
    count = OPEN_ORDERS_TOLD + more
    book = make_book(count, owner_limit=2)
    for n in range(1, count + 1):
        bid(book, n, 100, 1, owner=1)
    *orders, end = answer(book, asked(1))
    assert [order.order_id for order in orders] == list(range(1, min(count, OPEN_ORDERS_TOLD) + 1))
    assert end.reason == (Reason.MORE_FOLLOW if more > 0 else Reason.NONE)
    rest = answer(book, asked(1, OPEN_ORDERS_TOLD)) if more >= 0 else []
    assert [order.order_id for order in rest[:-1]] == list(range(OPEN_ORDERS_TOLD + 1, count + 1))


def test_there_is_room_for_the_answers_of_a_whole_array() -> None:
    """What they tell does not leave the books, so the next may tell it again."""
    engine = Engine([Instrument(1)], capacity=300, owner_limit=2)
    new = {"side": 1, "price": 100, "quantity": 1, "owner": 1}
    engine.apply(np.concatenate([command(CommandType.NEW_ORDER, instrument=1, order_id=n, **new) for n in range(300)]))
    reports = engine.apply(np.concatenate([asked(1)] * 40))
    assert reports["kind"].tolist() == ([ORDER] * OPEN_ORDERS_TOLD + [END]) * 40
    engine.check()


def test_a_rebuilt_book_passes_over_them() -> None:
    engine = Engine([Instrument(1)], owner_limit=2)
    builder = BookBuilder([1])
    builder.apply(engine.apply(command(CommandType.NEW_ORDER, instrument=1, side=1, price=1, quantity=1, owner=1)))
    builder.apply(engine.apply(asked(1)))
    assert builder.seq_num == engine.seq_num == 3
    assert builder.digest() == engine.digest()
