import json
import sys
from pathlib import Path

import click
import pytest

from tests.cli.run import bad, good, run
from tests.load import made_runs

for package in ("matplotlib", "hdrh", "jinja2"):
    pytest.importorskip(package, reason="needs the packages of a report: pip install '.[report]'")


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    return made_runs.write(tmp_path, "pipeline", made_runs.pipeline_run())


def test_a_page_in_a_file_or_a_folder(pipeline: Path, tmp_path: Path) -> None:
    page, folder = tmp_path / "new" / "page.html", tmp_path / "folder"
    assert good("report", pipeline, "--out", page) == f"wrote {page}\n"
    assert good("report", pipeline, "--out", folder) == f"wrote {folder / 'report.html'}\n"
    assert page.read_text("utf-8") == (folder / "report.html").read_text("utf-8")
    assert page.read_text("utf-8").startswith("<!doctype html>")


def test_the_page_is_here_unless_told(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert good("report", pipeline) == "wrote report.html\n"
    assert (tmp_path / "report.html").exists()


def test_pictures_as_files(pipeline: Path, tmp_path: Path) -> None:
    out = good("report", pipeline, pipeline, "--out", tmp_path / "page.html", "--pictures", tmp_path / "pictures")
    assert out.splitlines()[-1] == f"wrote 4 pictures to {tmp_path / 'pictures'}"
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == [
        "stages-dark.png", "stages-dark.svg", "stages-light.png", "stages-light.svg",
    ]  # fmt: skip


def test_it_opens_the_page(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(click, "launch", opened.append)
    good("report", pipeline, "--out", tmp_path / "page.html", "--open")
    assert opened == [(tmp_path / "page.html").as_uri()]


def test_a_run_may_be_named_as_it_was_recorded(pipeline: Path, tmp_path: Path) -> None:
    good("report", pipeline.with_suffix(""), "--out", tmp_path / "page.html")


def test_what_went_wrong_is_said_here_too(tmp_path: Path) -> None:
    made = made_runs.load_run({}, over_time=[], result=made_runs.failed("connection refused"))
    path = made_runs.write(tmp_path, "bad", made)
    done = run("report", path, "--out", tmp_path / "page.html")
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        "bad: Failed: connection refused",
        "bad: The rate was missed: 0 of 1,000,000 commands per second were sent.",
        "bad: bad.hlog is not beside bad.json, so there is no histogram of this run.",
    ]


def test_what_is_no_run(pipeline: Path, tmp_path: Path) -> None:
    assert "no-such.json: No such file or directory" in bad("report", tmp_path / "no-such.json", code=2)
    pipeline.write_text("{}", encoding="utf-8")
    assert "it has no 'format'" in bad("report", pipeline, code=2)
    pipeline.write_text(json.dumps({"format": 9}), encoding="utf-8")
    assert "has format 9" in bad("report", pipeline, code=2)
    assert "Missing argument" in bad("report", code=2)
    load = made_runs.write_load(tmp_path, "load", 10)
    load.with_suffix(".hlog").write_text("Tag=match.rests,0.0,1.0,1.0,HISTFnothing\n", encoding="ascii")
    assert "load.hlog" in bad("report", load, code=2)


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_without_its_packages(package: str, pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    said = bad("report", pipeline, "--out", tmp_path / "page.html")
    assert said.startswith(f"Error: a report needs the package {package} (extra pricetime[report]): pip install ")
    assert not (tmp_path / "page.html").exists()


def test_a_page_that_cannot_be_written(pipeline: Path, tmp_path: Path) -> None:
    assert bad("report", pipeline, "--out", pipeline / "page.html").startswith("Error: ")
