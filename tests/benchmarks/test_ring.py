"""The benchmark of the ring finishes, and the mutex ring works as a ring."""

from __future__ import annotations

import json
import threading
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


@pytest.mark.parametrize("batch", [1, 5, 16])
def test_the_mutex_ring_carries_every_record(ring_lanes: Any, batch: int) -> None:
    from benchmarks.alternatives.mutex_ring import MutexRing

    from benchmarks import ring_loops

    between, wrong = MutexRing(16), []
    idle = ring_lanes.IDLE
    consumer = threading.Thread(target=lambda: wrong.append(ring_loops.consume(between, 0, 20_000, 7, idle)))
    consumer.start()
    ring_loops.produce(between, 0, 20_000, batch, idle)
    consumer.join()
    assert wrong == [0]


def test_every_lane_takes_its_turn(ring_lanes: Any) -> None:
    figures = ring.measure(rounds=1, scale=0.001)
    assert len(figures) == len(ring_lanes.lanes())
    for figure in figures:
        assert all(len(rates) == 1 and rates[0] > 0 for rates in figure.rates.values())
        assert 0 < figure.median_ns[0] <= figure.p99_ns[0]


def test_the_command(ring_lanes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [lane for lane in ring_lanes.lanes() if lane.name in {"ring, in place", "queue.Queue"}]
    monkeypatch.setattr(ring_lanes, "lanes", lambda: some)
    ran = CliRunner().invoke(ring.main, ["--quick", "--output", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    assert "ring, in place" in ran.output
    values = json.loads((tmp_path / "ring.json").read_text(encoding="utf-8"))
    assert [lane["name"] for lane in values["lanes"]] == ["ring, in place", "queue.Queue"]
    assert "| native threads | ring, in place |" in (tmp_path / "ring.md").read_text(encoding="utf-8")
