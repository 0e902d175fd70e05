# cython: language_level=3
"""Clocks in nanoseconds: one that never goes back, and its offset to the time since 1970."""

from __future__ import annotations

import cython

if cython.compiled:
    from cython.cimports.posix.time import CLOCK_MONOTONIC, CLOCK_REALTIME, clock_gettime, timespec
else:
    import time


def monotonic_ns():
    """Nanoseconds since an arbitrary point before the process started."""
    if not cython.compiled:
        return time.monotonic_ns()
    now: timespec
    clock_gettime(CLOCK_MONOTONIC, cython.address(now))
    return cython.cast(cython.ulonglong, now.tv_sec) * 1_000_000_000 + now.tv_nsec


def clock_offset_ns():
    """Add this to ``monotonic_ns`` for nanoseconds since 1970 by the system clock."""
    if not cython.compiled:
        return time.time_ns() - time.monotonic_ns()
    now: timespec
    clock_gettime(CLOCK_REALTIME, cython.address(now))
    return cython.cast(cython.ulonglong, now.tv_sec) * 1_000_000_000 + now.tv_nsec - monotonic_ns()
