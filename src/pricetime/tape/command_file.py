"""Writes commands to files: .npy for ``numpy.load`` and ``apply``; .csv and .parquet with a column for each field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidSetting
from ..extras import require
from ..types import COMMAND

Commands: TypeAlias = NDArray[np.void]

SUFFIXES = (".npy", ".csv", ".parquet")


def write_commands(path: Path, chunks: Iterable[Commands], count: int) -> None:
    """Write ``count`` commands, given in arrays of dtype ``COMMAND``, in the format that the suffix of the path names.

    Memory does not grow with the count. The file gets its name only when it is complete. Raises InvalidSetting for a
    suffix that is not one of ``SUFFIXES``, MissingExtra and OSError.
    """
    if path.suffix not in SUFFIXES:
        raise InvalidSetting(f"{path}: the name must end in one of {', '.join(SUFFIXES)}")
    part = path.with_name(path.name + ".part")
    try:
        if path.suffix == ".npy":
            _write_npy(part, chunks, count)
        elif path.suffix == ".csv":
            _write_csv(part, chunks)
        else:
            _write_parquet(part, chunks)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _write_npy(path: Path, chunks: Iterable[Commands], count: int) -> None:
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(COMMAND), "fortran_order": False, "shape": (count,)}
        np.lib.format.write_array_header_1_0(file, header)
        for chunk in chunks:
            file.write(chunk.tobytes())


def _write_csv(path: Path, chunks: Iterable[Commands]) -> None:
    pl = require("polars", "columnar", "writing CSV")
    with path.open("wb") as file:
        for number, chunk in enumerate(chunks):
            _frame(pl, chunk).write_csv(file, include_header=number == 0)


def _write_parquet(path: Path, chunks: Iterable[Commands]) -> None:
    pl = require("polars", "columnar", "writing Parquet")
    plugins = require("polars.io.plugins", "columnar", "writing Parquet")

    def frames(columns: list[str] | None, _predicate: object, _rows: int | None, _batch: int | None) -> Iterator[Any]:
        for chunk in chunks:
            frame = _frame(pl, chunk)
            yield frame if columns is None else frame.select(columns)

    schema = _frame(pl, np.empty(0, COMMAND)).schema
    plugins.register_io_source(frames, schema=schema).sink_parquet(path)


def _frame(pl: Any, chunk: Commands) -> Any:
    return pl.DataFrame({name: np.ascontiguousarray(chunk[name]) for name in COMMAND.names or ()})
