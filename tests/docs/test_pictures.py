"""The pictures in the documents are drawn from the runs recorded beside them."""

from pathlib import Path

import pytest

from pricetime.load import run_file
from pricetime.load.pictures import pictures
from pricetime.load.recording import load
from tests.load import made_runs
from tools.pictures import DOCS, PICTURES, draw, sets

for package in ("matplotlib", "hdrh"):
    pytest.importorskip(package, reason="needs the packages of a report: pip install '.[report]'")

RUNS = DOCS / "runs"


def test_runs_alone_and_together(tmp_path: Path) -> None:
    runs, folder = tmp_path / "runs", tmp_path / "pictures"
    made_runs.write(runs, "alone", made_runs.pipeline_run())
    for name in ("one", "two"):
        made_runs.write(runs / "both", name, made_runs.pipeline_run())
    (runs / "none").mkdir()
    assert {name: [path.name for path in paths] for name, paths in sets(runs).items()} == {
        "alone": ["alone.json"],
        "both": ["one.json", "two.json"],
    }
    folder.mkdir()
    for name in ("gone-stages-light.svg", "README.md"):
        (folder / name).write_text("", encoding="utf-8")
    files = {
        f"{name}-stages-{style}.{suffix}"
        for name in ("alone", "both")
        for style in ("light", "dark")
        for suffix in ("svg", "png")
    }
    assert {path.name for path in draw(runs, folder)} == files
    assert {path.name for path in folder.iterdir()} == {*files, "README.md"}


def test_every_recorded_run_has_its_pictures_and_no_other() -> None:
    if not RUNS.is_dir():
        assert not PICTURES.is_dir(), "pictures of no run"
        return
    for path in RUNS.rglob("*.json"):
        run_file.read(path)
    wanted = {
        f"{name}-{picture.name}-{style}.{suffix}"
        for name, paths in sets(RUNS).items()
        for picture in pictures(load(paths))
        for style in ("light", "dark")
        for suffix in ("svg", "png")
    }
    drawn = {path.name for path in PICTURES.iterdir() if path.suffix in {".svg", ".png"}}
    assert drawn == wanted, "run make pictures"
