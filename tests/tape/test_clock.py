import pytest

from pricetime.tape.clock import Clock, InvalidTime

HOUR_NS = 3_600 * 10**9
#: 2023-12-25 00:00 UTC
CHRISTMAS_NS = 1_703_462_400 * 10**9

DATED = Clock.of_day(CHRISTMAS_NS + 13 * HOUR_NS + 7)
UNDATED = Clock(None)


@pytest.mark.parametrize(
    ("text", "since_midnight"),
    [
        ("23:00", 23 * HOUR_NS),
        ("23:00:01", 23 * HOUR_NS + 10**9),
        ("9:30:00.5", 9 * HOUR_NS + 1800 * 10**9 + 500_000_000),
        ("09:30:00.000000001Z", 9 * HOUR_NS + 1800 * 10**9 + 1),
        ("34200.017459617", 34_200_017_459_617),
        ("0", 0),
        ("10:00:00.1234567896", 10 * HOUR_NS + 123_456_790),
        ("35821.088778456004", 35_821_088_778_456),
    ],
)
def test_times_of_day(text: str, since_midnight: int) -> None:
    assert UNDATED.parse(text) == since_midnight
    assert DATED.parse(text) == CHRISTMAS_NS + since_midnight


@pytest.mark.parametrize("text", ["2023-12-26T01:00", "2023-12-26 01:00:00", "2023-12-26T01:00:00.0Z"])
def test_times_with_a_date(text: str) -> None:
    assert DATED.parse(text) == CHRISTMAS_NS + 25 * HOUR_NS
    with pytest.raises(InvalidTime):
        UNDATED.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("noon", "is invalid: give YYYY-MM-DDTHH:MM:SS.fraction, HH:MM:SS.fraction or seconds after midnight"),
        ("24:00", "is beyond 23:59:59"),
        ("12:60", "is beyond 23:59:59"),
        ("2023-02-30T10:00", "has no such date"),
        ("1:2:3", "is invalid"),
        ("-5", "is invalid"),
        ("", "is invalid"),
    ],
)
def test_what_is_no_time(text: str, message: str) -> None:
    with pytest.raises(InvalidTime, match=message):
        DATED.parse(text)


def test_text_and_back() -> None:
    time_ns = CHRISTMAS_NS + 23 * HOUR_NS + 85_275_419
    assert DATED.text(time_ns) == "2023-12-25 23:00:00.085275419"
    assert UNDATED.text(34_200_017_459_617) == "09:30:00.017459617"
    assert DATED.parse(DATED.text(time_ns)) == time_ns
