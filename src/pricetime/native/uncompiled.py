"""A replacement for the ``cython`` module, to run the same sources uncompiled.

It has only what the core uses. A pointer is the array or record that it points to; casting new memory makes an array of
records, casting to an integer type drops the bits that do not fit.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np

from .records import Cells, Integer


class Pointer:
    """``pointer[T]``; casting memory to it gives the cells."""

    def __init__(self, target: Any) -> None:
        self.target = target


class _Pointers:
    def __getitem__(self, target: Any) -> Pointer:
        return Pointer(target)


class Memory:
    """Bytes without a type; casting them to a pointer makes cells."""

    def __init__(self, n_bytes: int) -> None:
        self.n_bytes = n_bytes
        self.cells: Cells

    def cells_of(self, record: Any) -> Cells:
        self.cells = Cells(record, self.n_bytes // record.size)
        return self.cells

    def array(self, dtype: np.dtype[Any], count: int) -> np.ndarray[Any, Any]:
        names = dtype.names
        if names is None:  # of numbers
            return np.array([self.cells[i] for i in range(count)], dtype)
        return np.array([tuple(getattr(self.cells[i], name) for name in names) for i in range(count)], dtype)


class ArrayMemory(Memory):
    """The bytes of an array of records."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        super().__init__(array.nbytes)
        self.source = array

    def cells_of(self, record: Any) -> Cells:
        cells = super().cells_of(record)
        for i, row in enumerate(self.source.tolist()):
            for name, value in zip(self.source.dtype.names or (), row, strict=True):
                setattr(cells[i], name, value)
        return cells


class _NoGil(nullcontext[None]):
    """``nogil`` as a decorator and as a block; it does nothing."""

    def __call__(self, function: Any) -> Any:
        return function


def cast(target: Any, value: Any) -> Any:
    if isinstance(target, Pointer) and isinstance(value, Memory):
        return value.cells_of(target.target)
    return target(value) if isinstance(target, Integer) else value


def _same(value: Any) -> Any:
    return value


def Py_INCREF(_: Any) -> None:  # noqa: N802 - the name in C
    """Does nothing: Python counts references."""


def Py_DECREF(_: Any) -> None:  # noqa: N802
    """See Py_INCREF."""


def _decorator(*_: Any, **__: Any) -> Callable[[Any], Any]:
    return _same


def _collection_type(_: str) -> Callable[[Any], Any]:
    """``"sequence"``, the only kind in use: a class that sequence patterns of ``match`` accept."""
    return Sequence.register


def make_cython() -> types.ModuleType:
    """Make the module that the sources import as ``cython``."""
    module = types.ModuleType("cython", __doc__)
    vars(module).update(
        compiled=False,
        NULL=None,
        pointer=_Pointers(),
        nogil=_NoGil(),
        cast=cast,
        p_void=object,
        sizeof=lambda record: record.size,
        **dict.fromkeys(("annotation_typing", "exceptval", "freelist"), _decorator),
        collection_type=_collection_type,
        **dict.fromkeys(("address", "likely", "unlikely", "final", "cclass", "cfunc", "inline", "no_gc"), _same),
    )
    return module
