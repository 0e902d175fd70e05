"""Runs numbered commands through the same matcher and router that run the live exchange, without clients."""

from __future__ import annotations

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.exchange.state.matcher import Matcher
from pricetime.exchange.state.router import Router

#: A checkpoint of a journal: after ``index`` commands, the last report was ``seq_num`` with this report checksum.
MARK = np.dtype([("index", "<u8"), ("seq_num", "<u8"), ("report_checksum", "<u8")])


@cython.final
@cython.cclass
class Playback:
    """No other thread may use ``matcher`` and ``router`` at the same time, and no stream has a reader."""

    if not cython.compiled:
        bounds = cython.NULL

    def __init__(self, matcher: Matcher, router: Router) -> None:
        self.matcher = matcher
        self.router = router

    def run(self, commands: NDArray[np.void], marks: NDArray[np.void]) -> int:
        """Execute an array of ``pricetime.COMMAND`` and route its reports. O(commands), without the GIL.

        ``marks``: an array of ``MARK``, sorted by index. Returns how many of them agree with the engine; execution
        stops at the first that does not.
        """
        commands = checked(commands)
        first: cython.pointer[Command] = cython.cast(cython.pointer[Command], records_of(commands))
        count: u64 = len(commands)
        mark: cython.pointer[Mark] = cython.cast(cython.pointer[Mark], records_of(marks))
        mark_count: u64 = len(marks)
        agreed: u64
        with cython.nogil:
            agreed = self._run_to_marks(first, count, mark, mark_count)
        return agreed

    def _run_to_marks(
        self,
        commands: cython.pointer[cython.const[Command]],
        count: u64,
        marks: cython.pointer[cython.const[Mark]],
        mark_count: u64,
    ) -> u64:
        done: u64 = 0
        i: u64
        for i in range(mark_count):
            self._run(cython.address(commands[done]), marks[i].index - done)
            done = marks[i].index
            if (
                self.matcher.books.seq_num != marks[i].seq_num
                or self.matcher.report_checksum != marks[i].report_checksum
            ):
                return i
        self._run(cython.address(commands[done]), count - done)
        return mark_count

    def _run(self, commands: cython.pointer[cython.const[Command]], count: u64) -> None:
        done: u64 = 0
        while done < count:
            some: u64 = min(count - done, cython.cast(u64, BATCH))
            done += self._step(cython.address(commands[done]), some)
            yield_processor()  # the follower replays beside a live exchange, whose threads are more urgent

    def _step(self, commands: cython.pointer[cython.const[Command]], count: u64) -> u64:
        """Execute one batch and route all of its reports. Returns how many of its commands were executed."""
        count = self.matcher.execute(commands, count, self.bounds)
        done: u64 = 0
        while done < count:
            done += self.router.step(cython.address(commands[done]), cython.address(self.bounds[done]), count - done)
        self.matcher.drop(self.matcher.count)
        return count
