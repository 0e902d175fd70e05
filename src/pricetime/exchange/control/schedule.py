"""Decides which phase of one instrument is due: by its timetable, and at the end of a volatility interruption.

``Schedule`` reads no clock and sends nothing: it is given times and phases, and gives steps. ``Clock`` sends them.

- An operator's halt suspends the timetable: rows that become due have no effect until the operator ends the halt.
- A volatility interruption ends with an uncross into the phase before it, unless a row is due earlier.
- A row is done when its command is in the log. The command has the time at which the row was due, and the state of the
  instrument keeps it: so a start knows which rows are done, even if the server was killed while it made up for others.
- After a restart, the other rows that became due until now are due at once, in their order. Rows that had no effect
  before, because the phase was theirs or was halted, have none again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ...phases import PHASES
from ...types import CommandType, Phase
from ..settings.timetable import SECOND_NS, WEEK_S, Occurrence, Row, Timetable

#: Rows that are missed are made up for, if they are not older than this.
MOST_MISSED_NS = WEEK_S * SECOND_NS


class Step(NamedTuple):
    """A command that is due: SET_PHASE, UNCROSS or EXPIRE."""

    command: CommandType
    phase: Phase  #: of SET_PHASE and UNCROSS: the one that begins
    why: str  #: the row, or what else made it due
    due_ns: int = 0  #: when it was due, of SET_PHASE and UNCROSS; 0 without a timetable


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

    def start(self, now_ns: int, phase: Phase, done_ns: int) -> None:
        """Begin at a time and in a phase. ``done_ns``: the rows until this time are done; 0: none is.

        If none is, the instrument begins in the phase that the timetable has at this time.
        """
        last = self._timetable.until(max(done_ns, now_ns - MOST_MISSED_NS) if done_ns else now_ns)
        if last is None:
            self.see(now_ns, phase)
            return
        row = self._timetable.rows[last.row]
        self._own = row.phase
        self._before = row.phase if PHASES[row.phase].matches else self._before
        self.see(now_ns, phase)
        if not done_ns:
            self._steps.append(Step(CommandType.SET_PHASE, row.phase, str(row), last.at_ns))
        elif phase is Phase.VOLATILITY_AUCTION:
            last = self._skip_repeated(last, now_ns)
        self._plan(last, now_ns)
        if done_ns and phase is Phase.CLOSED and self._next_ns <= now_ns:
            self._steps.append(Step(CommandType.EXPIRE, phase, str(row)))  # it may not have reached the log

    def _skip_repeated(self, last: Occurrence, now_ns: int) -> Occurrence:
        """Skip rows that began the phase which an interruption interrupts once more: they may have been before it."""
        following = self._timetable.after(last)
        while following is not None and following.at_ns <= now_ns and self._phase_of(following) is self._before:
            last, following = following, self._timetable.after(following)
        return last

    def _phase_of(self, one: Occurrence) -> Phase:
        return self._timetable.rows[one.row].phase

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
                scheduled_ns = due_ns if self._timetable.rows else 0
                return Step(CommandType.UNCROSS, self._before, "volatility interruption", scheduled_ns)
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
        return Step(self._command(row), row.phase, str(row), done.at_ns)

    def _command(self, row: Row) -> CommandType:
        """An uncross needs collected orders: the operator may have ended the auction already."""
        return CommandType.UNCROSS if row.uncross and PHASES[self._phase].collects else CommandType.SET_PHASE
