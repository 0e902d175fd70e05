from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("hdrh", reason="needs hdrhistogram: pip install '.[measure]'")

from pricetime.native import hlog
from pricetime.native.histogram import Histogram
from tests.cli.run import bad, good


def filled(*values: int) -> Any:
    made = Histogram()
    made.record_many(values)
    return made


def write(path: Path, **histograms: Any) -> Path:
    named = {name.replace("__", "."): histogram for name, histogram in histograms.items()}
    hlog.write(path, named, started_at=1e9, ended_at=1e9 + 1)
    return path


def rows(text: str) -> list[list[str]]:
    """The rows of the table behind its head, in words."""
    return [line.split() for line in text.splitlines() if line.strip() and line.split()[-1][0].isdigit()]


def test_a_row_for_each_interval_and_kind(tmp_path: Path) -> None:
    path = write(
        tmp_path / "run.hlog",
        match__rests=filled(*range(100, 200)),
        match__cancel=filled(1_500_000),
        match__other=filled(),
        tick_to_trade__trades=filled(20_000, 400_000),
    )
    said = good("latency", path)
    assert "latency, us" in said
    assert said.index("P50") < said.index("P99.99") < said.index("max")
    assert rows(said) == [
        ["match", "101", "0.15", "0.19", "0.20", "1,500", "1,500", "1,500"],
        ["rests", "100", "0.15", "0.19", "0.20", "0.20", "0.20", "0.20"],
        ["cancel", "1", "1,500", "1,500", "1,500", "1,500", "1,500", "1,500"],
        ["tick", "to", "trade", "2", "20.02", "400.1", "400.1", "400.1", "400.1", "400.1"],
        ["trades", "2", "20.02", "400.1", "400.1", "400.1", "400.1", "400.1"],
    ]


def test_several_files_together(tmp_path: Path) -> None:
    first = write(tmp_path / "1.hlog", match__rests=filled(1000, 1000))
    second = write(tmp_path / "2.hlog", match__rests=filled(3000), match__cancel=filled(5))
    assert [row[:3] for row in rows(good("latency", first, second))] == [
        ["match", "4", "1.00"], ["rests", "3", "1.00"], ["cancel", "1", "0.01"],
    ]  # fmt: skip


def test_what_cannot_be_shown(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.hlog", match__rests=filled())
    text = tmp_path / "notes.txt"
    text.write_text("nothing of the kind\n")
    for path in (empty, text):
        assert bad("latency", path) == (
            f"Error: {path.name} has no latencies: give .hlog files of a run that had orders"
        )
    picture = tmp_path / "picture.hlog"
    picture.write_bytes(bytes(range(256)))
    assert "picture.hlog: a histogram of this file cannot be read" in bad("latency", picture)
    assert "does not exist" in bad("latency", tmp_path / "none.hlog", code=2)
    assert "Missing argument" in bad("latency", code=2)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write(tmp_path / "run.hlog", match__rests=filled(1))
    monkeypatch.setitem(__import__("sys").modules, "hdrh", None)
    assert bad("latency", path).startswith(
        "Error: an .hlog file needs the package hdrh (extra pricetime[measure]): pip"
    )
