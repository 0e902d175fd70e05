"""``Trade`` and ``Execution``: what a command hands back."""

import copy
import pickle
from typing import Any

import pytest

from pricetime import ASK, BID, Execution, OrderBook, Reason, SelfTrade, TimeInForce, Trade
from pricetime.errors import InvalidOrderId, InvalidPrice, InvalidQuantity

TRADE = Trade(1, 2**64 - 1, -(2**63), 2**63 - 1)
EXECUTION = Execution(7, [Trade(1, 7, 100, 5)], 0, 3, Reason.IOC_REMAINDER)


def test_a_trade_reads_like_a_named_tuple() -> None:
    maker_id, taker_id, price, quantity = TRADE
    assert (maker_id, taker_id, price, quantity) == (1, 2**64 - 1, -(2**63), 2**63 - 1)
    assert (TRADE.maker_id, TRADE.taker_id, TRADE.price, TRADE.quantity) == tuple(TRADE)
    assert (TRADE[0], TRADE[-1], TRADE[1:3], len(TRADE)) == (1, quantity, (taker_id, price), 4)
    with pytest.raises(IndexError):
        TRADE[4]
    assert repr(Trade(1, 2, 100, 5)) == "Trade(maker_id=1, taker_id=2, price=100, quantity=5)"


def test_a_trade_compares_and_hashes_as_the_tuple_of_its_values() -> None:
    same = Trade(maker_id=1, taker_id=2, price=100, quantity=5)
    assert same == Trade(1, 2, 100, 5) == (1, 2, 100, 5)
    assert same == (1, 2, 100, 5)
    assert same != Trade(1, 2, 100, 6)
    assert same != (1, 2, 100)
    assert same != [1, 2, 100, 5]
    assert {same: "found"}[(1, 2, 100, 5)] == "found"  # type: ignore[index]


def test_patterns() -> None:
    match EXECUTION:
        case Execution(order_id=7, trades=(trade,), cancelled=3):
            assert trade is EXECUTION.trades[0]
        case _:
            pytest.fail("no match")
    match EXECUTION.trades[0]:
        case Trade(1, taker_id):
            assert taker_id == 7
        case _:
            pytest.fail("no match")
    any_sequence: Any = EXECUTION.trades[0]
    match any_sequence:
        case [_, _, 100, quantity]:
            assert quantity == 5
        case _:
            pytest.fail("no match")


@pytest.mark.parametrize("value", [TRADE, EXECUTION], ids=["trade", "execution"])
def test_copies(value: Any) -> None:
    for again in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert again == value
        assert hash(again) == hash(value)
        assert type(again) is type(value)


@pytest.mark.parametrize("name", ["maker_id", "taker_id", "price", "quantity"])
def test_a_trade_does_not_change(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(TRADE, name, 1)


@pytest.mark.parametrize("name", ["order_id", "trades", "resting", "cancelled", "reason"])
def test_an_execution_does_not_change(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(EXECUTION, name, 1)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ((-1, 1, 1, 1), InvalidOrderId),
        ((1, 2**64, 1, 1), InvalidOrderId),
        ((1, 1, 2**63, 1), InvalidPrice),
        ((1, 1, 1.5, 1), InvalidPrice),
        ((1, 1, 1, 0), InvalidQuantity),
    ],
)
def test_a_trade_of_values_that_no_trade_has(values: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        Trade(*values)


def test_an_execution_of_values_that_none_has() -> None:
    for values, error in (
        ((-1, [], 0, 0, 0), InvalidOrderId),
        ((1, [(1, 2, 3, 4)], 0, 0, 0), TypeError),
        ((1, [], -1, 0, 0), InvalidQuantity),
        ((1, [], 0, 2**63, 0), InvalidQuantity),
        ((1, [], 0, 0, 250), ValueError),
    ):
        with pytest.raises(error):
            Execution(*values)  # type: ignore[arg-type]


def test_an_execution_is_read_and_compared() -> None:
    assert (EXECUTION.order_id, EXECUTION.resting, EXECUTION.cancelled) == (7, 0, 3)
    assert EXECUTION.reason is Reason.IOC_REMAINDER
    assert isinstance(EXECUTION.trades, tuple)
    assert Execution(7, (), 0, 3, 32) != EXECUTION
    assert (7, EXECUTION.trades, 0, 3, 32) != EXECUTION
    assert repr(EXECUTION) == (
        "Execution(order_id=7, trades=(Trade(maker_id=1, taker_id=7, price=100, quantity=5),), resting=0, "
        "cancelled=3, reason=Reason.IOC_REMAINDER)"
    )


def test_the_quantities_of_a_command_add_up() -> None:
    """Also if self-trade prevention takes lots off the order before the rest of it is cancelled."""
    book = OrderBook(self_trade=SelfTrade.DECREMENT)
    book.add_order(1, ASK, 100, 3, owner=1)
    book.add_order(2, ASK, 100, 4)
    execution = book.add_order(3, BID, 100, 10, owner=1)
    assert execution == Execution(3, [Trade(2, 3, 100, 4)], 3, 3, Reason.SELF_TRADE)
    book.cancel_order(3)
    book.add_order(1, ASK, 100, 3, owner=1)
    execution = book.match_order(4, BID, 100, 10, owner=1)
    assert execution == Execution(4, [], 0, 10, Reason.IOC_REMAINDER)


def test_the_execution_of_a_replace() -> None:
    book = OrderBook()
    book.add_order(1, BID, 100, 10)
    assert book.replace_order(1, 100, 8) == Execution(1, [], 8, 0, Reason.KEPT_PLACE)
    assert book.replace_order(1, 99, 8, new_id=2) == Execution(2, [], 8, 0, Reason.NONE)
    book.add_order(3, ASK, 105, 5)
    assert book.replace_order(2, 105, 9) == Execution(2, [Trade(3, 2, 105, 5)], 4, 0, Reason.NONE)
    assert book.add_order(5, ASK, 200, 5, time_in_force=TimeInForce.FOK).reason is Reason.FOK_UNFILLABLE


def test_many_trades_come_and_go() -> None:
    """More of them at once than the free lists hold."""
    book = OrderBook()
    kept: list[tuple[Trade, ...]] = []
    for _ in range(3):
        for order_id in range(1000):
            book.add_order(order_id, ASK, order_id, 1)
        kept.append(book.add_order(5000, BID, 1000, 1000).trades)
    assert kept[0] == kept[1] == kept[2] == tuple(Trade(n, 5000, n, 1) for n in range(1000))
