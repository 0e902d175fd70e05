"""``Latch``: admits one caller at a time and never waits."""

from __future__ import annotations

import cython

if cython.compiled:
    from cython.cimports.pricetime.native.bits import ACQUIRE, RELEASE, exchange, store
else:
    import threading


@cython.final
@cython.cclass
class Latch:
    """``enter`` returns False if a caller is inside; after True, call ``leave``. Threads need no GIL for it."""

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
        taken: int

        def __init__(self) -> None:
            self._lock = threading.Lock()

        def enter(self) -> bool:
            return self._lock.acquire(blocking=False)

        def leave(self) -> None:
            self._lock.release()
