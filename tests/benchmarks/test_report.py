"""Tables and pictures of results."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks import picture, report
from benchmarks.bytes_per_order import Weight
from benchmarks.calls_per_second import Calls
from benchmarks.import_time import ImportTime
from benchmarks.lanes import Turn
from benchmarks.rounds import Figures
from benchmarks.steps import BOOK, REFERENCE
from pricetime.extras import MissingExtra


def outcome(workload: str) -> list[Figures]:
    made = []
    for step, ns in ((REFERENCE, 50_000), (BOOK, 80)):
        figures = Figures(workload, step, step is BOOK)
        figures.add(Turn(10, 10 * ns, np.array([ns, 2.0 * ns])))
        made.append(figures)
    return made


def test_orders_show_the_ratio_and_the_target_beside_the_figure() -> None:
    table = report.orders_table([outcome("balanced"), outcome("adds")])
    reference, book, _, other = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert reference["M orders/s"] == "0.02"
    assert (reference["times"], reference["always us"], reference["target"]) == ("1", "", "")
    assert (book["M orders/s"], book["ns"], book["times"]) == ("12.5", "80", "625")
    assert (book["p50 ns"], book["p99 ns"], book["max us"], book["always us"]) == ("160", "160", "0.16", "0.16")
    assert book["target"] == "16 / 500"
    assert other["target"] == ""


def test_the_summary_has_a_line_for_each_workload() -> None:
    table = report.summary_table([outcome("balanced"), outcome("adds")])
    assert table.columns == ["workload", "1 reference", "4 book", "times", "p99 ns", "target"]
    assert table.rows == [
        ["balanced", "0.02", "12.5", "625", "160", "16 / 500"],
        ["adds", "0.02", "12.5", "625", "160", ""],
    ]


def test_without_the_reference_there_is_no_ratio() -> None:
    for table in (report.orders_table([outcome("adds")[1:]]), report.summary_table([outcome("adds")[1:]])):
        assert dict(zip(table.columns, table.rows[0], strict=True))["times"] == ""


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
    assert report.number(value) == shown


def test_every_table_is_drawn_whole_and_written_as_markdown() -> None:
    weights = [Weight("reference", 10, 400.4, None, None, None), Weight("book", 10, 92.2, 84.4, 93.1, 84.8)]
    calls = [Calls("add_order, trades", [250.0, 150.0, 200.0], [1500.0, 1200.0, 1000.0], [40.0, 20.0, 30.0])]
    tables = [
        report.summary_table([outcome("one-maker-per-taker")]),
        report.orders_table([outcome("one-maker-per-taker")]),
        report.weights_table(weights),
        report.calls_table(calls),
        report.imports_table(ImportTime(80.4, 60.0)),
    ]
    console = Console(width=report.WIDTH, record=True, file=io.StringIO())
    for table in tables:
        console.print(report.drawn(table))
        lines = list(report.markdown(table))
        assert lines[0] == f"### {table.title}"
        assert {line.count("|") for line in lines[2:-1]} == {len(table.columns) + 1}
    text = console.export_text()
    for shown in ("one-maker-per-taker", "4 book", "40 / 250", "at most 110", "0.833", "33.3", "80", "under 100"):
        assert shown in text
    assert "…" not in text


def test_pictures_in_both_looks(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    paths = picture.draw([outcome("balanced"), outcome("adds")], tmp_path)
    assert [path.name for path in paths] == ["steps-light.png", "steps-dark.png"]
    light, dark = (path.read_bytes() for path in paths)
    assert light.startswith(b"\x89PNG")
    assert dark.startswith(b"\x89PNG")
    assert light != dark


def test_a_picture_without_matplotlib_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"pricetime\[plot\]"):
        picture.require()
