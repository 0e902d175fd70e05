"""A run survives its file, and what is wrong with one is named by file and field."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pricetime.load import run_file
from pricetime.load.run_file import Latency, LoadResult, LoadRun, NotARun
from pricetime.native.histogram import Histogram
from tests.load import made_runs

pytest.importorskip("hdrh", reason="needs the packages of a report: pip install '.[report]'")

LOAD = made_runs.load_run(made_runs.histograms(500))
SEARCH = replace(LOAD, saturation=made_runs.saturation())
PIPELINE = made_runs.pipeline_run()


def file(folder: Path, made: run_file.Run, change: Callable[[dict[str, Any]], object] = dict) -> Path:
    """The run's file, changed."""
    path = folder / "made.json"
    run_file.write(path, made)
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


@pytest.mark.parametrize("made", [LOAD, SEARCH, PIPELINE], ids=["load", "search", "pipeline"])
def test_what_is_written_is_read(made: run_file.Run, tmp_path: Path) -> None:
    run_file.write(tmp_path / "made.json", made)
    assert run_file.read(tmp_path / "made.json") == made


def test_the_names_on_disk(tmp_path: Path) -> None:
    values = json.loads(file(tmp_path, SEARCH).read_text(encoding="utf-8"))
    general = {"format", "kind", "started_at", "version", "machine", "command"}
    assert set(values) == general | {"settings", "result", "latency_ns", "over_time", "saturation"}
    assert (values["format"], values["kind"], values["started_at"]) == (1, "load", "2026-11-26T09:30:00+00:00")
    assert set(values["latency_ns"]["round_trip"]) == {"all", "rests", "trades", "cancel", "replace", "other"}
    percentiles = {"p50", "p90", "p99", "p99.9", "p99.99", "max"}
    assert set(values["latency_ns"]["round_trip"]["all"]) == {"count", *percentiles}
    assert set(values["over_time"][0]) == {"s", "sent", "answered", "p50", "p99", "max"}
    assert set(values["saturation"]) == {"limit_p99_ns", "highest_rate", "steps"}
    assert set(values["saturation"]["steps"][0]) == {
        "rate", "sent_per_s", "answered_per_s", "p50", "p99", "p99.9", "max", "good"
    }  # fmt: skip
    stages = json.loads(file(tmp_path, PIPELINE).read_text(encoding="utf-8"))["stages"]
    assert set(stages[0]) == {"name", "orders", "orders_per_s", "what", "command", "latency_ns"}
    assert stages[0]["latency_ns"] is None
    assert set(stages[1]["latency_ns"]) == percentiles


def test_a_member_of_a_later_version_is_passed_over(tmp_path: Path) -> None:
    assert run_file.read(file(tmp_path, LOAD, lambda values: values.update(weather="fine"))) == LOAD


def test_the_percentiles_of_a_histogram() -> None:
    histogram = Histogram()
    histogram.record_many(range(1, 1001))
    assert Latency.of(histogram) == Latency(count=1000, p50=500, p90=900, p99=990, p99_9=999, p99_99=1000, max=1000)
    assert Latency.of(Histogram()) == Latency(count=0, p50=0, p90=0, p99=0, p99_9=0, p99_99=0, max=0)


