# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""How long commands took, told apart by what they did: a histogram for each kind."""

from __future__ import annotations

import cython

if not cython.compiled:  # the compiled form has them from latency.pxd
    from pricetime.measure.histogram import Histogram

    RESTS, TRADES, CANCEL, REPLACE, OTHER, KINDS = range(6)

#: Names of the kinds, by number.
NAMES = ("rests", "trades", "cancel", "replace", "other")


@cython.final
@cython.cclass
class Latencies:
    """Times in ns of each kind of command. One thread records; others may read meanwhile. Raises MemoryError.

    *rests*: an order that rests without having traded. *trades*: an order that trades, wholly or in part. *cancel*:
    a cancel or a reduce. *replace*. *other*: what was rejected, an order that neither rested nor traded, mass cancels,
    states of instruments.
    """

    def __init__(self):
        self.rests, self.trades, self.cancel = Histogram(), Histogram(), Histogram()
        self.replace, self.other = Histogram(), Histogram()

    def record(self, kind, ns):
        """Count one command of a kind: RESTS, TRADES, CANCEL, REPLACE or OTHER."""
        self.add(kind, ns, 1)

    def add(self, kind, ns, times):
        """Count so many commands of a kind that took equally long."""
        if kind == RESTS:
            self.rests.add(ns, times)
        elif kind == TRADES:
            self.trades.add(ns, times)
        elif kind == CANCEL:
            self.cancel.add(ns, times)
        elif kind == REPLACE:
            self.replace.add(ns, times)
        else:
            self.other.add(ns, times)

    def record_many(self, kind, times_ns):
        """Count a command of a kind for each of these times."""
        for ns in times_ns:
            self.add(kind, ns, 1)

    def prefault(self):
        """Take up all of the memory now, so that no command waits for a page of it."""
        for name in NAMES:
            getattr(self, name).prefault()

    def counts(self):
        """How many commands each bucket counts, of all kinds together: see ``Histogram.array``. O(buckets)."""
        found = self.rests.array()
        for name in NAMES[1:]:
            found += getattr(self, name).array()
        return found

    def copies(self):
        """{kind: Histogram} of what was recorded until now, safe beside the thread that records."""
        return {name: getattr(self, name).copy() for name in NAMES}

    def all(self):
        """One histogram of all kinds, of what was recorded until now, safe beside the thread that records."""
        made = Histogram()
        for name in NAMES:
            made.merge(getattr(self, name))
        return made
