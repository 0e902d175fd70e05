"""Records shared by NumPy and the core, without a copy in the compiled form."""

from __future__ import annotations

from typing import Any

import cython
import numpy as np
from numpy.typing import NDArray

if cython.compiled:
    from cython.cimports.cpython.buffer import Py_buffer, PyBuffer_FillInfo
    from cython.cimports.cpython.bytearray import PyByteArray_FromStringAndSize
    from cython.cimports.pricetime.native.bits import ACQUIRE, RELEASE, fetch_add, load
    from cython.cimports.pricetime.native.memory import release, reserve
else:
    from pricetime.native.memory import reserve
    from pricetime.native.uncompiled import ArrayMemory


@cython.final
@cython.cclass
class Block:
    """Memory that the core writes records into and NumPy arrays use. It lives as long as any of them."""

    def __init__(self, n_bytes: int, what: str = "records", remedy: str = "use a smaller capacity") -> None:
        """``what`` and ``remedy``: the message of the MemoryError if there is no memory."""
        self.n_bytes = n_bytes
        self.exports = 0
        self.memory = reserve(self.n_bytes)
        if not self.memory:
            raise MemoryError(f"no room for {what}, {n_bytes} bytes: {remedy}")

    def array(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        """The first ``count`` records, as an array of shape (count,)."""
        if not cython.compiled:
            return self.memory.array(dtype, count)
        return np.frombuffer(self, dtype, count)  # type: ignore[call-overload]

    def copy(self, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        """The same as a copy."""
        if not cython.compiled:
            return self.memory.array(dtype, count)
        size: cython.Py_ssize_t = count * dtype.itemsize
        if size == 0:
            return np.zeros(0, dtype)  # np.frombuffer rejects an empty buffer
        # NumPy would take ten times as long to copy a few records with named fields.
        return np.frombuffer(PyByteArray_FromStringAndSize(cython.cast(cython.p_char, self.memory), size), dtype)

    def in_use(self) -> cython.bint:
        """Does an array still use it? Then its content must not change. Any thread may free the last array."""
        if not cython.compiled:
            return False  # its arrays are copies
        return load(cython.address(self.exports), ACQUIRE) > 0

    if cython.compiled:

        def __dealloc__(self) -> None:
            release(self.memory, self.n_bytes)

        def __getbuffer__(self, view: cython.pointer[Py_buffer], flags: cython.int) -> None:
            PyBuffer_FillInfo(view, self, self.memory, self.n_bytes, 0, flags)
            fetch_add(cython.address(self.exports), 1, ACQUIRE)

        def __releasebuffer__(self, view: cython.pointer[Py_buffer]) -> None:
            fetch_add(cython.address(self.exports), -1, RELEASE)


def records_of(array: Any) -> cython.pointer[cython.const[cython.void]]:
    """The records of a contiguous array, which the caller keeps alive."""
    if not cython.compiled:
        return ArrayMemory(array)
    if array.size == 0:
        return cython.NULL
    view: cython.const[cython.uchar][::1] = array.view(np.uint8)  # type: ignore[valid-type]
    return cython.address(view[0])


def checked_records(records: Any, dtype: Any, name: Any, error: Any) -> Any:
    """An array of records as a plain ndarray. Raises ``error`` if it is not one. ``name``: of the dtype."""
    if not isinstance(records, np.ndarray):
        raise error(f"{type(records).__name__} is not a NumPy array: give one of dtype {name}")
    records = np.asarray(records)
    if records.dtype != dtype:
        raise error(f"the dtype {records.dtype} is not {name}, little-endian and {dtype.itemsize} bytes")
    if records.ndim != 1 or not records.flags.c_contiguous:
        raise error(
            f"shape {records.shape}, strides {records.strides}: give a contiguous array of one dimension of {name} "
            "(numpy.ascontiguousarray makes one)"
        )
    return records
