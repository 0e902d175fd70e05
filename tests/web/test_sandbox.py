"""What a page asks for, as an order."""

from decimal import Decimal

import pytest

from pricetime.types import Instruction, OrderType, Side, TimeInForce
from pricetime.web.orders import Request
from pricetime.web.sandbox import Refused, requested
from tests.web.served import PLAIN

UNIT = Decimal("0.25")


def asked(**more: object) -> Request:
    return requested({**PLAIN, "side": "bid", "quantity": "100", "price": "10.50", **more}, UNIT)


def test_a_plain_order() -> None:
    assert asked() == Request(Side.BID, 100, 42)


def test_an_order_with_every_field() -> None:
    assert asked(
        side="ask", type="stop-limit", time_in_force="gtd", trigger_price="11.00", display_quantity="10",
        minimum_quantity=" 5 ", expiry="1700000000123",
    ) == Request(
        Side.ASK, 100, 42, OrderType.STOP_LIMIT, TimeInForce.GTD, 0, 44, 10, 5, 1_700_000_000_123_000_000
    )  # fmt: skip
    assert asked(instruction="at-the-close").instruction == Instruction.AT_THE_CLOSE


@pytest.mark.parametrize("kind", ["market", "market-to-limit", "stop"])
def test_fields_that_an_order_does_not_use_are_ignored(kind: str) -> None:
    made = asked(type=kind, price="no number", trigger_price="11", expiry="no time", protection="0.5")
    assert made.price is None
    assert made.trigger_price == (44 if kind == "stop" else None)
    assert made.expiry_ns is None
    assert made.protection == (None if kind == "market-to-limit" else 2)
    assert asked(type=kind, trigger_price="11").protection is None


def test_messages_name_the_field() -> None:
    with pytest.raises(Refused, match=r"trigger price '11.1' is not a multiple of 0.25: give 11.00 or 11.25"):
        asked(type="stop", trigger_price="11.1")
    with pytest.raises(Refused, match="price 'one' is not a number"):
        asked(price="one")
