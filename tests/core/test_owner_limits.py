"""What one owner may ask for: open orders, the quantity of an order, its distance from the best price."""

import copy
import pickle
from typing import Any

import pytest

from pricetime import ASK, BID, CommandType, Engine, Instruction, Instrument, OrderBook, OwnerLimits
from pricetime.errors import InvalidSetting, OwnerOrdersFull, PriceTooFar, QuantityAboveLimit
from pricetime.types import Reason, ReportKind
from tests.books import FOK, IOC, MARKET, POST_ONLY, ask, bid, command, reports_of, state


def make(make_book: Any, **limits: Any) -> Any:
    return make_book(100, owner_limit=10, limits={0: OwnerLimits(**limits)})


# ---------------------------------------------------------------------- open orders


def test_an_owner_has_no_more_open_orders_than_it_may(make_book: Any) -> None:
    book = make(make_book, open_orders=2)
    bid(book, 1, 100, 5, owner=1)
    ask(book, 2, 110, 5, owner=1, **POST_ONLY)
    before = state(book)
    for terms in ({}, POST_ONLY):
        with pytest.raises(OwnerOrdersFull):
            bid(book, 3, 99, 5, owner=1, **terms)
    assert state(book) == before
    bid(book, 3, 99, 5, owner=2)  # others have their own
    bid(book, 4, 99, 5)  # and owner 0 has no limit
    bid(book, 5, 99, 5, owner=10)  # nor has an owner whose orders are not counted


def test_what_may_not_rest_needs_no_room_among_them(make_book: Any) -> None:
    book = make(make_book, open_orders=1)
    bid(book, 1, 100, 5, owner=1)
    ask(book, 2, 110, 5, owner=2)
    assert len(bid(book, 3, 110, 1, owner=1, **IOC)) == 1
    assert len(bid(book, 3, 110, 1, owner=1, **FOK)) == 1
    assert len(bid(book, 3, 0, 1, owner=1, **MARKET)) == 1
    with pytest.raises(OwnerOrdersFull):  # as with a full book: before its first trade
        bid(book, 3, 110, 1, owner=1)


@pytest.mark.parametrize("how", ["cancel", "reduce", "fill", "mass cancel", "self-trade"])
def test_an_order_that_is_gone_makes_room(make_book: Any, how: str) -> None:
    book = make(make_book, open_orders=1)
    bid(book, 1, 100, 5, owner=1)
    if how == "cancel":
        book.cancel_order(1)
    elif how == "reduce":
        book.reduce_order(1, 5)
    elif how == "fill":
        ask(book, 2, 100, 5, owner=2)
    elif how == "self-trade":
        ask(book, 2, 100, 1, owner=1, self_trade=3, **IOC)
    else:
        book.mass_cancel(1)
    bid(book, 3, 100, 5, owner=1)
    with pytest.raises(OwnerOrdersFull):
        bid(book, 4, 100, 5, owner=1)


def test_a_replace_is_no_order_more(make_book: Any) -> None:
    book = make(make_book, open_orders=1)
    bid(book, 1, 100, 5, owner=1)
    book.replace_order(1, 101, 9, new_id=7)
    book.replace_order(7, 102, 10)
    assert [order.id for order in book] == [7]


def test_they_are_counted_over_all_books() -> None:
    engine = Engine(
        [Instrument(0), Instrument(1)], capacity=100, owner_limit=10, limits={1: OwnerLimits(open_orders=2)}
    )
    new = {"side": 1, "price": 100, "quantity": 5}
    kinds = []
    for order_id, (instrument, owner) in enumerate([(0, 1), (1, 1), (0, 1), (1, 1), (0, 2), (0, 2), (0, 2)]):
        asked = command(CommandType.NEW_ORDER, order_id=order_id, instrument=instrument, owner=owner, **new)
        [report] = reports_of(engine.apply(asked))
        kinds.append(report.reason)
    assert kinds == [0, 0, Reason.OWNER_ORDERS_FULL, Reason.OWNER_ORDERS_FULL, 0, 0, 0]


# ---------------------------------------------------------------------- quantity


@pytest.mark.parametrize("terms", [{}, IOC, FOK, POST_ONLY, MARKET], ids=str)
def test_no_order_is_larger(make_book: Any, terms: dict[str, Any]) -> None:
    book = make(make_book, quantity=10)
    bid(book, 1, 100, 10, owner=1, **terms)
    with pytest.raises(QuantityAboveLimit):
        bid(book, 2, 100, 11, owner=1, **terms)
    bid(book, 3, 100, 11, **terms)


def test_nor_becomes_larger_by_a_replace(make_book: Any) -> None:
    book = make(make_book, quantity=10)
    bid(book, 1, 100, 5, owner=1)
    book.replace_order(1, 100, 10)
    for new_id in (None, 7):
        with pytest.raises(QuantityAboveLimit):
            book.replace_order(1, 100, 11, new_id=new_id)
    assert book.order(1).quantity == 10


def test_an_order_from_before_a_limit_may_become_smaller() -> None:
    free = Engine([Instrument(0)], capacity=10, owner_limit=10)
    free.book(0).add_order(1, BID, 100, 50, owner=1)
    bound = Engine([Instrument(0)], capacity=10, owner_limit=10, limits={0: OwnerLimits(quantity=10, price_distance=0)})
    bound.restore(free.dump())
    book = bound.book(0)
    book.replace_order(1, 100, 40)
    with pytest.raises(QuantityAboveLimit):
        book.replace_order(1, 100, 41)
    book.add_order(2, ASK, 100 + 0, 1, owner=2, **IOC)
    book.replace_order(1, 100, 20)  # its price stays, however far that is


