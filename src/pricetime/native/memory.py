"""Memory from the operating system: zeroed, and backed by physical pages only when they are used."""

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
    from cython.cimports.pricetime.native.bits import RELEASE, fetch_add
else:
    from pricetime.native.uncompiled import Memory


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def reserve(n_bytes: cython.size_t) -> cython.p_void:
    """Reserve zeroed memory. NULL if the system has none."""
    if not cython.compiled:
        return Memory(n_bytes)
    memory: cython.p_void = mmap(
        cython.NULL, n_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0
    )
    if memory == MAP_FAILED:
        return cython.NULL
    if n_bytes >= HUGE_PAGE:
        madvise(memory, n_bytes, MADV_HUGEPAGE)
    return memory


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def prefault_pages(memory: cython.p_void, n_bytes: cython.size_t) -> cython.void:
    """Touch every page of this memory now, so that no later access waits for a page fault. Its content stays."""
    if cython.compiled:
        first: cython.pointer[cython.uchar] = cython.cast(cython.pointer[cython.uchar], memory)
        offset: cython.size_t = 0
        while offset < n_bytes:
            fetch_add(cython.cast(cython.pointer[cython.Py_ssize_t], first + offset), 0, RELEASE)
            offset += 4096


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def release(memory: cython.p_void, n_bytes: cython.size_t) -> cython.void:
    if cython.compiled and memory != cython.NULL:
        munmap(memory, n_bytes)
