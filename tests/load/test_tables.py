"""The figures of runs as tables."""

from dataclasses import replace
from pathlib import Path

import pytest

from pricetime.load.recording import load
from pricetime.load.tables import load_table, tables_of
from tests.load import made_runs

pytest.importorskip("hdrh", reason="needs the packages of a report: pip install '.[report]'")

BY_TAG = {f"round_trip.{kind}": made_runs.of_values([1_000, 2_000, 3_000]) for kind in ("rests", "cancel")}


def test_loads_and_what_became_of_them(tmp_path: Path) -> None:
    good = made_runs.load_run(BY_TAG)
    searched = made_runs.load_run(BY_TAG, saturation=made_runs.saturation())
    ramp = replace(good, settings={**good.settings, "rate": None, "ramp": [0, 2e6]})
    fast = replace(good, settings={**good.settings, "rate": None})
    slow = replace(good, result=replace(good.result, sent_per_s=5.0, late=1))
    bad = made_runs.load_run({}, result=made_runs.failed("gone"))
    made = {"good": good, "searched": searched, "ramp": ramp, "fast": fast, "slow": slow, "bad": bad}
    table = load_table(load([made_runs.write(tmp_path, name, each) for name, each in made.items()]))
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["good"] == ["complete", "1 M/s", "1 M/s", "1 M/s", "0 %", "2 µs", "3 µs", "3 µs", "3 µs"]
    assert [rows[name][1] for name in ("searched", "ramp", "fast")] == [
        "a search",
        "0/s to 2 M/s",
        "as fast as possible",
    ]
    assert rows["slow ⚠"][:3] == ["see above", "1 M/s", "5/s"]
    assert rows["bad ⚠"] == ["failed", "1 M/s", "0/s", "0/s", "-", "-", "-", "-", "-"]
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_a_row_for_each_kind_that_has_any(tmp_path: Path) -> None:
    recordings = load([made_runs.write(tmp_path, "made", made_runs.load_run(BY_TAG))])
    (table,) = tables_of("percentiles-round-trip", recordings)
    assert table.columns[3:] == ["p50", "p90", "p99", "p99.9", "p99.99", "max"]
    assert [row[:4] for row in table.rows] == [
        ["made", "all commands", "6", "2 µs"],
        ["made", "add that rests", "3", "2 µs"],
        ["made", "cancel or reduce", "3", "2 µs"],
    ]
    assert list(tables_of("histogram-round-trip", recordings)) == []


def test_steps_of_a_search(tmp_path: Path) -> None:
    made = made_runs.load_run(BY_TAG, saturation=made_runs.saturation(2e6, limit_p99_ns=50_000))
    (table,) = tables_of("saturation", load([made_runs.write(tmp_path, "made", made)]))
    assert table.title == "made: 1.2 M/s is the highest rate with a p99 of at most 50 µs"
    assert [row[0] for row in table.rows][::3] == ["0.4 M/s", "1.6 M/s", "2 M/s"], "rates of a column are in one unit"
    outcomes = [row[-1] for row in table.rows]
    assert outcomes == ["within the limit"] * 3 + ["over the limit"] * 4 + ["over the limit; missed its rate"]
    vain = made_runs.load_run(BY_TAG, saturation=made_runs.saturation(limit_p99_ns=1))
    (table,) = tables_of("saturation", load([made_runs.write(tmp_path, "vain", vain)]))
    assert table.title == "vain ⚠: no rate was found with a p99 of at most 1 ns"


def test_stages_with_and_without_latencies(tmp_path: Path) -> None:
    (table,) = tables_of("stages", load([made_runs.write(tmp_path, "made", made_runs.pipeline_run(slow=1.5))]))
    assert [row[3] for row in table.rows] == ["10 M/s", "6 M/s", "4 M/s", "0.8 M/s"]
    (table,) = tables_of("stages", load([made_runs.write(tmp_path, "made", made_runs.pipeline_run())]))
    assert table.rows[0] == ["match", "made: match", "10,000,000", "15 M/s", *["-"] * 6, "make bench-0"]
    assert table.rows[1][4:] == ["500 ns", "650 ns", "1 µs", "2 µs", "4.5 µs", "50 µs", "make bench-1"]
