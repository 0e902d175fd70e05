# cython: language_level=3
"""One caller at a time, and nobody waits: a second caller is told so."""

from __future__ import annotations

import cython

if cython.compiled:
    from cython.cimports.pricetime.native.bits import ACQUIRE, RELEASE, exchange, store
else:
    import threading


@cython.final
@cython.cclass
class Latch:
    """``enter`` is False when somebody is inside; who entered must ``leave``. Safe between threads without the GIL."""

    if cython.compiled:

        @cython.cfunc
        @cython.nogil
        @cython.exceptval(check=False)
        def enter(self) -> cython.bint:
            return exchange(cython.address(self.taken), 1, ACQUIRE) == 0

        @cython.cfunc
        @cython.nogil
        @cython.exceptval(check=False)
        def leave(self) -> cython.void:
            store(cython.address(self.taken), 0, RELEASE)

    else:

        def __init__(self) -> None:
            self._lock = threading.Lock()

        def enter(self) -> bool:
            return self._lock.acquire(blocking=False)

        def leave(self) -> None:
            self._lock.release()
