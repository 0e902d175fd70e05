"""The benchmark of the pipeline finishes, and the figures include every stage."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks import pipeline, pipeline_stages
from benchmarks.build import ready
from benchmarks.workloads import load
from pricetime import OrderBook

pytestmark = pytest.mark.compiled

NAMES = [stage.name for stage in pipeline_stages.stages()]
WITHOUT_SOCKETS = ["match", "match-encode"]


def run(tmp_path: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    """What was printed, and what the JSON has."""
    given = ["--rounds", "2", "--orders", "3000", "--directory", str(tmp_path / "disk"), "--out", str(tmp_path / "run")]
    ran = CliRunner().invoke(pipeline.main, [*given, *arguments])
    assert ran.exit_code == 0, ran.output
    assert list((tmp_path / "disk").iterdir()) == []
    return ran.output, json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))


def test_single_orders_are_executed() -> None:
    ready()
    from benchmarks.engine_loops import time_each

    commands = np.concatenate(load("balanced", 1000, seed=1).commands)
    expected, book = OrderBook(), OrderBook()
    expected.apply(commands)
    ticks = time_each(book, commands)
    assert ticks.shape == (1000,)
    assert np.count_nonzero(ticks) == 1000
    assert book.digest() == expected.digest()


def test_the_command_without_sockets(tmp_path: Path) -> None:
    chosen = [argument for name in WITHOUT_SOCKETS for argument in ("--stage", name)]
    printed, values = run(tmp_path, *chosen)
    assert "match-encode" in printed
    (table,) = values["tables"]
    assert [row[0] for row in table["rows"]] == WITHOUT_SOCKETS
    rows = {row[0]: dict(zip(table["columns"], row, strict=True)) for row in table["rows"]}
    assert all(float(row["M orders/s"]) > 0 for row in rows.values())
    p50, p99, most = (float(rows["match-encode"][f"{name} us"].replace(",", "")) for name in ("p50", "p99", "max"))
    assert 0 < p50 <= p99 <= most
    assert all(
        stage.name not in WITHOUT_SOCKETS or values[stage.name].startswith(stage.name)
        for stage in pipeline_stages.stages()
    )
    assert "| match-encode |" in (tmp_path / "run.md").read_text(encoding="utf-8")


def test_the_command_with_a_server(tmp_path: Path) -> None:
    names = ["exchange-flat-out", "exchange-durable-at-rate"]
    chosen = [argument for name in names for argument in ("--stage", name)]
    _, values = run(tmp_path, "--rounds", "1", "--rate", "20000", "--seconds", "0.2", "--sessions", "2", *chosen)
    (table,) = values["tables"]
    flat_out, durable = (dict(zip(table["columns"], row, strict=True)) for row in table["rows"])
    assert [flat_out["stage"], durable["stage"]] == names
    assert flat_out["p50 us"] == ""
    assert 0 < float(durable["p50 us"].replace(",", "")) <= float(durable["p99.99 us"].replace(",", ""))


def test_stages_have_names_of_their_own_and_say_what_is_in_them() -> None:
    assert len(set(NAMES)) == len(NAMES) == 8
    assert all(stage.what for stage in pipeline_stages.stages())


def test_an_unknown_stage_is_refused() -> None:
    ran = CliRunner().invoke(pipeline.main, ["--stage", "parse"])
    assert ran.exit_code == 2
    assert "'match-encode'" in ran.output
