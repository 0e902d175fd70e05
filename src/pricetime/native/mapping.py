"""``Mapping``: a file mapped into memory, shared with other processes and written without system calls. Linux only."""

from __future__ import annotations

import errno

import cython

from pricetime.errors import NeedsCompiled

if cython.compiled:
    from cython.cimports.cpython.buffer import PyBuffer_FillInfo
    from cython.cimports.cpython.exc import PyErr_SetFromErrno
    from cython.cimports.posix.mman import (
        MADV_DONTNEED,
        MADV_RANDOM,
        MAP_FAILED,
        MAP_SHARED,
        MS_SYNC,
        PROT_READ,
        PROT_WRITE,
        madvise,
        mmap,
        msync,
        munmap,
    )
    from cython.cimports.pricetime.native.mapping_calls import MADV_POPULATE_WRITE
else:
    raise NeedsCompiled("file mappings exist only in the compiled form, and pricetime runs uncompiled")


@cython.final
@cython.cclass
class Mapping:
    """``n_bytes`` of the file open as ``fd``, from its beginning. Raises OSError.

    It uses small pages (MADV_RANDOM): with huge ones, each sync would make many small pages fault again. Offsets of
    ``populate`` and ``sync`` are multiples of the page size.
    """

    if not cython.compiled:
        n_bytes: int
        exports: int

        def __buffer__(self, flags: int, /) -> memoryview:
            raise NotImplementedError

    def __init__(self, fd: int, n_bytes: int) -> None:
        self.n_bytes = n_bytes
        memory: cython.p_void = mmap(cython.NULL, self.n_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
        if memory == MAP_FAILED:
            PyErr_SetFromErrno(OSError)
        self.memory = cython.cast(cython.pointer[cython.uchar], memory)
        madvise(memory, self.n_bytes, MADV_RANDOM)

    def __dealloc__(self) -> None:
        if self.memory:
            munmap(self.memory, self.n_bytes)

    @property
    def address(self) -> int:
        return cython.cast(cython.size_t, self.memory)

    def populate(self, first: int, n_bytes: int) -> None:
        """Load these pages, so that writing to them causes no page fault. Raises OSError.

        Before Linux 5.14 it does nothing, and the first write to each page takes longer.
        """
        self._check(first, n_bytes)
        start: cython.size_t = first
        length: cython.size_t = n_bytes
        failed: cython.int
        with cython.nogil:
            failed = madvise(self.memory + start, length, MADV_POPULATE_WRITE)
        if failed:
            _raise_unless_unknown()

    def sync(self, first: int, n_bytes: int) -> None:
        """Sync these pages to the disk. Raises OSError; then their content on the disk is unknown.

        They are dropped from this mapping first; the file keeps their content. Otherwise the system would
        write-protect each page separately and interrupt all threads of this process each time. The next access to one
        of them is a page fault.
        """
        self._check(first, n_bytes)
        start: cython.size_t = first
        length: cython.size_t = n_bytes
        failed: cython.int
        with cython.nogil:
            madvise(self.memory + start, length, MADV_DONTNEED)
            failed = msync(self.memory + start, length, MS_SYNC)
        if failed:
            PyErr_SetFromErrno(OSError)

    def close(self) -> None:
        """Unmap the file. Raises BufferError while a view uses it. May be called twice."""
        if self.exports:
            raise BufferError(f"{self.exports} views use this mapping")
        memory: cython.pointer[cython.uchar] = self.memory
        self.memory = cython.NULL
        if memory:
            with cython.nogil:
                munmap(memory, self.n_bytes)

    def _check(self, first: cython.size_t, n_bytes: cython.size_t) -> cython.int:
        if not self.memory:
            raise ValueError("this mapping is closed")
        if n_bytes > self.n_bytes or first > self.n_bytes - n_bytes:
            raise ValueError(f"{n_bytes} bytes from {first} on: the mapping has {self.n_bytes}")
        return 0

    def __getbuffer__(self, view: cython.pointer[Py_buffer], flags: cython.int) -> None:
        if not self.memory:
            raise BufferError("this mapping is closed")
        PyBuffer_FillInfo(view, self, self.memory, self.n_bytes, 0, flags)
        self.exports += 1

    def __releasebuffer__(self, view: cython.pointer[Py_buffer]) -> None:
        self.exports -= 1


def _raise_unless_unknown() -> None:
    """EINVAL is the answer of a system that does not know the advice."""
    try:
        PyErr_SetFromErrno(OSError)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
