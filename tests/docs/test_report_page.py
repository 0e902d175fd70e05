"""The page on reports: its commands work, and its tables name every member of a run and every picture."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from pricetime.load.pictures import pictures
from pricetime.load.recording import load
from pricetime.load.run_file import LoadRun, PipelineRun, key
from tests.cli.run import good
from tests.load import made_runs

for package in ("matplotlib", "hdrh", "jinja2"):
    pytest.importorskip(package, reason="needs the packages of a report: pip install '.[report]'")

PAGE = (Path(__file__).parents[2] / "docs" / "operate" / "report.md").read_text(encoding="utf-8")

#: These stand in one row with p50.
LIKEWISE = ("p90", "p99", "p99.9", "p99.99")


def members(kind: Any, before: str = "") -> Iterator[str]:
    """The members of a dataclass as the page writes them: ``over_time[].s``."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        yield from members_of(hints[field.name], f"{before}{key(field.name)}")


def members_of(hint: Any, name: str) -> Iterator[str]:
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    if get_origin(hint) is list:
        yield from members_of(kinds[0], f"{name}[]")
    elif get_origin(hint) is dict and get_origin(kinds[1]) is dict:
        yield from members_of(get_args(kinds[1])[1], f"{name}.*.*")
    elif is_dataclass(hint):
        yield from members(hint, f"{name}.")
    elif get_args(hint) and is_dataclass(kinds[0]):
        yield name
        yield from members(kinds[0], f"{name}.") if name == "saturation" else ()
    else:
        yield name


@pytest.mark.parametrize("kind", [LoadRun, PipelineRun])
def test_every_member_has_a_row(kind: type) -> None:
    rows = re.findall(r"^\| `([\w.*\[\]]+)` \|", PAGE.split("## RUN.json")[1], re.MULTILINE)
    in_a_row = set(rows) | {
        row.removesuffix("p50") + name for row in rows if row.endswith(".p50") for name in (*LIKEWISE, "max")
    }
    assert set(members(kind)) <= in_a_row
    every = {name for each in (LoadRun, PipelineRun) for name in members(each)} | {"format", "kind"}
    assert set(rows) <= every
    assert len(rows) == len(set(rows))


def test_every_setting_of_a_load_is_named() -> None:
    (row,) = re.findall(r"^\| `settings` \|.*$", PAGE, re.MULTILINE)
    assert {*made_runs.load_run({}).settings, "tape"} <= set(re.findall(r"`(\w+)`", row))


def test_every_picture_has_a_row(tmp_path: Path) -> None:
    paths = [
        made_runs.write_load(tmp_path, "load", 50, saturation=made_runs.saturation()),
        made_runs.write_load(tmp_path, "second", 50),
        made_runs.write(tmp_path, "pipeline", made_runs.pipeline_run()),
    ]
    rows = set(re.findall(r"^\| `([\w-]+)(?:-\.\.\.)?` \|", PAGE.split("## Warnings")[0], re.MULTILINE))
    drawn = {picture.name for picture in pictures(load(paths))}
    assert {re.sub(r"-(?:round-trip|tick-to-trade|match)$", "", name) for name in drawn} == rows


def test_its_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("memory", "durable"):
        histograms = {"round_trip.rests": made_runs.of_values(range(1000, 1100))}
        made_runs.write(tmp_path, name, made_runs.load_run(histograms), histograms)
    made_runs.write(tmp_path, "pipeline", made_runs.pipeline_run())
    commands = re.findall(r"^pricetime (report .*?)(?:  +#.*)?$", PAGE, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        good(*shlex.split(command))
    pages = ["report.html", "build/reports/report.html", "page.html"]
    assert all((tmp_path / page).read_text("utf-8").startswith("<!doctype html>") for page in pages)
    assert (tmp_path / "build" / "pictures" / "stages-dark.svg").exists()
