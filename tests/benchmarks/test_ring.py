"""The benchmark of the ring finishes."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import ring
from benchmarks.build import ready

pytestmark = pytest.mark.compiled


@pytest.fixture
def ring_lanes() -> Any:
    ready()
    from benchmarks import ring_lanes

    return ring_lanes


def test_every_lane_takes_its_turn(ring_lanes: Any) -> None:
    figures = ring.measure(rounds=1, scale=0.001)
    assert len(figures) == len(ring_lanes.lanes())
    for figure in figures:
        assert all(len(rates) == 1 and rates[0] > 0 for rates in figure.m_records.values())
        assert 0 < figure.median_ns[0] <= figure.p99_ns[0]


def test_the_command(ring_lanes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [lane for lane in ring_lanes.lanes() if lane.name in {"ring", "queue.Queue"}]
    monkeypatch.setattr(ring_lanes, "lanes", lambda: some)
    monkeypatch.setattr(ring, "measure", partial(ring.measure, scale=0.01))
    ran = CliRunner().invoke(ring.main, ["--rounds", "2", "--output", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    assert "ring" in ran.output
    (table,) = json.loads((tmp_path / "ring.json").read_text(encoding="utf-8"))["tables"]
    assert [row[1] for row in table["rows"]] == ["ring", "queue.Queue"]
    assert "| native threads | ring |" in (tmp_path / "ring.md").read_text(encoding="utf-8")
