"""Decides which phase of one instrument is due: by its timetable, and at the end of a volatility interruption.

``Schedule`` reads no clock and sends nothing: it is given times and phases, and gives steps. ``Clock`` sends them.

- An operator's halt suspends the timetable: rows that become due have no effect until the operator ends the halt.
- A volatility interruption ends with an uncross into the phase before it, unless a row is due earlier.
- After a restart, the rows that became due while the server was down are due at once, in their order; rows that
  happened before are not repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ...phases import PHASES
from ...types import CommandType, Phase
from ..settings.timetable import SECOND_NS, WEEK_S, Occurrence, Row, Timetable

#: A command whose row was due at most so long before the last command in the log may not have reached it.
IN_FLIGHT_NS = SECOND_NS

#: Rows that are missed are made up for, if they are not older than this.
MOST_MISSED_NS = WEEK_S * SECOND_NS


class Step(NamedTuple):
    """A command that is due: SET_PHASE, UNCROSS or EXPIRE."""

    command: CommandType
    phase: Phase  #: of SET_PHASE and UNCROSS: the one that begins
    why: str  #: the row, or what else made it due


@dataclass(frozen=True)
class Interruption:
    """How long a volatility interruption takes: ``seconds``, and a random part up to ``within_s`` more.

    0 seconds: until the operator or a row of the timetable ends it.
    """

    seconds: float
    within_s: float = 0


class Schedule:
    """The steps of one instrument. ``draw``: a random time from 0 to the given one, such as ``uniform(0, seconds)``."""

    def __init__(self, timetable: Timetable, interruption: Interruption, draw: Callable[[float], float]) -> None:
        self._timetable = timetable
        self._interruption = interruption
        self._draw = draw
        self._phase = Phase.CONTINUOUS
        self._before = Phase.CONTINUOUS  # the last phase in which orders matched
        self._interrupted_until_ns: int | None = None
        self._next: Occurrence | None = None
        self._next_ns = 0  # when it is due, with its random part
        self._own: Phase | None = None  # phase of the last row
        self._steps: list[Step] = []  # due before the next row

    def start(self, now_ns: int, phase: Phase, last_ns: int) -> None:
        """Begin at a time and in a phase. ``last_ns``: when the last command before the start happened; 0: never.

        Without commands before it, the instrument begins in the phase that the timetable has at this time.
        """
        last = self._timetable.until(max(last_ns, now_ns - MOST_MISSED_NS) if last_ns else now_ns)
        if last is None:
            self.see(now_ns, phase)
            return
        row = self._timetable.rows[last.row]
        if not last_ns and row.phase is not phase:
            self._steps.append(Step(CommandType.SET_PHASE, row.phase, str(row)))
        if last_ns and self._is_in_flight(last, phase, last_ns):
            before = self._timetable.before(last)
            assert before is not None
            last = before
        self._own = self._timetable.rows[last.row].phase
        self._before = self._own if PHASES[self._own].matches else self._before
        self.see(now_ns, phase)
        self._plan(last, now_ns)

    def _is_in_flight(self, last: Occurrence, phase: Phase, last_ns: int) -> bool:
        """Is the instrument still in the phase before this row, which was due shortly before the last command?"""
        row, before = self._timetable.rows[last.row], self._timetable.before(last)
        recent = last_ns - last.at_ns < row.within_s * SECOND_NS + IN_FLIGHT_NS
        return recent and before is not None and self._timetable.rows[before.row].phase is phase is not row.phase

    def _plan(self, done: Occurrence, now_ns: int) -> None:
        """Plan the occurrence after ``done``. A window that has begun is as long as what is left of it."""
        self._next = self._timetable.after(done)
        if self._next is not None:
            begins_ns = self._next.at_ns
            ends_ns = begins_ns + self._timetable.rows[self._next.row].within_s * SECOND_NS
            begins_ns = min(max(begins_ns, now_ns), ends_ns)
            self._next_ns = begins_ns + int(self._draw((ends_ns - begins_ns) / SECOND_NS) * SECOND_NS)

    # ------------------------------------------------------------------ what happens

    def see(self, now_ns: int, phase: Phase) -> None:
        """Note the phase of the instrument. Call it after each change, and after each step."""
        if phase is not Phase.VOLATILITY_AUCTION:
            self._interrupted_until_ns = None
        elif self._interrupted_until_ns is None and self._interruption.seconds:
            seconds = self._interruption.seconds + self._draw(self._interruption.within_s)
            self._interrupted_until_ns = now_ns + int(seconds * SECOND_NS)
        if PHASES[phase].matches:
            self._before = phase
        self._phase = phase

    @property
    def next_ns(self) -> int | None:
        """When the next step is due; None if nothing is planned."""
        if self._steps:
            return 0
        planned = [] if self._next is None else [self._next_ns]
        return min(
            planned if self._interrupted_until_ns is None else [*planned, self._interrupted_until_ns], default=None
        )

    def take(self, now_ns: int) -> Step | None:
        """The next step that is due, which then counts as done; None if nothing is due.

        The phase can change with each step: call ``see`` before the next call.
        """
        while (due_ns := self.next_ns) is not None and due_ns <= now_ns:
            if self._steps:
                return self._steps.pop(0)
            if due_ns == self._interrupted_until_ns:
                self._interrupted_until_ns = None
                return Step(CommandType.UNCROSS, self._before, "volatility interruption")
            step = self._take_row(now_ns)
            if step is not None:
                return step
        return None

    def _take_row(self, now_ns: int) -> Step | None:
        """Mark the next row as done. Returns its step; None if it has no effect."""
        done = self._next
        assert done is not None
        row = self._timetable.rows[done.row]
        suspended = self._phase is Phase.HALTED and self._own is not Phase.HALTED
        self._own = self._own if suspended else row.phase
        self._plan(done, now_ns)
        if suspended or row.phase is self._phase:
            return None
        if row.phase is Phase.CLOSED:
            self._steps.append(Step(CommandType.EXPIRE, row.phase, str(row)))
        return Step(self._command(row), row.phase, str(row))

    def _command(self, row: Row) -> CommandType:
        """An uncross needs collected orders: the operator may have ended the auction already."""
        return CommandType.UNCROSS if row.uncross and PHASES[self._phase].collects else CommandType.SET_PHASE
