"""The command ``python -m benchmarks`` from end to end, at its smallest size."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.bytes_per_order import Weight, weigh
from benchmarks.calls_per_second import measure as measure_calls
from benchmarks.import_time import measure as measure_import
from benchmarks.steps import BOOK
from click.testing import CliRunner

import pricetime
from benchmarks.__main__ import main


@pytest.mark.compiled
def test_it_measures_prints_and_writes(tmp_path: Path) -> None:
    chosen = [
        "--preset",
        "sweep",
        "--preset",
        "cancels",
        "--steps",
        "reference",
        "--steps",
        "book",
        "--steps",
        "hashed-levels",
    ]
    small = ["--count", "1000", "--rounds", "2", "--no-picture", "--output", str(tmp_path)]
    result = CliRunner().invoke(main, [*chosen, *small])
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "steps.json").read_text(encoding="utf-8"))
    rows = {(row["workload"], row["step"]): row for row in written["orders"]}
    assert set(rows) == {(w, s) for w in ("sweep", "cancels") for s in ("reference", "hashed-levels", "book")}
    for row in rows.values():
        assert len(row["ns_of_turns"]) == 2
        assert 0 < row["p50_ns"] <= row["p99_ns"] <= row["p99.9_ns"] <= row["max_ns"]
        assert row["m_orders"] == pytest.approx(1e3 / row["ns"])
    assert written["clock"]
    assert written["processor"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["steps.json", "steps.md"]
    table = (tmp_path / "steps.md").read_text(encoding="utf-8")
    assert table.startswith("### All figures")
    assert "25 / 450" in table
    assert "25 / 450" in result.output


def test_the_pure_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks import build

    monkeypatch.setattr(pricetime, "COMPILED", False)
    build.ready.cache_clear()
    try:
        result = CliRunner().invoke(main, ["--quick", "--no-picture"])
    finally:
        build.ready.cache_clear()
    assert result.exit_code == 1
    assert "pricetime runs uncompiled here" in result.output


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    result = CliRunner().invoke(main, ["--preset", "calm"])
    assert result.exit_code == 2
    assert "one-maker-per-taker" in result.output


def test_calls_from_python_are_timed() -> None:
    found = {calls.name: calls for calls in measure_calls(1_300, 2)}
    assert list(found) == [
        "add_order, rests",
        "add_order, trades",
        "cancel_order",
        "add_order and cancel_order alternately",
    ]
    for calls in found.values():
        assert all(len(ns) == 2 and min(ns) > 0 for ns in (calls.pricetime, calls.plain, calls.empty))
        assert calls.times > 0


def test_the_import_is_timed_in_fresh_processes() -> None:
    found = measure_import(1)
    assert found.pricetime > 0
    assert found.numpy > 0


@pytest.mark.compiled
def test_a_resting_order_weighs_what_the_limit_allows() -> None:
    found: Weight = weigh(BOOK)
    assert found.resting == 1_000_000
    assert found.counted is not None
    assert found.counted <= 110
    assert found.counted_after is not None
    assert found.counted_after <= 110
    if found.resident is not None and found.resident_after is not None:
        assert found.resident <= 110
        assert abs(found.resident_after - found.resident) < 5
