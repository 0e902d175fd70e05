# cython: language_level=3
"""When a thread that wakes gets a processor. Of Linux alone."""

from __future__ import annotations

import cython

from pricetime.errors import NeedsCompiled

if not cython.compiled:
    raise NeedsCompiled("the turns of a thread are asked for in the compiled form alone, and pricetime runs uncompiled")


def take_short_turns(slice_ns=100_000):
    """Let this thread run for so long at a time, and in return soon after it wakes. Did the system take it?

    Where all processors are busy, others run their 3 ms to the end before a thread of the same kind that wakes; one
    with a shorter slice goes first (Linux 6.12). It needs no privilege, and takes nothing from others but the order.
    """
    return ask_for_slice(slice_ns) == 0
