"""Frames of the library that a caller uses: read with narwhals, made from NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from ..errors import InvalidSetting
from ..extras import MissingExtra, require

#: The libraries whose frames can be made. The first that is installed is the default.
NATIVE = ("polars", "pandas", "pyarrow")

PURPOSE = "converting frames"


class Nullable(NamedTuple):
    """The values of a column, and which of them are null: two arrays of the same shape."""

    values: Any
    null: Any


def narwhals() -> Any:
    """The module narwhals. Raises MissingExtra."""
    return require("narwhals", "frames", PURPOSE)


def library(native: str | None) -> str:
    """The library to make frames with. Raises InvalidSetting for an unknown one, MissingExtra where none is there."""
    if native is not None and native not in NATIVE:
        raise InvalidSetting(f"native {native!r} is unknown: give one of {', '.join(NATIVE)}")
    found = native or next((name for name in NATIVE if find_spec(name) is not None), None)
    if found is None:
        raise MissingExtra(f"{PURPOSE} needs one of {', '.join(NATIVE)}: pip install polars")
    if find_spec(found) is None:
        raise MissingExtra(f"native={found!r} needs the package {found}: pip install {found}")
    return found


def frame_of(columns: Mapping[str, Any], native: str | None) -> Any:
    """A frame of these columns: arrays of one length, or ``Nullable``. O(rows * columns)."""
    nw, backend = narwhals(), library(native)
    plain = {name: _values(column, backend) for name, column in columns.items()}
    frame = nw.from_dict(plain, backend=backend)
    nulls = {name: column.null for name, column in columns.items() if isinstance(column, Nullable)}
    marked = [
        nw.when(nw.new_series(name, ~null, nw.Boolean, backend=backend)).then(nw.col(name)).alias(name)
        for name, null in nulls.items()
    ]
    return frame.with_columns(*marked).to_native() if marked else frame.to_native()


def names_of(codes: Any, names: Mapping[int, str]) -> Nullable:
    """Integer codes as text, null where a code has no name. O(codes)."""
    table = np.full(max((*names, int(codes.max(initial=0)))) + 1, "", dtype=f"U{max(map(len, names.values()))}")
    for code, name in names.items():
        table[code] = name
    text = table[codes]
    return Nullable(text.astype(object), text == "")


def _values(column: Any, backend: str) -> Any:
    """The values of a column, of a dtype that can hold nulls without losing digits."""
    if not isinstance(column, Nullable):
        return np.ascontiguousarray(column)
    if backend == "pandas" and column.values.dtype.kind in "iu":  # else pandas makes floats of them
        pandas = require("pandas", "frames", PURPOSE)
        return pandas.Series(column.values).convert_dtypes()
    return np.ascontiguousarray(column.values)
