"""The position, cost and profit that trades lead to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime.types import Side
from pricetime.web.positions import Position, Positions

BUY, SELL = Side.BID, Side.ASK
Trades = list[tuple[Side, int, int]]


def after(*trades: tuple[Side, int, int]) -> tuple[int, int, int]:
    """Quantity, cost and realised profit after trades: side, price, quantity."""
    position = Position()
    for trade in trades:
        position.trade(*trade)
    return position.quantity, position.cost, position.realised


@pytest.mark.parametrize(
    ("trades", "expected"),
    [
        ([(BUY, 100, 10)], (10, 1000, 0)),
        ([(BUY, 100, 10), (BUY, 110, 10)], (20, 2100, 0)),
        ([(BUY, 100, 10), (SELL, 105, 4)], (6, 600, 20)),
        ([(BUY, 100, 10), (SELL, 95, 10)], (0, 0, -50)),
        ([(SELL, 100, 10)], (-10, -1000, 0)),
        ([(SELL, 100, 10), (BUY, 95, 4)], (-6, -600, 20)),
        ([(BUY, 100, 10), (SELL, 105, 15)], (-5, -525, 50)),  # from bought to sold in one trade
        ([(SELL, 100, 10), (BUY, 105, 15)], (5, 525, -50)),
    ],
)
def test_average_cost(trades: Trades, expected: tuple[int, int, int]) -> None:
    assert after(*trades) == expected


@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(-200, 200), st.integers(1, 50)), max_size=30))
def test_cost_and_realised_profit_add_up_to_the_money_paid_and_received(trades: Trades) -> None:
    quantity, cost, realised = after(*trades)
    signs = [1 if side is BUY else -1 for side, _, _ in trades]
    assert quantity == sum(sign * lots for sign, (_, _, lots) in zip(signs, trades, strict=True))
    paid = sum(sign * price * lots for sign, (_, price, lots) in zip(signs, trades, strict=True))
    assert cost - realised == paid
    assert quantity or not cost


def test_each_instrument_has_its_own_position() -> None:
    positions = Positions()
    positions.trade(2, BUY, 10, 1)
    positions.trade(1, SELL, 2**62, 4)
    assert positions.rows() == [
        {"instrument": 1, "quantity": -4, "cost": str(-(2**64)), "realised": 0},
        {"instrument": 2, "quantity": 1, "cost": 10, "realised": 0},
    ]
