"""Which pictures runs give, and their files."""

import re
from pathlib import Path

import pytest

from pricetime.load.pictures import pictures, write
from pricetime.load.recording import load
from tests.load import made_runs

pytest.importorskip("matplotlib", reason="needs the packages of a report: pip install '.[report]'")
pytest.importorskip("hdrh", reason="needs the packages of a report: pip install '.[report]'")

OF_LATENCIES = [
    f"{what}-{interval}"
    for interval in ("round-trip", "tick-to-trade", "match")
    for what in ("histogram", "percentiles")
]


def per_interval(interval: str) -> list[str]:
    """The pictures of several runs."""
    return [f"{what}-{interval}" for what in ("histogram", "percentiles", "kinds")]


def names(*paths: Path) -> list[str]:
    return [picture.name for picture in pictures(load(paths))]


def test_runs_of_every_kind_give_every_picture(tmp_path: Path) -> None:
    searched = made_runs.write_load(tmp_path, "load", 500, saturation=made_runs.saturation())
    pipeline = made_runs.write(tmp_path, "pipeline", made_runs.pipeline_run())
    assert names(searched, pipeline) == ["stages", "intervals", *OF_LATENCIES, "over-time", "saturation"]
    assert names(pipeline) == ["stages"]


def test_a_run_without_histograms_has_its_percentiles(tmp_path: Path) -> None:
    rough = made_runs.write(tmp_path, "rough", made_runs.load_run(made_runs.histograms(100)))
    assert names(rough) == ["intervals", *OF_LATENCIES[1::2], "over-time"]


def test_several_runs_are_compared_by_kind(tmp_path: Path) -> None:
    by_kind = [name for interval in ("round-trip", "tick-to-trade", "match") for name in per_interval(interval)]
    rough = made_runs.write(tmp_path, "rough", made_runs.load_run(made_runs.histograms(100)))
    whole = made_runs.write_load(tmp_path, "whole", 100)
    assert names(rough, whole) == ["intervals", *by_kind, "over-time"]
    shown = {picture.name: [each.label for each in picture.shows] for picture in pictures(load([rough, whole]))}
    assert (shown["histogram-match"], shown["percentiles-match"]) == (["whole"], ["rough", "whole"])


def test_a_run_of_the_client_alone(tmp_path: Path) -> None:
    histograms = {tag: each for tag, each in made_runs.histograms(100).items() if tag.startswith("round_trip")}
    path = made_runs.write(tmp_path, "client", made_runs.load_run(histograms), histograms)
    assert names(path) == ["histogram-round-trip", "percentiles-round-trip", "over-time"]


def test_a_run_without_an_answer_gives_none(tmp_path: Path) -> None:
    made = made_runs.load_run({}, over_time=[], result=made_runs.failed("refused"))
    assert names(made_runs.write(tmp_path, "none", made, {})) == []


def test_the_files_are_the_same_every_time(tmp_path: Path) -> None:
    path = made_runs.write_load(tmp_path, "load", 300)
    drawn = [picture for picture in pictures(load([path])) if picture.name == "over-time"]
    first, again = (write(drawn, tmp_path / folder, prefix="a-") for folder in ("first", "again"))
    assert sorted(each.name for each in first) == sorted(
        f"a-over-time-{style}.{suffix}" for style in ("light", "dark") for suffix in ("svg", "png")
    )
    assert [each.read_bytes() for each in first] == [each.read_bytes() for each in again]
    by_name = {each.name: each.read_bytes() for each in first}
    for name, data in by_name.items():
        assert data.startswith(b"<?xml" if name.endswith("svg") else b"\x89PNG")
        assert data != by_name[name.replace("light", "dark")] or "dark" in name
    svg = by_name["a-over-time-light.svg"].decode()
    assert not re.search(r"(?:href|src)=\"(?!#)", svg), "it needs no other file"
    assert "<dc:date>" not in svg
