"""Histograms in files: read back with the same percentiles, by this package and by the one the format is from."""

import random
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hdrh", reason="needs hdrhistogram: pip install '.[measure]'")

from hdrh import histogram as hdr
from hdrh import log

from pricetime import PricetimeError
from pricetime.extras import MissingExtra
from pricetime.native import hlog
from pricetime.native.histogram import Histogram

SHOWN = (50, 90, 99, 99.9, 99.99, 100)
WHEN = {"started_at": 1_700_000_000.25, "ended_at": 1_700_000_060.5}


def filled(values: Any) -> Any:
    made = Histogram()
    made.record_many(values)
    return made


def some(count: int, seed: int) -> Any:
    """Latencies as they are: most near one figure, a few far out."""
    rng = random.Random(seed)
    return filled(int(rng.lognormvariate(9, 1.5)) for _ in range(count))


def intervals(path: Path) -> list[Any]:
    """What the package finds in a file."""
    reader = log.HistogramLogReader(str(path), None)
    found = []
    while (interval := reader.get_next_interval_histogram()) is not None:
        found.append(interval)
    reader.close()
    return found


@pytest.mark.parametrize("count", [1, 2, 105, 1040, 7001])
def test_read_back_to_the_same_percentiles(count: int, tmp_path: Path) -> None:
    """By the package with its own functions, and here."""
    path = tmp_path / "run.hlog"
    written = {"match.rests": some(count, 1), "tick_to_trade.trades": some(count, 2), "round_trip.all": filled([2**41])}
    hlog.write(path, written, **WHEN)
    theirs, ours = intervals(path), hlog.read(path)
    assert [interval.get_tag() for interval in theirs] == list(ours) == list(written)
    for interval, (name, histogram) in zip(theirs, written.items(), strict=True):
        expected = histogram.percentiles(SHOWN)
        assert [interval.get_value_at_percentile(percentage) for percentage in SHOWN] == expected
        assert interval.get_max_value() == expected[-1]
        assert interval.get_total_count() == histogram.count == ours[name].count
        assert ours[name].percentiles(SHOWN) == expected
        assert (ours[name].array() == histogram.array()).all()
        assert interval.get_start_time_stamp() == 1_700_000_000_250
        assert interval.get_end_time_stamp() == 1_700_000_060_500


def test_an_empty_histogram_stays_empty(tmp_path: Path) -> None:
    hlog.write(tmp_path / "run.hlog", {"match.other": Histogram()}, **WHEN)
    (found,) = hlog.read(tmp_path / "run.hlog").values()
    assert (found.count, found.percentiles((50, 100))) == (0, [0, 0])


def test_no_histogram_at_all(tmp_path: Path) -> None:
    hlog.write(tmp_path / "run.hlog", {}, **WHEN)
    assert hlog.read(tmp_path / "run.hlog") == {}


def test_the_text(tmp_path: Path) -> None:
    """As other tools of the format expect it."""
    hlog.write(tmp_path / "run.hlog", {"match.rests": filled([1_500_000])}, **WHEN)
    *head, line = (tmp_path / "run.hlog").read_text("ascii").splitlines()
    assert head[0] == "#[Histogram log format version 1.3]"
    assert head[1] == "#[StartTime: 1700000000.250 (seconds since epoch), 2023-11-14T22:13:20+00:00]"
    assert head[-1] == '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    tag, start, length, most, data = line.split(",")
    assert (tag, start, length, most) == ("Tag=match.rests", "1700000000.250", "60.250", "1.500159")
    assert data.startswith("HISTFAAA")


def test_written_by_the_package(tmp_path: Path) -> None:
    """In several intervals, with and without a tag, and with less room than ours."""
    path = tmp_path / "theirs.hlog"
    made = hdr.HdrHistogram(1, 3_600_000_000, 3)
    for value in (10, 20, 3_000_000):
        made.record_value(value)
    with path.open("w", encoding="ascii") as file:
        writer = log.HistogramLogWriter(file)
        writer.output_log_format_version()
        writer.output_legend()
        writer.output_interval_histogram(made, 1, 2)
        for start in (2, 3):
            file.write("Tag=a,")
            writer.output_interval_histogram(made, start, start + 1)
    found = hlog.read(path)
    assert {name: histogram.count for name, histogram in found.items()} == {"": 3, "a": 6}
    assert found["a"].percentiles((50, 100)) == [20, made.get_max_value()]


def test_written_again_it_is_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "run.hlog"
    hlog.write(path, {"a": filled([1, 2])}, **WHEN)
    hlog.write(path, {"b": filled([3])}, **WHEN)
    assert list(hlog.read(path)) == ["b"]
    assert list(tmp_path.iterdir()) == [path], "nothing else is left"


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        hlog.write(tmp_path / "none" / "run.hlog", {}, **WHEN)
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        hlog.write(tmp_path / "folder", {}, **WHEN)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


@pytest.mark.parametrize("name", ["", "a,b", "a\nb"])
def test_names_that_the_format_has_no_room_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a valid name for a histogram"):
        hlog.write(tmp_path / "run.hlog", {name: Histogram()}, **WHEN)
    assert list(tmp_path.iterdir()) == []


def line_of(histogram: Any) -> str:
    return f"Tag=a,1.0,1.0,1.0,{histogram.encode().decode()}\n"


def coarse() -> str:
    made = hdr.HdrHistogram(1, 10**6, 2)
    made.record_value(5)
    return line_of(made)


def of_us() -> str:
    made = hdr.HdrHistogram(1024, 10**9, 3)
    made.record_value(5000)
    return line_of(made)


def huge() -> str:
    made = hdr.HdrHistogram(1, 2**50, 3)
    made.record_value(2**45)
    return line_of(made)


def whole() -> str:
    return line_of(hlog.to_hdr(some(1000, 1)))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (coarse(), "a histogram has 2 digits from 1 on: pricetime reads only 3 digits"),
        (of_us(), "a histogram has 3 digits from 1024 on"),
        (huge(), r"values must be below 2\^40"),
        (whole()[:-100] + "\n", "cannot be read"),
        ("Tag=a,1.0,1.0,1.0,HISTFAAAAB\n", "cannot be read"),
        ("Tag=a,1.0,1.0,1.0,\n", "cannot be read"),
        ("Tag=a,1.0,1.0,1.0,!!!!\n", "cannot be read"),
        ("Tag=a,1..0,1.0,1.0,AAAA\n", "cannot be read"),
    ],
    ids=["digits", "unit", "large", "cut", "short", "empty", "no base64", "no number"],
)
def test_histograms_that_cannot_be_read(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.hlog"
    path.write_text(f"#[Histogram log format version 1.3]\n{text}", encoding="ascii")
    with pytest.raises(hlog.BadLog, match=why) as raised:
        hlog.read(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert "\n" not in str(raised.value)
    assert issubclass(hlog.BadLog, PricetimeError)


def test_a_file_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(bytes(range(256)))
    with pytest.raises(hlog.BadLog, match="cannot be read"):
        hlog.read(tmp_path / "picture.png")
    with pytest.raises(FileNotFoundError):
        hlog.read(tmp_path / "none.hlog")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "hdrh", None)
    for call in (
        lambda: hlog.read(tmp_path / "x.hlog"),
        lambda: hlog.write(tmp_path / "x", {"a": Histogram()}, **WHEN),
    ):
        with pytest.raises(MissingExtra, match=r"pricetime\[measure\]"):
            call()
    assert list(tmp_path.iterdir()) == []
