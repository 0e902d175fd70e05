"""A clock in nanoseconds that never goes back."""

from __future__ import annotations

import cython

if cython.compiled:
    from cython.cimports.posix.time import CLOCK_MONOTONIC, clock_gettime, timespec
else:
    import time


def monotonic_ns() -> cython.ulonglong:
    """Nanoseconds since an arbitrary point before the process started."""
    if not cython.compiled:
        return time.monotonic_ns()
    now: timespec
    clock_gettime(CLOCK_MONOTONIC, cython.address(now))
    return cython.cast(cython.ulonglong, now.tv_sec) * 1_000_000_000 + now.tv_nsec
