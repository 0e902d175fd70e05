"""The benchmark of the pipeline finishes, and the figures include every stage."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import pipeline, pipeline_stages
from benchmarks.build import ready
from benchmarks.exchange import PERCENTILES
from benchmarks.journal import journal_in, numbered
from benchmarks.workloads import load
from pricetime import Engine, Instrument
from pricetime.ring import Ring

pytestmark = pytest.mark.compiled

NAMES = [stage.name for stage in pipeline_stages.stages()]
WITHOUT_SOCKETS = ["match", "match-encode", "ring", "ring-journal"]


def run(tmp_path: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    """What was printed, and what the JSON has."""
    given = ["--rounds", "2", "--orders", "3000", "--directory", str(tmp_path / "disk"), "--out", str(tmp_path / "run")]
    ran = CliRunner().invoke(pipeline.main, [*given, *arguments])
    assert ran.exit_code == 0, ran.output
    assert list((tmp_path / "disk").iterdir()) == []
    return ran.output, json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("with_journal", [False, True])
def test_what_goes_through_the_ring_is_executed(tmp_path: Path, with_journal: bool) -> None:
    ready()
    from benchmarks.engine_loops import fill, match_from

    workload = load("balanced", 2000, seed=1)
    commands = numbered(np.concatenate(workload.commands))
    expected, engine = pipeline_stages.filled(workload), pipeline_stages.filled(workload)
    reports = expected.apply(commands)
    ring = Ring(2048, blocking=False)
    fill(ring, commands, pipeline_stages.idle())
    if with_journal:
        with journal_in(tmp_path, 1, 1 << 20) as writer:
            _, made = match_from(engine, ring, commands.size, pipeline_stages.idle(), writer)
            assert writer.appended == commands.size
    else:
        _, made = match_from(engine, ring, commands.size, pipeline_stages.idle())
    assert made == reports.size
    assert engine.digest() == expected.digest()
    assert ring.try_get() is None


def test_single_orders_from_the_ring_are_executed() -> None:
    ready()
    from benchmarks.engine_loops import fill, time_each_from

    commands = np.concatenate(load("balanced", 1000, seed=1).commands)
    expected, engine = Engine([Instrument(0)]), Engine([Instrument(0)])
    expected.apply(commands)
    ring = Ring(1024, blocking=False)
    fill(ring, commands, pipeline_stages.idle())
    ticks = time_each_from(engine, ring, commands.size)
    assert ticks.shape == (1000,)
    assert np.count_nonzero(ticks) == 1000
    assert engine.digest() == expected.digest()


def test_the_command_without_sockets(tmp_path: Path) -> None:
    chosen = [argument for name in WITHOUT_SOCKETS for argument in ("--stage", name)]
    printed, values = run(tmp_path, *chosen)
    assert "match-encode" in printed
    assert values["format"] == 1
    assert values["kind"] == "pipeline"
    assert set(values) == {"format", "kind", "started_at", "version", "machine", "command", "stages"}
    assert [stage["name"] for stage in values["stages"]] == WITHOUT_SOCKETS
    for stage in values["stages"]:
        assert set(stage) == {"name", "orders", "orders_per_s", "what", "command", "latency_ns"}
        assert stage["orders"] == 3000
        assert stage["orders_per_s"] > 0
        assert stage["command"].endswith(f"--stage {stage['name']}")
    latency_ns = values["stages"][1]["latency_ns"]
    assert list(latency_ns) == list(PERCENTILES)
    assert 0 < latency_ns["p50"] <= latency_ns["p99"] <= latency_ns["max"]
    assert values["stages"][2]["latency_ns"] is None
    assert "| match-encode |" in (tmp_path / "run.md").read_text(encoding="utf-8")


def test_the_command_with_a_server(tmp_path: Path) -> None:
    names = ["exchange-flat-out", "exchange-durable-at-rate"]
    chosen = [argument for name in names for argument in ("--stage", name)]
    _, values = run(tmp_path, "--rounds", "1", "--rate", "20000", "--seconds", "0.2", "--sessions", "2", *chosen)
    assert [stage["name"] for stage in values["stages"]] == names
    flat_out, durable = values["stages"]
    assert (flat_out["orders"], durable["orders"]) == (3000, 4000)
    assert flat_out["latency_ns"] is None
    assert 0 < durable["latency_ns"]["p50"] <= durable["latency_ns"]["p99.99"]


def test_stages_have_names_of_their_own_and_say_what_is_in_them() -> None:
    assert len(set(NAMES)) == len(NAMES) == 10
    assert all(stage.what for stage in pipeline_stages.stages())


def test_an_unknown_stage_is_refused() -> None:
    ran = CliRunner().invoke(pipeline.main, ["--stage", "parse"])
    assert ran.exit_code == 2
    assert "'match-encode'" in ran.output