# ---------------------------------------------------------------------- price


def test_the_distance_is_from_the_best_price_of_the_other_side(make_book: Any) -> None:
    book = make(make_book, price_distance=10)
    ask(book, 1, 200, 5)
    bid(book, 2, 100, 5)
    for price in (190, 195, 210):
        bid(book, 3, price, 1, owner=1, **IOC)
    for price in (189, 211, -(2**63), 2**63 - 1):
        with pytest.raises(PriceTooFar):
            bid(book, 3, price, 1, owner=1, **IOC)
    ask(book, 4, 110, 1, owner=1)
    with pytest.raises(PriceTooFar):
        ask(book, 5, 111, 1, owner=1)


def test_of_its_own_side_when_the_other_is_empty_and_of_none_when_both_are(make_book: Any) -> None:
    book = make(make_book, price_distance=10)
    bid(book, 1, 12345, 5, owner=1)
    bid(book, 2, 12355, 5, owner=1)
    with pytest.raises(PriceTooFar):
        bid(book, 3, 12366, 5, owner=1)
    with pytest.raises(PriceTooFar):
        bid(book, 3, 12344, 5, owner=1)


def test_a_market_order_has_no_price(make_book: Any) -> None:
    book = make(make_book, price_distance=0)
    ask(book, 1, 200, 5)
    assert len(bid(book, 2, 0, 1, owner=1, **MARKET)) == 1


def test_a_replace_that_moves_is_checked(make_book: Any) -> None:
    book = make(make_book, price_distance=10)
    bid(book, 1, 100, 5, owner=1)
    ask(book, 2, 110, 5)
    with pytest.raises(PriceTooFar):
        book.replace_order(1, 99, 5)
    bid(book, 3, 90, 5)
    book.replace_order(1, 105, 5)
    book.cancel_order(2)
    ask(book, 4, 2**63 - 1, 5)
    with pytest.raises(PriceTooFar):
        book.replace_order(1, -(2**63), 5)
    book.replace_order(1, 105, 9)  # its price stays


# ---------------------------------------------------------------------- whose they are


def test_limits_of_one_owner_stand_in_for_those_of_all(make_book: Any) -> None:
    limits = {0: OwnerLimits(quantity=10), 7: OwnerLimits(quantity=100), 8: OwnerLimits()}
    book = make_book(100, owner_limit=10, limits=limits)
    bid(book, 1, 100, 100, owner=7)
    bid(book, 2, 100, 10**6, owner=8)
    with pytest.raises(QuantityAboveLimit):
        bid(book, 3, 100, 101, owner=7)
    with pytest.raises(QuantityAboveLimit):
        bid(book, 3, 100, 11, owner=9)


def test_copies_have_them() -> None:
    book = OrderBook(10, owner_limit=3, limits={0: OwnerLimits(open_orders=1, quantity=9, price_distance=4)})
    book.add_order(1, BID, 100, 5, owner=1)
    for other in (copy.copy(book), pickle.loads(pickle.dumps(book))):
        for refused, price, quantity in ((QuantityAboveLimit, 100, 10), (PriceTooFar, 95, 1), (OwnerOrdersFull, 96, 1)):
            with pytest.raises(refused):
                other.add_order(2, BID, price, quantity, owner=1)


def test_the_order_of_the_checks() -> None:
    book = OrderBook(1, owner_limit=3, limits={0: OwnerLimits(open_orders=1, quantity=9, price_distance=4)})
    book.add_order(1, BID, 100, 5, owner=1)
    asked = {"side": 2, "price": 100, "quantity": 10, "owner": 1, "instructions": Instruction.POST_ONLY}
    steps: list[tuple[dict[str, int], Reason]] = [
        ({"order_id": 1}, Reason.DUPLICATE_ORDER_ID),
        ({"order_id": 2, "price": 90}, Reason.QUANTITY_ABOVE_LIMIT),
        ({"order_id": 2, "price": 90, "quantity": 9}, Reason.PRICE_TOO_FAR),
        ({"order_id": 2, "quantity": 9}, Reason.WOULD_CROSS),
        ({"order_id": 2, "quantity": 9, "instructions": 0}, Reason.OWNER_ORDERS_FULL),
        ({"order_id": 2, "quantity": 9, "instructions": 0, "owner": 2}, Reason.ORDERS_FULL),
    ]
    for fields, reason in steps:
        [report] = reports_of(book.apply(command(CommandType.NEW_ORDER, **(asked | fields))))
        assert (report.kind, report.reason) == (ReportKind.REJECTED, reason)


# ---------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    "fields",
    [
        {"open_orders": 0},
        {"open_orders": 2**32},
        {"quantity": 0},
        {"quantity": 2**63},
        {"quantity": 1.5},
        {"price_distance": -1},
        {"price_distance": 2**64},
        {"price_distance": True},
    ],
    ids=str,
)
def test_a_limit_that_is_none(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        OwnerLimits(**fields)


@pytest.mark.parametrize("limits", [{-1: OwnerLimits()}, {4: OwnerLimits()}, {1: 5}, {"1": OwnerLimits()}], ids=str)
def test_limits_of_none(limits: Any) -> None:
    with pytest.raises(InvalidSetting):
        OrderBook(10, owner_limit=4, limits=limits)


def test_limits_need_owners() -> None:
    with pytest.raises(InvalidSetting, match="give a larger owner_limit"):
        OrderBook(10, limits={0: OwnerLimits(quantity=1)})
