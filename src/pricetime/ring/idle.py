"""How a thread waits."""

from __future__ import annotations

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

    def __init__(self, until="block", *, spins=100, pauses=200, yields=50):
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

    def step(self, tries):
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

    def __reduce__(self):
        return idle_of, (self.until, self.spins, self.pauses, self.yields)

    def __repr__(self):
        return f"Idle({self.until!r}, spins={self.spins}, pauses={self.pauses}, yields={self.yields})"


def idle_of(until, spins, pauses, yields):
    """Support pickle."""
    return Idle(until, spins=spins, pauses=pauses, yields=yields)
