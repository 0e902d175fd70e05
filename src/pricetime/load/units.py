"""Times, rates and counts as text with three digits and a unit."""

from __future__ import annotations

from collections.abc import Sequence

TIMES: Sequence[tuple[float, str]] = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1, "ns"))
COUNTS: Sequence[tuple[float, str]] = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def duration(ns: float) -> str:
    """A time: ``850 ns``, ``1.25 µs``, ``50 ms``."""
    size, unit = next(((size, unit) for size, unit in TIMES if _three(ns / size) >= 1), TIMES[-1])
    return f"{_digits(ns / size)} {unit}"


def count(value: float, beside: float | None = None) -> str:
    """A count: ``950``, ``1.25 k``, ``4.7 M``. Uses the unit of ``beside`` if given: ``0.95 M`` beside 4,700,000."""
    if value == 0:
        return "0"
    largest = value if beside is None else beside
    size, prefix = next(((size, prefix) for size, prefix in COUNTS if _three(largest / size) >= 1), (1, ""))
    return f"{_digits(value / size)} {prefix}".rstrip()


def rate(per_s: float, beside: float | None = None) -> str:
    """A rate: ``4.7 M/s``."""
    return f"{count(per_s, beside)}/s"


def _digits(value: float) -> str:
    rounded = _three(value)
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:g}"


def _three(value: float) -> float:
    return float(f"{value:.3g}")
