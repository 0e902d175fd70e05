"""The phases of the instruments, and their indicative prices while orders are collected.

The reports that are routed say how phases and orders change. They are read only while an instrument collects orders, or
if one of them changes a phase, so orders in continuous trading pay nothing.

An indicative price is a command in the journal, so it is issued only if the orders of the instrument have changed since
the last one, and at most once in an interval.
"""

from __future__ import annotations

from collections.abc import Mapping

import cython

from pricetime.core.instrument import MAX_INSTRUMENTS
from pricetime.exchange.io.issuer import Issuer
from pricetime.exchange.io.number_queue import NumberQueue
from pricetime.phases import PHASES
from pricetime.types import Phase, ReportKind

#: Reports after which an auction may have a different result.
CHANGING = (
    ReportKind.ACCEPTED, ReportKind.CANCELLED, ReportKind.REPLACED, ReportKind.REDUCED, ReportKind.EXPIRED,
    ReportKind.TRIGGERED, ReportKind.PRICE_SET, ReportKind.PHASE_CHANGED,
)  # fmt: skip


@cython.final
@cython.cclass
class Phases:
    """``phases``: of the instruments at the start. ``interval_ns``: between two indicative prices; 0: none are issued.

    The event loop writes it; ``phase`` and ``changes`` may be called in any thread. Raises MemoryError.
    """

    if not cython.compiled:
        changing = collects = cython.NULL

    def __init__(self, phases: Mapping[int, int], issuer: Issuer, interval_ns: int) -> None:
        self.issuer = issuer
        self.interval_ns = interval_ns
        self.changes = self.collecting = 0
        instruments: cython.size_t = MAX_INSTRUMENTS
        self.waiting = NumberQueue(instruments)
        self.watched = cython.cast(cython.pointer[Watched], reserve(instruments * cython.sizeof(Watched)))
        if not self.watched:
            raise MemoryError("no room for the phases of instruments")
        for number in range(KINDS):
            self.changing[number] = number in CHANGING
            self.collects[number] = number in PHASES and PHASES[number].collects
        for instrument, phase in phases.items():
            self._begin(instrument, phase)

    def __dealloc__(self) -> None:
        instruments: cython.size_t = MAX_INSTRUMENTS
        release(self.watched, instruments * cython.sizeof(Watched))

    def phase(self, instrument: int) -> Phase:
        """The phase of an instrument that exists."""
        return Phase(self.watched[instrument].phase)

    def read(self, reports: cython.pointer[cython.const[Report]], count: u64) -> None:
        """Read reports that are routed, in their order."""
        i: u64
        for i in range(count):
            kind: u32 = reports[i].kind
            if kind == PHASE_CHANGED:
                self._begin(reports[i].instrument, reports[i].quantity)
                self.changes += 1
            if kind == INDICATIVE:
                self.watched[reports[i].instrument].changed = 0
            elif kind < KINDS and self.changing[kind]:
                self._note_change(reports[i].instrument)

    def _begin(self, instrument: u32, phase: u32) -> None:
        w: cython.pointer[Watched] = cython.address(self.watched[instrument])
        self.collecting += self.collects[phase] - self.collects[w.phase]
        w.phase = phase
        self._note_change(instrument)

    def _note_change(self, instrument: u32) -> None:
        w: cython.pointer[Watched] = cython.address(self.watched[instrument])
        if not self.collects[w.phase] or self.interval_ns == 0:
            return
        w.changed = 1
        if not w.queued:
            w.queued = 1
            self.waiting.push(instrument)

    def indicate(self, now_ns: u64, timestamp: u64) -> None:
        """Issue indicative prices that are due."""
        _: u32
        for _ in range(min(self.waiting.count, cython.cast(u32, INDICATED))):
            instrument: u32 = self.waiting.pop()
            w: cython.pointer[Watched] = cython.address(self.watched[instrument])
            w.queued = 0
            if not w.changed or not self.collects[w.phase]:
                continue
            if now_ns - w.indicated_ns >= self.interval_ns and self.issuer.issue(
                INDICATE, instrument, 0, 0, 0, 0, timestamp, 0
            ):
                w.indicated_ns = now_ns
            else:
                w.queued = 1
                self.waiting.push(instrument)
