"""How a thread waits."""

from __future__ import annotations

from typing import Any, Final, Literal, SupportsIndex

import cython

from pricetime.checks import shown, whole
from pricetime.errors import InvalidSetting

#: In order, from the fastest reaction to the least use of the processor.
STAGES = ("spin", "pause", "yield", "block")

NEVER = (1 << 64) - 1


@cython.final
@cython.cclass
class Idle:
    """Spin, then pause, then yield, then block; ``until`` is the last stage, which does not end.

    ``spin`` checks again at once; ``pause`` executes the processor's pause instruction first; ``yield`` lets other
    threads run; ``block`` sleeps until woken. An ``Idle`` only holds settings, so several waits and threads may share
    it.
    """

    if not cython.compiled:
        until: Final[str]
        """The last stage, which goes on for ever: spin, pause, yield or block."""
        spins: Final[int]
        """Tries that look again at once."""
        pauses: Final[int]
        """Tries with the processor's pause instruction, after those."""
        yields: Final[int]
        """Tries that let other threads have the processor, after those."""

    def __init__(
        self,
        until: Literal["spin", "pause", "yield", "block"] = "block",
        *,
        spins: SupportsIndex = 100,
        pauses: SupportsIndex = 200,
        yields: SupportsIndex = 50,
    ) -> None:
        """``spins``, ``pauses``, ``yields``: checks before the next stage, 0 to 2**32. Raises InvalidSetting."""
        if until not in STAGES:
            raise InvalidSetting(f"idle strategy {shown(until)} is unknown: give one of {', '.join(STAGES)}")
        self.spins = whole(spins, 0, 1 << 32, InvalidSetting, "spins")
        self.pauses = whole(pauses, 0, 1 << 32, InvalidSetting, "pauses")
        self.yields = whole(yields, 0, 1 << 32, InvalidSetting, "yields")
        self.until = until
        last = STAGES.index(until)
        self._pause_from = self.spins if last > 0 else NEVER
        self._yield_from = self.spins + self.pauses if last > 1 else NEVER
        self._block_from = self.spins + self.pauses + self.yields if last > 2 else NEVER

    def step(self, tries: u64) -> cython.bint:
        """Wait according to the number of checks so far. Returns True if the caller should block."""
        if tries < self._pause_from:
            return False
        if tries < self._yield_from:
            pause()
            return False
        if tries < self._block_from:
            yield_processor()
            return False
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        return idle_of, (self.until, self.spins, self.pauses, self.yields)

    def __repr__(self) -> str:
        return f"Idle({self.until!r}, spins={self.spins}, pauses={self.pauses}, yields={self.yields})"


def idle_of(until: Any, spins: int, pauses: int, yields: int) -> Idle:
    """Support pickle."""
    return Idle(until, spins=spins, pauses=pauses, yields=yields)
