from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pricetime.extras import MissingExtra
from pricetime.measure import hlog
from pricetime.measure.histogram import Histogram

pytest.importorskip("hdrh.histogram", reason="needs hdrhistogram: pip install 'pricetime[measure]'")


def histogram(*values: int) -> Histogram:
    made = Histogram()
    made.record_many(values)
    return made


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "run.hlog"
    given = {"match.rests": histogram(1, 5_000, 2**39), "match.other": histogram()}
    hlog.write(file, given, started_at=10.0, ended_at=12.5)
    found = hlog.read(file)
    assert {tag: of.array().tolist() for tag, of in found.items()} == {k: h.array().tolist() for k, h in given.items()}
    assert "#[StartTime: 10.000 (seconds since epoch)]" in file.read_text()


def test_what_is_no_log(tmp_path: Path) -> None:
    file = tmp_path / "run.hlog"
    file.write_text("nothing\n")
    with pytest.raises(hlog.LogError, match="there is no histogram with a tag in it"):
        hlog.read(file)
    file.write_text("Tag=a,1,2,3,HISTnothing\n")
    with pytest.raises(hlog.LogError, match="line 1: is no histogram"):
        hlog.read(file)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "hdrh.histogram", None)
    with pytest.raises(MissingExtra, match=r"pricetime\[measure\]"):
        hlog.write(tmp_path / "run.hlog", {}, started_at=0, ended_at=0)
