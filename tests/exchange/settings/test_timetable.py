"""Timetables: how rows are written, when they happen, and which ones contradict each other."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from pricetime.exchange.settings.timetable import MONDAY_TO_FRIDAY, Occurrence, Row, Timetable
from pricetime.types import Phase

DAY = ("08:00 pre-open", "08:50 opening-auction", "09:00 uncross continuous within 30s", "17:30 closed")


def timetable(*rows: str, zone: str = "UTC") -> Timetable:
    return Timetable([Row.parse(row) for row in rows], zone)


def ns(text: str, zone: str = "UTC", fold: int = 0) -> int:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return int(local.timestamp()) * 10**9


def shown(table: Timetable, since: str, count: int) -> list[str]:
    """The next occurrences in UTC, with the numbers of their rows."""
    found: list[str] = []
    last = Occurrence(ns(since), len(table.rows))
    for _ in range(count):
        following = table.after(last)
        assert following is not None
        assert table.before(following) == last or not found
        last = following
        found.append(f"{datetime.fromtimestamp(last.at_ns / 1e9, UTC):%a %d %H:%M} {last.row}")
    return found


@pytest.mark.parametrize(
    ("text", "row", "again"),
    [
        ("08:00 pre-open", Row(time(8), Phase.PRE_OPEN), "mon-fri 08:00 pre-open"),
        ("  SUN-THU 17:00:05  Closing_Auction ",
         Row(time(17, 0, 5), Phase.CLOSING_AUCTION, days=frozenset({6, 0, 1, 2, 3})),
         "sun-thu 17:00:05 closing-auction"),
        ("sat 09:30 uncross continuous within 45s",
         Row(time(9, 30), Phase.CONTINUOUS, True, 45, frozenset({5})),
         "sat 09:30 uncross continuous within 45s"),
        ("mon/wed/fri-sat 00:00 halted", Row(time(0), Phase.HALTED, days=frozenset({0, 2, 4, 5})),
         "mon/wed/fri/sat 00:00 halted"),
        ("mon-sun 23:59:59 closed", Row(time(23, 59, 59), Phase.CLOSED, days=frozenset(range(7))),
         "mon-sun 23:59:59 closed"),
    ],
)  # fmt: skip
def test_a_row_is_read_and_written(text: str, row: Row, again: str) -> None:
    assert Row.parse(text) == row
    assert str(row) == again
    assert Row.parse(again) == row


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "write a row as"),
        ("9:00 closed", "write a row as"),
        ("09:00", "write a row as"),
        ("09:00 uncross", "'uncross' cannot be scheduled"),
        ("09:00 open", "'open' cannot be scheduled: give one of continuous, halted, closed, pre-open"),
        ("09:00 volatility-auction", "'volatility-auction' cannot be scheduled"),
        ("24:00 closed", "24:00 is not a time of day: give 00:00 to 23:59:59"),
        ("09:00:60 closed", "is not a time of day"),
        ("xyz 09:00 closed", "'xyz' are not days: write them as mon-fri, sat or mon/wed/fri"),
        ("mon- 09:00 closed", "'mon-' are not days"),
        ("mon-xyz 09:00 closed", "are not days"),
        ("09:00 uncross continuous within 3601s", "the window is longer than 3600 s"),
        ("09:00 uncross continuous within 5", "write a row as"),
    ],
)
def test_a_row_that_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ValueError) as raised:
        Row.parse(text)
    assert message in str(raised.value)


def test_without_rows_nothing_happens() -> None:
    empty = timetable()
    assert empty.after(Occurrence(0, 0)) is empty.before(Occurrence(0, 0)) is empty.until(5) is None


def test_rows_repeat_on_their_days() -> None:
    table = timetable("08:00 pre-open", "fri 16:00 closed", "mon-thu 17:00 closed")
    assert shown(table, "2026-11-26T12:00", 7) == [
        "Thu 26 17:00 2", "Fri 27 08:00 0", "Fri 27 16:00 1", "Mon 30 08:00 0", "Mon 30 17:00 2", "Tue 01 08:00 0",
        "Tue 01 17:00 2",
    ]  # fmt: skip
    assert all(row.days == MONDAY_TO_FRIDAY for row in table.rows[:1])
    assert table.until(ns("2026-11-27T08:00")) == Occurrence(ns("2026-11-27T08:00"), 0)
    assert table.until(ns("2026-11-27T08:00") - 1) == Occurrence(ns("2026-11-26T17:00"), 2)


def test_a_weekly_row() -> None:
    table = timetable("wed 12:00 closed")
    assert table.after(Occurrence(ns("2026-11-25T12:00"), 0)) == Occurrence(ns("2026-12-02T12:00"), 0)
    assert table.before(Occurrence(ns("2026-11-25T12:00"), 0)) == Occurrence(ns("2026-11-18T12:00"), 0)


def test_a_session_over_midnight_in_its_time_zone() -> None:
    table = timetable(
        "sun-thu 16:45 pre-open", "sun-thu 17:00 uncross continuous", "mon-fri 16:00 closed", zone="America/Chicago"
    )
    assert shown(table, "2026-11-27T12:00", 5) == [
        "Fri 27 22:00 2", "Sun 29 22:45 0", "Sun 29 23:00 1", "Mon 30 22:00 2", "Mon 30 22:45 0",
    ]  # fmt: skip


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Hong_Kong"])
def test_each_row_happens_once_on_each_day_of_a_year(zone: str) -> None:
    table = timetable(
        "mon-sun 00:10 pre-open", "mon-sun 01:40 opening-auction", "mon-sun 02:15 uncross continuous",
        "mon-sun 02:45 closing-auction", "mon-sun 23:50 uncross closed",
        zone=zone,
    )  # fmt: skip
    last = Occurrence(ns("2026-01-01T00:00", zone), -1)
    found: list[Occurrence] = []
    for _ in range(365 * 5):
        following = table.after(last)
        assert following is not None
        assert following > last
        assert table.before(following) == (last if found else table.before(following))
        found.append(following)
        last = following
    assert [one.row for one in found] == [0, 1, 2, 3, 4] * 365
    assert len(set(found)) == len(found)
    on = [datetime.fromtimestamp(one.at_ns // 10**9, ZoneInfo(zone)).date() for one in found]
    assert on == sorted(on)
    assert len(set(on)) == 365


def test_a_time_that_is_skipped_and_one_that_occurs_twice() -> None:
    table = timetable("mon-sun 02:30 closed", zone="Europe/Berlin")
    spring, autumn = table.until(ns("2026-03-29T12:00")), table.until(ns("2026-10-25T12:00"))
    assert spring is not None
    assert autumn is not None
    assert spring.at_ns == ns("2026-03-29T01:30"), "03:30 summer time"
    assert autumn.at_ns == ns("2026-10-25T00:30"), "the first one"
    following = table.after(autumn)
    assert following is not None
    assert following.at_ns == ns("2026-10-26T01:30")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (("08:00 pre-open", "09:00 continuous"),
         "'mon-fri 09:00 continuous' follows 'mon-fri 08:00 pre-open', which collects orders: write uncross"),
        (("09:00 continuous", "17:00 uncross closed"),
         "'mon-fri 17:00 uncross closed' has no auction to end, because 'mon-fri 09:00 continuous' comes before it"),
        (("09:00 closed", "09:00 pre-open"), "are at the same time: move one of them"),
        (("09:00 closed within 60s", "09:01 pre-open"), "before the window of 'mon-fri 09:00 closed within 60s'"),
        (("sun 23:59:50 closed within 60s", "mon 00:00 pre-open"), "begins before the window"),
        (("08:00 pre-open", "fri 17:00 closed"), None),
        (("tue 08:00 pre-open", "wed 09:00 continuous"), "which collects orders"),
    ],
)  # fmt: skip
def test_rows_that_contradict_each_other(rows: tuple[str, ...], message: str | None) -> None:
    if message is None:
        timetable(*rows)
        return
    with pytest.raises(ValueError) as raised:
        timetable(*rows)
    assert message in str(raised.value)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc", "Europe"])
def test_a_time_zone_that_is_unknown(zone: str) -> None:
    with pytest.raises(ValueError, match="is unknown: give a name such as Europe/Berlin"):
        timetable("09:00 closed", zone=zone)
