"""Converts the times of a tape between nanoseconds and text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from ..errors import PricetimeError

SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_TIME = r"(?P<hours>\d{1,2}):(?P<minutes>\d\d)(?::(?P<seconds>\d\d(?:\.\d+)?))?"
_DATED = re.compile(rf"(?P<date>\d{{4}}-\d\d-\d\d)[T ]{_TIME}(?:Z|\+00:00)?", re.A)
_TIME_OF_DAY = re.compile(rf"{_TIME}Z?", re.A)
_SECONDS = re.compile(r"\d{1,5}(\.\d+)?", re.A)


class InvalidTime(PricetimeError, ValueError):
    """The text of a time has no format that this tape accepts."""


class Clock:
    """The time scale of a tape. ``midnight_ns``: the start of its first day, ns since 1970 UTC; None without a date."""

    def __init__(self, midnight_ns: int | None) -> None:
        self.midnight_ns = midnight_ns

    @classmethod
    def of_day(cls, time_ns: int) -> Clock:
        """The clock of a tape that starts at this time, in ns since 1970 UTC."""
        return cls(time_ns - time_ns % DAY_NS)

    def parse(self, text: str) -> int:
        """A time as ns on the tape's scale: since 1970 UTC, or since midnight if the tape has no date.

        Accepts HH:MM[:SS[.fraction]] and seconds after midnight on the tape's first day, and
        YYYY-MM-DDTHH:MM[:SS[.fraction]] if the tape has a date, all UTC. Digits beyond ns are rounded.
        Raises InvalidTime.
        """
        start = self.midnight_ns or 0
        if self.midnight_ns is not None and _DATED.fullmatch(text):
            return dated_ns(text)
        if seen := _TIME_OF_DAY.fullmatch(text):
            return start + _of_day_ns(seen, text)
        if _SECONDS.fullmatch(text):
            return start + _seconds_ns(text)
        dated = "YYYY-MM-DDTHH:MM:SS.fraction, " if self.midnight_ns is not None else ""
        raise InvalidTime(f"time {text!r} is invalid: give {dated}HH:MM:SS.fraction or seconds after midnight")

    def text(self, time_ns: int) -> str:
        """A time of the tape as text, to the nanosecond."""
        fraction = f"{time_ns % SECOND_NS:09}"
        moment = EPOCH + timedelta(seconds=time_ns // SECOND_NS)
        date = "" if self.midnight_ns is None else f"{moment:%Y-%m-%d} "
        return f"{date}{moment:%H:%M:%S}.{fraction}"


def dated_ns(text: str) -> int:
    """YYYY-MM-DDTHH:MM[:SS[.fraction]] in UTC as ns since 1970. Raises InvalidTime."""
    seen = _DATED.fullmatch(text)
    if not seen:
        raise InvalidTime(f"time {text!r} is not YYYY-MM-DDTHH:MM:SS.fraction")
    try:
        day = datetime.fromisoformat(seen["date"]).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidTime(f"time {text!r} has no such date: {error}") from error
    return (day - EPOCH).days * DAY_NS + _of_day_ns(seen, text)


def _of_day_ns(seen: re.Match[str], text: str) -> int:
    hours, minutes, seconds_ns = int(seen["hours"]), int(seen["minutes"]), _seconds_ns(seen["seconds"] or "0")
    if hours > 23 or minutes > 59 or seconds_ns >= 60 * SECOND_NS:
        raise InvalidTime(f"time {text!r} is beyond 23:59:59")
    return (hours * 60 + minutes) * 60 * SECOND_NS + seconds_ns


def _seconds_ns(text: str) -> int:
    """Decimal seconds in ns, rounded: digits beyond the ninth are rounding errors of floats."""
    return round(Decimal(text).scaleb(9))
