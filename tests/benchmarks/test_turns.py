"""Processes of two revisions, run alternately."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import pricetime
from benchmarks import turns
from benchmarks.revisions import CannotBuild, Revision
from benchmarks.turns import Runner, take_turns
from benchmarks.workloads import load, resting

HERE = Path(pricetime.__file__).parents[1]


@pytest.fixture
def flows(tmp_path: Path) -> Path:
    for name in ("matches", "cancels"):
        workload = load(name, 1_000, seed=1)
        prelude, commands = np.concatenate(workload.prelude), np.concatenate(workload.commands)
        np.savez(tmp_path / f"{name}.npz", prelude=prelude, commands=commands)
    np.savez(tmp_path / "calls.npz", commands=resting(1_000, np.random.default_rng(1)))
    return tmp_path


@pytest.mark.compiled
def test_every_workload_is_measured_for_both_in_every_round(flows: Path) -> None:
    revisions, done = [Revision("one", HERE), Revision("other", HERE)], []
    times = take_turns(revisions, ["matches", "cancels", "calls"], flows, 2, lambda: done.append(1))
    assert set(times) == {"matches", "cancels", "add_order", "cancel_order"}
    assert all(len(one) == len(other) == 2 and min(one + other) > 0 for one, other in times.values())
    assert len(done) == 2


def test_who_goes_first_changes_with_every_workload_and_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    class Recorder:
        def __init__(self, revision: Revision, _: Path) -> None:
            self.name = revision.name

        def __enter__(self) -> Recorder:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def ask(self, workload: str) -> dict[str, float]:
            asked.append((workload, self.name))
            return {workload: float(len(asked))}

    monkeypatch.setattr(turns, "Runner", Recorder)
    times = take_turns([Revision("a", HERE), Revision("b", HERE)], ["x", "y"], HERE, 2, lambda: None)
    assert [name for _, name in asked] == ["a", "b", "b", "a", "b", "a", "a", "b"]
    assert times == {"x": ([1, 6], [2, 5]), "y": ([4, 7], [3, 8])}


def test_the_pricetime_that_is_measured_is_the_one_that_was_built(flows: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "pricetime").mkdir(parents=True)
    (elsewhere / "pricetime" / "__init__.py").write_text("raise RuntimeError('half built')\n", encoding="utf-8")
    with pytest.raises(CannotBuild, match="half built"), Runner(Revision("broken", elsewhere), flows):
        pass
    missing = Path(f"{tmp_path / 'missing'}{os.pathsep}{HERE}")  # nothing is there, and an installed one is found
    with pytest.raises(CannotBuild, match="should be measured"), Runner(Revision("missing", missing), flows):
        pass
