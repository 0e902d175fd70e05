"""The figures of runs as tables."""

from dataclasses import replace

from pricetime.load.tables import latency_table, rate_table, step_tables
from tests.load import made_runs

BY_TAG = {f"round_trip.{kind}": made_runs.of_values([1_000, 2_000, 3_000]) for kind in ("rests", "cancel")}


def test_rates_and_what_became_of_them() -> None:
    good = made_runs.load_run(BY_TAG)
    searched = made_runs.load_run(BY_TAG, saturation=made_runs.saturation())
    ramp = replace(good, settings={**good.settings, "rate": None, "ramp": [0, 2e6]})
    fast = replace(good, settings={**good.settings, "rate": None})
    slow = replace(good, result=replace(good.result, sent_per_s=5.0, late=1))
    bad = made_runs.load_run({}, result=made_runs.failed("gone"))
    table = rate_table({"good": good, "searched": searched, "ramp": ramp, "fast": fast, "slow": slow, "bad": bad})
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["good"] == ["complete", "1 M/s", "1 M/s", "1 M/s", "5,000,000", "0.00%"]
    assert [rows[name][1] for name in ("searched", "ramp", "fast")] == [
        "a search",
        "0 /s to 2 M/s",
        "as fast as possible",
    ]
    assert rows["slow"][:3] == ["see above", "1 M/s", "5 /s"]
    assert rows["bad"] == ["failed", "1 M/s", "0 /s", "0 /s", "0", "0.00%"]
    assert all(len(row) == len(table.columns) for row in table.rows)


def test_a_row_for_each_kind_that_has_any_and_for_each_run() -> None:
    latencies = made_runs.load_run(BY_TAG).latency_ns
    table = latency_table({"made": latencies})
    assert table.columns == ["interval", "kind", "commands", "p50", "p90", "p99", "p99.9", "p99.99", "max"]
    assert [row[:4] for row in table.rows] == [
        ["round trip", "all", "6", "2 us"],
        ["round trip", "rests", "3", "2 us"],
        ["round trip", "cancel", "3", "2 us"],
    ]
    table = latency_table({"one": latencies, "two": latencies, "none": {}})
    assert table.columns[:4] == ["interval", "kind", "run", "commands"]
    assert [row[2] for row in table.rows] == ["one", "two"] * 3


def test_steps_of_a_search() -> None:
    made = made_runs.load_run(BY_TAG, saturation=made_runs.saturation(2e6, limit_p99_ns=50_000))
    (table,) = step_tables({"made": made, "not a search": made_runs.load_run(BY_TAG)})
    assert table.title == "made: 1.2 M/s is the highest rate with a p99 of at most 50 us"
    assert [row[0] for row in table.rows][::3] == ["400 k/s", "1.6 M/s", "2 M/s"]
    assert [row[-1] for row in table.rows] == ["good"] * 3 + ["bad"] * 5
    vain = made_runs.load_run(BY_TAG, saturation=made_runs.saturation(limit_p99_ns=1))
    (table,) = step_tables({"vain": vain})
    assert table.title == "vain: no rate was found with a p99 of at most 1 ns"
