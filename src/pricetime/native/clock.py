# cython: language_level=3
"""The time, read once for each batch of orders: never goes back, and counts from 1970 with the offset added."""

from __future__ import annotations

import cython

if cython.compiled:
    from cython.cimports.posix.time import CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec
else:
    import time


def monotonic_ns():
    """Nanoseconds since some moment before the process began."""
    if not cython.compiled:
        return time.monotonic_ns()
    now: timespec
    clock_gettime(CLOCK_MONOTONIC, cython.address(now))
    return cython.cast(cython.ulonglong, now.tv_sec) * 1_000_000_000 + now.tv_nsec


def clock_offset_ns():
    """What to add to ``monotonic_ns`` for nanoseconds since 1970, as the system's clock has them now."""
    if not cython.compiled:
        return time.time_ns() - time.monotonic_ns()
    now: timespec
    clock_gettime(CLOCK_REALTIME, cython.address(now))
    return cython.cast(cython.ulonglong, now.tv_sec) * 1_000_000_000 + now.tv_nsec - monotonic_ns()
