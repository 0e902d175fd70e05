"""Shares one result among requests at about the same time. It is made in a thread, without blocking the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """``make``: called in a separate thread, one call at a time."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._making: asyncio.Task[T] | None = None
        self.began_at = self.ended_at = float("-inf")  #: when the last result was made, in the time of the loop

    async def get(self, is_good: Callable[[float], bool]) -> T:
        """The last result if ``is_good(now)``, otherwise a new one. Raises what ``make`` raises."""
        loop = asyncio.get_running_loop()
        last = self._making
        if last is None or (last.done() and (last.cancelled() or last.exception() or not is_good(loop.time()))):
            self._making = loop.create_task(self._run())
        assert self._making is not None
        return await asyncio.shield(self._making)

    async def _run(self) -> T:
        loop = asyncio.get_running_loop()
        self.began_at = loop.time()
        try:
            return await asyncio.to_thread(self._make)
        finally:
            self.ended_at = loop.time()
