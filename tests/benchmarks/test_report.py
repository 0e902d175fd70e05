"""Tables of results, on the terminal and in files."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks.report import WIDTH, median, number, publish, spread
from pricetime.load.tables import Table


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1_234_567.8, "1.23M"),
        (99_999.5, "100,000"),
        (123.45, "123"),
        (12.345, "12.3"),
        (1.0, "1"),
        (0.01234, "0.0123"),
        (0.00046, "0.0005"),
    ],
)
def test_numbers_keep_three_digits(value: float, shown: str) -> None:
    assert number(value) == shown


def test_rounds_have_a_median_and_a_range() -> None:
    assert (median([3.0, 1.0, 2.0]), spread([3.0, 1.0, 2.0])) == ("2", "1-3")


def test_a_table_is_drawn_whole_and_written_with_the_machine_and_the_command(tmp_path: Path) -> None:
    table = Table("Rates", ["between", "what", "M/s"], names=2, rows=[["threads", "ring", "12.3"]])
    console = Console(width=WIDTH, record=True, file=io.StringIO())
    publish(console, "benchmarks.ring", [table], tmp_path / "made", "ring", clock="20 ns")
    shown = console.export_text()
    assert all(cell in shown for cell in ("Rates", "threads", "12.3", "20 ns", "ring.md"))
    lines = (tmp_path / "made" / "ring.md").read_text(encoding="utf-8").splitlines()
    assert lines[:5] == ["### Rates", "", "| between | what | M/s |", "|---|---|--:|", "| threads | ring | 12.3 |"]
    assert "- clock: 20 ns" in lines
    written = json.loads((tmp_path / "made" / "ring.json").read_text(encoding="utf-8"))
    assert written["command"].startswith("python -m benchmarks.ring")
    assert written["processor"]
    assert written["tables"] == [{**vars(table), "words": []}]
