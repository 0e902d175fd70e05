"""The libraries whose frames are tested: each test runs with those that are installed."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import pytest

LIBRARIES = ["polars", "pandas", "pyarrow"]

each_library = pytest.mark.parametrize(
    "library",
    [
        pytest.param(name, marks=pytest.mark.skipif(find_spec(name) is None, reason=f"{name} is not installed"))
        for name in LIBRARIES
    ],
)


def frame(library: str, columns: dict[str, list[Any]]) -> Any:
    """A frame of this library."""
    module = import_module(library)
    if library == "pyarrow":
        return module.table(columns)
    return module.DataFrame(columns, strict=False) if library == "polars" else module.DataFrame(columns)


def rows(made: Any) -> dict[str, list[Any]]:
    """The columns of a frame as lists of plain values, None for null."""
    name = type(made).__module__.split(".")[0]
    if name == "polars":
        return dict(made.to_dict(as_series=False))
    if name == "pyarrow":
        return dict(made.to_pydict())
    pandas = import_module("pandas")
    return {column: [None if pandas.isna(value) else value for value in made[column].tolist()] for column in made}
