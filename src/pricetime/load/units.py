"""Times and rates as text with three digits and a unit."""

from __future__ import annotations

from collections.abc import Sequence

TIMES = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns"))
RATES = ((1e9, "G/s"), (1e6, "M/s"), (1e3, "k/s"), (1, "/s"))


def duration(ns: float) -> str:
    """A time: ``850 ns``, ``1.25 us``, ``50 ms``."""
    return _scaled(ns, TIMES)


def rate(per_s: float) -> str:
    """A rate: ``950 /s``, ``4.7 M/s``."""
    return _scaled(per_s, RATES)


def _scaled(value: float, units: Sequence[tuple[float, str]]) -> str:
    value = float(f"{value:.3g}")
    size, unit = next((each for each in units if value >= each[0]), units[-1])
    return f"{value / size:{',.0f' if value >= 1000 * size else '.3g'}} {unit}"
