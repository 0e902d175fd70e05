"""The command ``python -m benchmarks`` from end to end, at its smallest size."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import pricetime
from benchmarks import build, memory
from benchmarks.__main__ import main
from benchmarks.calls import measure as measure_calls


def value_of(cell: str) -> float:
    return float(cell.rstrip("M").replace(",", "")) * (1e6 if cell.endswith("M") else 1)


@pytest.mark.compiled
def test_it_measures_prints_and_writes(tmp_path: Path) -> None:
    chosen = ["--preset", "sweep", "--preset", "cancels", "--count", "1000", "--rounds", "2"]
    result = CliRunner().invoke(main, [*chosen, "--output", str(tmp_path)])
    assert result.exit_code == 0, result.output
    written = json.loads((tmp_path / "book.json").read_text(encoding="utf-8"))
    (table,) = written["tables"]
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    assert [row["workload"] for row in rows] == ["sweep", "cancels"]
    for row in rows:
        figures = {name: value_of(cell) for name, cell in row.items() if name != "workload"}
        assert min(figures.values()) > 0
        assert figures["p50 ns"] <= figures["p99 ns"] <= figures["p99.9 ns"]
    assert written["processor"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["book.json", "book.md"]
    assert (tmp_path / "book.md").read_text(encoding="utf-8").startswith("### Million orders a second")


@pytest.mark.compiled
def test_one_book_alone_has_no_ratio(tmp_path: Path) -> None:
    chosen = ["--preset", "cancels", "--book", "plain Python", "--count", "1000", "--rounds", "1"]
    result = CliRunner().invoke(main, [*chosen, "--output", str(tmp_path)])
    assert result.exit_code == 0, result.output
    (table,) = json.loads((tmp_path / "book.json").read_text(encoding="utf-8"))["tables"]
    assert table["rows"][0][2:] == [""] * 7


def test_the_pure_form_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricetime, "COMPILED", False)
    build.ready.cache_clear()
    try:
        result = CliRunner().invoke(main, ["--quick"])
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
    assert list(found) == ["add_order, rests", "add_order, trades", "cancel_order"]
    for calls in found.values():
        assert all(len(ns) == 2 and min(ns) > 0 for ns in calls.ns.values())
        assert calls.times > 0


@pytest.mark.compiled
def test_a_resting_order_needs_what_the_documents_say() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc")
    found = memory.measure()
    assert found.resting == 1_000_000
    assert found.filled <= 110
    assert abs(found.after_churn - found.filled) < 5
