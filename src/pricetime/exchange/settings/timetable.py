"""Timetables: the times of day at which the phases of an instrument begin.

    mon-fri 08:00 pre-open
    mon-fri 08:50 opening-auction
    mon-fri 09:00 uncross continuous within 30s
    mon-fri 17:30 closing-auction
    mon-fri 17:35 uncross closed within 30s

A row begins a phase; with ``uncross`` the auction of the phase before takes place first. With ``within`` it happens at
a random time from the given one on, before the window ends. Rows without days are for Monday to Friday.

A time that a change to daylight saving time skips is as much later as the clock goes forward; of a time that occurs
twice, the first counts. So each row happens once on each of its days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ...phases import PHASES
from ...types import Phase
from .fields import written

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONDAY_TO_FRIDAY = frozenset(range(5))

WEEK_DAYS, DAY_S, WEEK_S, SECOND_NS = 7, 86_400, 7 * 86_400, 1_000_000_000

#: The phases that a row can begin. Only a price range begins a volatility auction, or the operator.
SCHEDULED = tuple(phase for phase in Phase if phase is not Phase.VOLATILITY_AUCTION)

#: The longest window of a random time, in seconds.
MOST_WITHIN_S = 3600

FORM = "[DAYS] HH:MM[:SS] [uncross] PHASE [within SECONDSs]"
PATTERN = re.compile(
    r"(?:(?P<days>[a-z/-]+) +)?(?P<at>\d\d:\d\d(?::\d\d)?) +(?P<uncross>uncross +)?(?P<phase>[a-z_-]+)"
    r"(?: +within +(?P<within>\d+) ?s)?"
)


@dataclass(frozen=True)
class Row:
    """One row: at a time of day, on some days of the week, a phase begins."""

    at: time
    phase: Phase
    uncross: bool = False  #: with the auction of the phase before
    within_s: int = 0  #: length of the window of a random time; 0: exactly at ``at``
    days: frozenset[int] = MONDAY_TO_FRIDAY  #: 0 for Monday

    @classmethod
    def parse(cls, text: str) -> Row:
        """Read a row such as ``mon-fri 09:00 uncross continuous within 30s``. Raises ValueError."""
        found = PATTERN.fullmatch(text.strip().lower())
        if found is None:
            raise ValueError(f"write a row as {FORM}, such as 09:00 uncross continuous within 30s")
        names = {written(phase): phase for phase in SCHEDULED}
        phase = names.get(found["phase"].replace("_", "-"))
        if phase is None:
            raise ValueError(f"{found['phase']!r} cannot be scheduled: give one of {', '.join(names)}")
        within_s = int(found["within"] or 0)
        if within_s > MOST_WITHIN_S:
            raise ValueError(f"the window is longer than {MOST_WITHIN_S} s: give a shorter one")
        try:
            at = time.fromisoformat(found["at"])
        except ValueError:
            raise ValueError(f"{found['at']} is not a time of day: give 00:00 to 23:59:59") from None
        days = _days(found["days"]) if found["days"] else MONDAY_TO_FRIDAY
        return cls(at, phase, bool(found["uncross"]), within_s, days)

    def __str__(self) -> str:
        """The row as ``parse`` reads it."""
        at = self.at.isoformat("auto").removesuffix(":00") if not self.at.second else self.at.isoformat()
        do = f"{'uncross ' if self.uncross else ''}{written(self.phase)}"
        within = f" within {self.within_s}s" if self.within_s else ""
        return f"{_shown_days(self.days)} {at} {do}{within}"


class Occurrence(NamedTuple):
    """When a row happens: ns since 1970, and its number. Of rows at the same time the earlier row comes first."""

    at_ns: int
    row: int


class Timetable:
    """The rows of an instrument in its time zone. Raises ValueError if they contradict each other."""

    def __init__(self, rows: Sequence[Row], time_zone: str) -> None:
        self.rows = tuple(rows)
        self._zone = _zone(time_zone)
        _check(self.rows)

    def after(self, done: Occurrence) -> Occurrence | None:
        """The first occurrence after ``done``; None without rows. O(rows)."""
        day = self._day_of(done.at_ns) - timedelta(days=1)  # a time that is skipped can be on the day after
        for _ in range(WEEK_DAYS + 3):
            found = min((one for one in self._on(day) if one > done), default=None)
            if found is not None:
                return found
            day += timedelta(days=1)
        return None

    def before(self, limit: Occurrence) -> Occurrence | None:
        """The last occurrence before ``limit``; None without rows. O(rows)."""
        day = self._day_of(limit.at_ns) + timedelta(days=1)
        for _ in range(WEEK_DAYS + 3):
            found = max((one for one in self._on(day) if one < limit), default=None)
            if found is not None:
                return found
            day -= timedelta(days=1)
        return None

    def until(self, now_ns: int) -> Occurrence | None:
        """The last occurrence at ``now_ns`` or before; None without rows."""
        return self.before(Occurrence(now_ns, len(self.rows)))

    def _day_of(self, at_ns: int) -> date:
        return datetime.fromtimestamp(at_ns // SECOND_NS, self._zone).date()

    def _on(self, day: date) -> Iterator[Occurrence]:
        """The occurrences of one day, in the order of the rows."""
        for index, row in enumerate(self.rows):
            if day.weekday() in row.days:
                at = datetime.combine(day, row.at, self._zone)
                yield Occurrence(int(at.timestamp()) * SECOND_NS, index)


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"time zone {name!r} is unknown: give a name such as Europe/Berlin; the package tzdata has all"
        ) from None


def _days(text: str) -> frozenset[int]:
    """Read days such as ``mon-fri``, ``sat`` or ``sun-thu/sat``."""
    found: set[int] = set()
    for part in text.split("/"):
        first, sign, last = part.partition("-")
        last = last if sign else first
        if first not in WEEKDAYS or last not in WEEKDAYS:
            raise ValueError(f"{part!r} are not days: write them as mon-fri, sat or mon/wed/fri")
        number, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
        found |= {(number + step) % WEEK_DAYS for step in range((end - number) % WEEK_DAYS + 1)}
    return frozenset(found)


def _shown_days(days: frozenset[int]) -> str:
    """Days as ``_days`` reads them: as one range if they are, otherwise one by one."""
    for first in sorted(days):
        run = [(first + step) % WEEK_DAYS for step in range(len(days))]
        if set(run) == days and len(days) > 1:
            return f"{WEEKDAYS[first]}-{WEEKDAYS[run[-1]]}"
    return "/".join(WEEKDAYS[day] for day in sorted(days))


def _check(rows: Sequence[Row]) -> None:
    """Raise ValueError if a row cannot follow the one before it in the week."""
    week = sorted(
        (day * DAY_S + row.at.hour * 3600 + row.at.minute * 60 + row.at.second, index)
        for index, row in enumerate(rows)
        for day in row.days
    )
    if not week:
        return
    first_s, first = week[0]
    for (start_s, index), (next_s, following) in pairwise([*week, (first_s + WEEK_S, first)]):
        row, then = rows[index], rows[following]
        if next_s == start_s:
            raise ValueError(f"schedule: {str(row)!r} and {str(then)!r} are at the same time: move one of them")
        if next_s - start_s <= row.within_s:
            raise ValueError(f"schedule: {str(then)!r} begins before the window of {str(row)!r} ends: move one of them")
        collects = PHASES[row.phase].collects
        if then.uncross and not collects:
            raise ValueError(
                f"schedule: {str(then)!r} has no auction to end, because {str(row)!r} comes before it: remove uncross"
            )
        if collects and PHASES[then.phase].matches and not then.uncross:
            raise ValueError(
                f"schedule: {str(then)!r} follows {str(row)!r}, which collects orders: write uncross before the phase"
            )
