"""Runs with their histograms beside them, each with a name of its own."""

from pathlib import Path

import pytest

from pricetime.load.recording import LONGEST, labels, load
from pricetime.load.run_file import LoadRun, hlog_beside
from pricetime.native import hlog
from pricetime.native.histogram import Histogram
from pricetime.native.hlog import BadLog
from tests.load import made_runs

pytest.importorskip("hdrh", reason="needs the packages of a report: pip install '.[report]'")


def test_histograms_by_interval_and_kind_and_all_together(tmp_path: Path) -> None:
    (recording,) = load([made_runs.write_load(tmp_path, "made", 1000)])
    assert isinstance(recording.run, LoadRun)
    assert recording.label == recording.name == "made"
    assert recording.note is None
    for interval, by_kind in recording.run.latency_ns.items():
        assert {kind: each.count for kind, each in by_kind.items()} == {
            kind: histogram.count for kind, histogram in recording.histograms[interval].items()
        }
        assert recording.latency(interval) == by_kind


def test_a_run_without_its_histograms_says_so(tmp_path: Path) -> None:
    path = made_runs.write(tmp_path, "made", made_runs.load_run(made_runs.histograms(100)))
    (recording,) = load([path])
    assert recording.histograms == {}
    assert recording.note == "made.hlog is not beside made.json, so there is no histogram of this run."


def test_histograms_of_another_run_are_noticed(tmp_path: Path) -> None:
    path = made_runs.write(tmp_path, "made", made_runs.load_run(made_runs.histograms(100)), made_runs.histograms(200))
    (recording,) = load([path])
    assert recording.note == "made.hlog has 200 round trips and made.json 100: are they of the same run?"


def test_what_is_no_log_of_histograms(tmp_path: Path) -> None:
    path = made_runs.write_load(tmp_path, "made", 100)
    hlog_beside(path).write_text("Tag=round_trip.rests,0.0,1.0,1.0,HISTFnothing\n", encoding="ascii")
    with pytest.raises(BadLog, match=r"made\.hlog"):
        load([path])


def test_empty_histograms_and_unknown_tags_are_passed_over(tmp_path: Path) -> None:
    path = made_runs.write(tmp_path, "made", made_runs.load_run({}), {})
    one = Histogram()
    one.record_many([5])
    by_tag = {"round_trip.rests": Histogram(), "sideways.rests": one}
    hlog.write(hlog_beside(path), by_tag, started_at=1.0, ended_at=2.0)
    (recording,) = load([path])
    assert recording.histograms == {}
    assert recording.note is None
    assert recording.latency("round_trip") == {}


def test_a_pipeline_has_no_histograms(tmp_path: Path) -> None:
    (recording,) = load([made_runs.write(tmp_path, "made", made_runs.pipeline_run())])
    assert (recording.histograms, recording.note, recording.latency("match")) == ({}, None, {})


def test_each_kind_of_run_is_numbered_by_itself(tmp_path: Path) -> None:
    paths = [
        made_runs.write(tmp_path, "a", made_runs.load_run({})),
        made_runs.write(tmp_path, "b", made_runs.pipeline_run()),
        made_runs.write(tmp_path, "c", made_runs.load_run({})),
    ]
    assert [(each.label, each.number) for each in load(paths)] == [("a", 0), ("b", 0), ("c", 1)]


def test_a_run_that_went_wrong_is_marked(tmp_path: Path) -> None:
    path = made_runs.write(tmp_path, "made", made_runs.load_run({}, rate=5.0, result=made_runs.failed("gone")))
    (recording,) = load([path])
    assert (recording.label, recording.name) == ("made", "made ⚠")


def test_names_tell_runs_apart() -> None:
    def of(*paths: str) -> list[str]:
        return labels([Path(path) for path in paths])

    assert of("a/run.json") == ["run"]
    assert of("a/run.json", "a/other.json") == ["run", "other"]
    assert of("x/a/run.json", "x/b/run.json", "x/b/other.json") == ["a/run", "b/run", "other"]
    assert of("a/x/run.json", "b/x/run.json") == ["a/x/run", "b/x/run"]
    assert of("run.json", "run.json") == ["run", "run (2)"]
    assert of("__run.json") == ["run"]
    assert of(f"{'long' * 30}.json") == [f"…{('long' * 30)[1 - LONGEST :]}"]
