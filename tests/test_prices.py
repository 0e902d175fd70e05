"""Prices in currency and in ticks."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pricetime import Instrument, prices
from pricetime.errors import InvalidPrice, InvalidSetting


@given(st.integers(-(2**63), 2**63 - 1), st.decimals("1e-9", "1e9", places=9))
@example(2**63 - 1, Decimal("999999999.999999999"))
def test_a_price_comes_back(ticks: int, unit: Decimal) -> None:
    assert prices.in_ticks(prices.in_currency(ticks, unit), unit) == ticks


@pytest.mark.parametrize("unit", [0, -1, "x", "nan", "inf", True, None])
def test_a_unit_that_is_no_number_above_0(unit: Any) -> None:
    with pytest.raises(InvalidSetting, match="price unit"):
        Instrument(1, price_unit=unit)


@pytest.mark.parametrize("unit", ["0.25", 0.25, Decimal("0.25")])
def test_units_of_every_type(unit: Any) -> None:
    assert Instrument(1, price_unit=unit).price_unit == Decimal("0.25")


def test_a_price_between_two_ticks_names_both() -> None:
    with pytest.raises(InvalidPrice, match=r"'100\.8' is not a multiple of 0\.25: give 100\.75 or 101\.00"):
        prices.in_ticks("100.8", Decimal("0.25"))


@pytest.mark.parametrize("text", ["x", "nan", "inf", "", "1e900"])
def test_text_that_is_no_price(text: str) -> None:
    with pytest.raises(InvalidPrice):
        prices.in_ticks(text, Decimal(1))
