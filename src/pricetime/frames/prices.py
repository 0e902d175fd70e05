"""Columns of prices: currency to whole ticks and back. The rules are those of ``pricetime.prices``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np

from ..core.instrument import Instrument
from ..errors import InvalidPrice, PricetimeError
from ..prices import in_ticks, price_unit

#: What ``tick_size`` may be: the value of one tick of every instrument, or the instruments by id; None for ticks.
TickSize: TypeAlias = Decimal | float | str | Mapping[int, Instrument] | None

#: A float may be this far from a tick, as a share of the tick, or as many times the spacing of floats at its size.
NEAR_TICK, NEAR_FLOATS = 1e-6, 4

#: Floats are exact integers up to here.
EXACT = 2**53


def to_ticks(values: Any, unit: Decimal, used: Any, fail: Callable[[int, PricetimeError], Exception]) -> Any:
    """Prices in currency as whole ticks, an array of i64; 0 where they are not ``used``.

    ``values``: a NumPy array of numbers, or of objects. A float may be as far from a tick as rounding takes it; other
    values are exact. ``fail``: makes the error to raise from the row and the reason. O(rows).
    """
    ticks = np.zeros(len(values), np.int64)
    if values.dtype.kind not in "iuf":
        known: dict[Any, int] = {}
        for row in np.flatnonzero(used).tolist():
            value = values[row]
            if value not in known:
                known[value] = _exact(value, unit, row, fail)
            ticks[row] = known[value]
        return ticks
    ratio = Fraction(unit)
    prices = np.where(used, values, 0).astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        found = np.rint(prices * ratio.denominator / ratio.numerator)
        spacing = np.spacing(np.abs(prices).astype(values.dtype if values.dtype.kind == "f" else np.float64))
        tick = float(unit)
        allowed = np.minimum(np.maximum(NEAR_TICK * tick, NEAR_FLOATS * spacing.astype(np.float64)), tick / 4)
        back = found * ratio.numerator / ratio.denominator
        good = (np.abs(prices - back) <= allowed) & (np.abs(found) * max(ratio.numerator, 1) < EXACT)
    ticks[good] = found[good].astype(np.int64)
    for row in np.flatnonzero(~good & used).tolist():  # between two ticks, no number, or too large for a float
        ticks[row] = _exact(values[row].item(), unit, row, fail)
    return ticks


def _exact(value: Any, unit: Decimal, row: int, fail: Callable[[int, PricetimeError], Exception]) -> int:
    try:
        ticks = in_ticks(value, unit)
        if not -(2**63) <= ticks < 2**63:
            raise InvalidPrice(f"price {value} is {ticks} ticks, which is beyond 64 bits")
    except PricetimeError as error:
        raise fail(row, error) from error
    return ticks


def in_currency_column(ticks: Any, instruments: Any, tick_size: TickSize) -> Any:
    """Prices in ticks as floats in currency, each the float nearest to the exact price; as they are if it is None.

    ``instruments``: the instrument of each price, or None if all have one tick size. O(prices).
    """
    if tick_size is None:
        return ticks
    if not isinstance(tick_size, Mapping):
        return _currency(ticks, price_unit(tick_size))
    prices = np.full(len(ticks), np.nan)
    for number in np.unique(instruments).tolist():
        unit = tick_size[number].price_unit if number in tick_size else Decimal(1)
        mine = instruments == number
        prices[mine] = _currency(ticks[mine], unit)
    return prices


def _currency(ticks: Any, unit: Decimal) -> Any:
    ratio = Fraction(unit)
    return ticks.astype(np.float64) * float(ratio.numerator) / float(ratio.denominator)
