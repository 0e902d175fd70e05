"""The grid of a sweep: every combination of the values of some parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TypeAlias

Value: TypeAlias = int | float | bool | str

RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?")

#: The most values of a range.
MOST = 1_000_000


def parse_values(text: str) -> tuple[str, list[Value]]:
    """Parse ``name=1,2,3``, ``name=1..10``, ``name=0..100..20`` (first, last, step) or a mixture, such as ``1..3,10``.

    A value is an int, a float, true, false, or else text. Raises ValueError.

    >>> parse_values("seed=1..3,10")
    ('seed', [1, 2, 3, 10])
    >>> parse_values("preset=balanced,deep")
    ('preset', ['balanced', 'deep'])
    """
    name, equals, values = text.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError(f"{text!r} is not NAME=VALUE,...: for example seed=1..10 or spread=1,2,3")
    found = [value for part in values.split(",") for value in _values(part.strip(), text)]
    return name, list(dict.fromkeys(found))


def grid(values: Mapping[str, Sequence[Value]]) -> list[dict[str, Value]]:
    """Return every combination of the values; the last parameter changes first.

    >>> grid({"spread": [1, 2], "seed": [7]})
    [{'spread': 1, 'seed': 7}, {'spread': 2, 'seed': 7}]
    """
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def _values(part: str, text: str) -> Sequence[Value]:
    if not part:
        raise ValueError(f"{text!r} has an empty value")
    if found := RANGE.fullmatch(part):
        first, last, step = int(found[1]), int(found[2]), int(found[3] or 1)
        values = range(first, last + (1 if step > 0 else -1), step) if step else range(0)
        if not 0 < len(values) <= MOST:
            raise ValueError(f"{text!r} has a range of {len(values):,} values: give 1 to {MOST:,}")
        return values
    try:
        value = json.loads(part)
    except ValueError:
        return [part]
    return [value if isinstance(value, int | float | bool) else part]
