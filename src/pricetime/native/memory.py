# cython: language_level=3
"""Memory straight from the system: zeroed, and taken up only page by page as it is touched."""

from __future__ import annotations

import cython

if cython.compiled:
    from cython.cimports.posix.mman import (
        MADV_HUGEPAGE,
        MAP_ANON,
        MAP_FAILED,
        MAP_NORESERVE,
        MAP_PRIVATE,
        PROT_READ,
        PROT_WRITE,
        madvise,
        mmap,
        munmap,
    )
else:
    from pricetime.native.uncompiled import Memory


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def reserve(n_bytes: cython.size_t) -> cython.p_void:
    """Zeroed memory, or NULL when the address space has no room."""
    if not cython.compiled:
        return Memory(n_bytes)
    memory: cython.p_void = mmap(
        cython.NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0
    )
    if memory == MAP_FAILED:
        return cython.NULL
    madvise(memory, n_bytes, MADV_HUGEPAGE)
    return memory


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def release(memory: cython.p_void, n_bytes: cython.size_t) -> cython.void:
    if cython.compiled and memory != cython.NULL:
        munmap(memory, n_bytes)