WRONG: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "missing": (lambda v: v.pop("version"), "version: Field required"),
    "text": (lambda v: v["result"].update(sent="many"), "result.sent: Input should be a valid integer"),
    "no number": (lambda v: v["result"].update(seconds=float("nan")), "NaN is not a number"),
    "bool": (lambda v: v["result"].update(sent=True), "result.sent: Input should be a valid integer"),
    "complete": (lambda v: v["result"].update(complete=1), "result.complete: Input should be a valid boolean"),
    "dotted": (lambda v: v["latency_ns"]["match"]["all"].pop("p99.9"), "latency_ns.match.all.p99.9: Field required"),
    "in a list": (lambda v: v["over_time"][2].update(p50=None), "over_time[2].p50: Input should be a valid number"),
    "list": (lambda v: v.update(over_time={}), "over_time: Input should be a valid"),
    "object": (lambda v: v.update(result=[]), "result: Input should be an object"),
    "machine": (lambda v: v.update(machine="fast"), "machine: Input should be"),
    "step": (lambda v: v["saturation"]["steps"][0].pop("rate"), "saturation.steps[0].rate: Field required"),
    "setting": (lambda v: v["settings"].update(rate={}), "settings.rate: Input should be"),
    "time": (lambda v: v.update(started_at="2026-11-26T09:30:00"), "started_at: the time has no zone"),
    "no time": (lambda v: v.update(started_at="today"), "started_at: Input should be a valid datetime"),
    "kind": (lambda v: v.update(kind="walk"), "kind is 'walk': it must be 'load' or 'pipeline'"),
    "format": (lambda v: v.update(format=2), "has format 2, but this version of pricetime reads only format 1"),
    "no run": (lambda v: v.clear(), "it has no 'format'. Give a file that pricetime load --out wrote"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(name: str, tmp_path: Path) -> None:
    change, message = WRONG[name]
    path = file(tmp_path, SEARCH, change)
    with pytest.raises(NotARun) as caught:
        run_file.read(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"x,y\n1,2\n", b"\xff\xfe", b"[" * 100_000, b"[]", b"3"], ids=repr)
def test_what_is_no_json_object_is_no_run(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    path.write_bytes(data)
    with pytest.raises(NotARun, match=r"made\.json is not a run"):
        run_file.read(path)


def changed(**result: Any) -> LoadRun:
    return replace(LOAD, result=replace(LOAD.result, **result))


def settings(**values: run_file.Setting) -> dict[str, run_file.Setting]:
    return {**LOAD.settings, **values}


def test_a_good_run_has_no_troubles() -> None:
    assert LOAD.troubles() == []
    assert PIPELINE.troubles() == []
    assert replace(LOAD, settings=settings(rate=None)).troubles() == []
    assert changed(sent_per_s=995_000.0).troubles() == []
    assert changed(late=50_000).troubles() == []


TROUBLES: dict[str, tuple[LoadRun, str]] = {
    "failure": (changed(failure="the exchange closed the connection", complete=False), "Failed: the exchange closed"),
    "unanswered": (changed(answered=4_000_000), "1,000,000 of 5,000,000 commands were not answered"),
    "incomplete": (changed(complete=False), "The run ended before everything was sent"),
    "rate": (changed(sent_per_s=900_000.0), "The rate was missed: 900,000 of 1,000,000 commands per second were sent"),
    "late": (changed(late=100_000), "100,000 of 5,000,000 commands were sent over 1 ms after they were due"),
    "search": (
        replace(LOAD, saturation=made_runs.saturation(limit_p99_ns=1)),
        "No rate of the search was within its limit",
    ),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_troubles_are_told(name: str) -> None:
    made, sentence = TROUBLES[name]
    (found,) = made.troubles()
    assert found.startswith(sentence)


def test_a_ramp_is_not_held_to_its_last_rate() -> None:
    ramp = settings(rate=None, ramp=[0.0, 1_000_000.0])
    ramped = replace(changed(sent_per_s=500_000.0), settings=ramp)
    assert ramped.asked == pytest.approx((0, 1_000_000))
    assert ramped.troubles() == []
    slow = replace(changed(sent_per_s=400_000.0), settings=ramp)
    assert slow.troubles() == ["The rate was missed: 400,000 of 500,000 commands per second were sent."]


def test_a_search_is_not_held_to_the_rate_that_it_began_with() -> None:
    found = replace(changed(sent_per_s=500_000.0, complete=False), saturation=made_runs.saturation())
    assert found.asked is None
    assert found.troubles() == []


def test_nothing_sent_at_all() -> None:
    none = LoadResult(
        sent=0, answered=0, seconds=0.0, sent_per_s=0.0, answered_per_s=0.0, late=0, complete=False, failure="refused"
    )
    assert replace(LOAD, result=none).troubles()[0] == "Failed: refused"
