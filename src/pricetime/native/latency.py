"""Latencies of commands: one histogram for each kind of command."""

from __future__ import annotations

from collections.abc import Iterable

import cython
import numpy as np
from numpy.typing import NDArray

from pricetime.native.histogram import Histogram

if not cython.compiled:  # the compiled form takes them from latency.pxd
    RESTS, TRADES, CANCEL, REPLACE, OTHER, KINDS = range(6)

#: Names of the kinds, by number.
NAMES = ("rests", "trades", "cancel", "replace", "other")


@cython.final
@cython.cclass
class Latencies:
    """Latencies in ns by kind of command. One thread records; other threads may read meanwhile. Raises MemoryError.

    *rests*: a new order that rests without trading. *trades*: a new order that trades, wholly or in part. *cancel*: a
    cancel or a reduce. *replace*: a replace. *other*: rejected commands, new orders that neither rested nor traded,
    mass cancels and changes of an instrument's phase.
    """

    def __init__(self) -> None:
        self.rests, self.trades, self.cancel = Histogram(), Histogram(), Histogram()
        self.replace, self.other = Histogram(), Histogram()

    def record(self, kind: u32, ns: u64) -> None:
        """Count one command of a kind: RESTS, TRADES, CANCEL, REPLACE or OTHER."""
        self.add(kind, ns, 1)

    def add(self, kind: u32, ns: u64, times: u64) -> None:
        """Count ``times`` commands of a kind that all took ``ns``."""
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

    def record_many(self, kind: int, times_ns: Iterable[int]) -> None:
        """Count a command of a kind for each of these times."""
        for ns in times_ns:
            self.add(kind, ns, 1)

    def prefault(self) -> None:
        """Touch every page of the histograms now, so that recording never causes a page fault."""
        for name in NAMES:
            getattr(self, name).prefault()

    def counts(self) -> NDArray[np.uint64]:
        """How many commands each bucket counts, of all kinds together: see ``Histogram.array``. O(buckets)."""
        found = self.rests.array()
        for name in NAMES[1:]:
            found += getattr(self, name).array()
        return found

    def copies(self) -> dict[str, Histogram]:
        """{kind: Histogram}: copies, safe while a second thread records."""
        return {name: getattr(self, name).copy() for name in NAMES}

    def all(self) -> Histogram:
        """One histogram of all kinds, safe while a second thread records."""
        made = Histogram()
        for name in NAMES:
            made.merge(getattr(self, name))
        return made
