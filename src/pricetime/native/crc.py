"""CRC-32C (Castagnoli), the checksum of the journal, and the checksum that chains its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cython

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

if cython.compiled:
    from cython.cimports.cpython.buffer import Py_buffer, PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
    from cython.cimports.libc.string import memcpy
else:
    POLYNOMIAL = 0x82F63B78

    def table_entry(crc: int) -> int:
        for _ in range(8):
            crc = crc >> 1 ^ (POLYNOMIAL if crc & 1 else 0)
        return crc

    TABLE = [table_entry(byte) for byte in range(256)]

    def _by_table(value: int, data: Any) -> int:
        crc = value ^ 0xFFFFFFFF
        for byte in data:
            crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
        return crc ^ 0xFFFFFFFF

    def _linked_one_by_one(previous: int, data: Any, n_bytes: int) -> int:
        for first in range(0, len(data), n_bytes):
            previous = linked(previous, data[first : first + n_bytes])
        return previous


#: Data of this size and more releases the GIL: 4 KiB take half a microsecond.
LONG_BYTES = 4096


def crc32c(data: ReadableBuffer, value: int = 0) -> int:
    """CRC-32C of a contiguous buffer, continued from ``value``, the CRC of the bytes before."""
    if not cython.compiled:
        return crc_of(value, memoryview(data).tobytes(), memoryview(data).nbytes)
    crc: cython.uint = value
    view: Py_buffer
    PyObject_GetBuffer(data, cython.address(view), PyBUF_SIMPLE)
    try:
        first: cython.pointer[cython.const[cython.uchar]] = cython.cast(
            cython.pointer[cython.const[cython.uchar]], view.buf
        )
        if view.len < LONG_BYTES:
            crc = crc_of(crc, first, view.len)
        else:
            with cython.nogil:
                crc = crc_of(crc, first, view.len)
    finally:
        PyBuffer_Release(cython.address(view))
    return crc


def linked(previous: int, data: ReadableBuffer) -> int:
    """``link`` of ``crc.pxd``: CRC-32C of the bytes, their length as u32, and the u32 before."""
    n_bytes = memoryview(data).nbytes
    return crc32c(n_bytes.to_bytes(4, "little") + previous.to_bytes(4, "little"), crc32c(data))


def linked_records(previous: int, data: ReadableBuffer, record_bytes: int) -> int:
    """``linked`` over consecutive records of a buffer: ``record_bytes`` each, a multiple of 8."""
    if not cython.compiled:
        return _linked_one_by_one(previous, memoryview(data).cast("B"), record_bytes)
    n_bytes: cython.Py_ssize_t = record_bytes
    crc: cython.uint = previous
    n_words: cython.uint = n_bytes // 8
    at: cython.Py_ssize_t = 0
    view: Py_buffer
    PyObject_GetBuffer(data, cython.address(view), PyBUF_SIMPLE)
    try:
        records: cython.p_char = cython.cast(cython.p_char, view.buf)
        with cython.nogil:
            while at + n_bytes <= view.len:
                crc = link(crc, cython.cast(cython.pointer[cython.const[cython.ulonglong]], records + at), n_words)
                at += n_bytes
    finally:
        PyBuffer_Release(cython.address(view))
    return crc


def crc_of(
    value: cython.uint, data: cython.pointer[cython.const[cython.uchar]], n_bytes: cython.Py_ssize_t
) -> cython.uint:
    if not cython.compiled:
        return _by_table(value, data)
    crc: cython.uint = ~value
    i: cython.Py_ssize_t = 0
    word: cython.ulonglong
    while i + 8 <= n_bytes:
        memcpy(cython.address(word), data + i, 8)
        crc = crc_word(crc, word)
        i += 8
    while i < n_bytes:
        crc = crc_byte(crc, data[i])
        i += 1
    return ~crc
