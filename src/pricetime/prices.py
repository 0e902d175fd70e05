"""Prices for people: decimals in currency on the way in and out. Books, commands and reports have whole ticks only."""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation
from typing import Any

from .checks import shown
from .errors import InvalidPrice, InvalidSetting

#: What ``price_unit`` converts.
PriceUnit = Decimal | float | str

#: Digits that a price unit may have after the point.
MOST_DECIMALS = 18

#: More digits than a price of 64 bits times a unit has.
_EXACT = Context(prec=200, traps=[InvalidOperation])


def price_unit(value: Any) -> Decimal:
    """The currency value of one tick, from a Decimal, int, float or str. Its digits are those that prices show.

    Raises InvalidSetting if it is not a finite number above 0, or has more than ``MOST_DECIMALS`` decimals.

    ```python
    >>> price_unit("0.25"), price_unit("0.50")
    (Decimal('0.25'), Decimal('0.50'))
    ```
    """
    try:
        unit = value if isinstance(value, Decimal) else Decimal(str(value))
        if unit.is_finite() and unit == unit.to_integral_value() and (isinstance(value, float) or unit % 10 == 0):
            unit = unit.quantize(Decimal(1))  # 1.0 and 1E+2 have no digits after the point
    except InvalidOperation:
        unit = Decimal("NaN")
    if isinstance(value, bool) or not unit.is_finite() or unit <= 0:
        raise InvalidSetting(f"price unit {shown(value)} is not a number above 0: give the value of one tick, as 0.25")
    if decimals(unit) > MOST_DECIMALS or unit.scaleb(decimals(unit)) >= 2**63:
        raise InvalidSetting(f"price unit {shown(value)} has too many digits: give up to {MOST_DECIMALS} decimals")
    return unit


def decimals(unit: Decimal) -> int:
    """How many digits after the point the prices of this unit have.

    ```python
    >>> decimals(Decimal("0.25")), decimals(Decimal(1))
    (2, 0)
    ```
    """
    return max(0, -int(unit.as_tuple().exponent))


def in_currency(ticks: int, unit: Decimal) -> str:
    """A price in ticks as text in currency, exact.

    ```python
    >>> in_currency(403, Decimal("0.25"))
    '100.75'
    ```
    """
    return f"{_EXACT.multiply(Decimal(int(ticks)), unit):.{decimals(unit)}f}"


def in_ticks(value: Any, unit: Decimal) -> int:
    """A price in currency as whole ticks. Raises InvalidPrice if it lies between two ticks.

    ```python
    >>> in_ticks("100.75", Decimal("0.25"))
    403
    ```
    """
    try:
        price = Decimal(str(value))
        if price.is_nan():
            raise InvalidOperation
        ticks, rest = _EXACT.divmod(price, unit)
    except InvalidOperation:  # no number, an infinite one, or one of hundreds of digits
        raise InvalidPrice(f"price {shown(value)} is not a number") from None
    if rest:
        given = value if isinstance(value, Decimal) else shown(value)
        near = f"{in_currency(int(ticks), unit)} or {in_currency(int(ticks) + (1 if rest > 0 else -1), unit)}"
        raise InvalidPrice(f"price {given} is not a multiple of {unit}: give {near}")
    return int(ticks)
