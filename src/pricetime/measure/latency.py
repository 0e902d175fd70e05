# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""How long commands took, by what they came to: a histogram for each kind."""

from __future__ import annotations

import cython

if not cython.compiled:  # the compiled form has it from latency.pxd
    from pricetime.measure.histogram import Histogram

    RESTS, TRADES, CANCEL, REPLACE = range(4)

#: The names of the kinds, in the order of their numbers.
KINDS = ("rests", "trades", "cancel", "replace", "other")


@cython.final
@cython.cclass
class Latencies:
    """One thread records; others may copy meanwhile. Raises MemoryError."""

    def __init__(self):
        self.rests = Histogram()
        self.trades = Histogram()
        self.cancel = Histogram()
        self.replace = Histogram()
        self.other = Histogram()

    def record(self, kind, ns):
        """Count a command of this kind."""
        if kind == RESTS:
            self.rests.record(ns)
        elif kind == TRADES:
            self.trades.record(ns)
        elif kind == CANCEL:
            self.cancel.record(ns)
        elif kind == REPLACE:
            self.replace.record(ns)
        else:
            self.other.record(ns)

    def copies(self):
        """What was recorded until now: a ``Histogram`` by the name of the kind."""
        kinds = (self.rests, self.trades, self.cancel, self.replace, self.other)
        return {name: histogram.copy() for name, histogram in zip(KINDS, kinds, strict=True)}
