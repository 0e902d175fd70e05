"""The command that compares two revisions: what it prints, writes and exits with."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from benchmarks.turns import Times
from click.testing import CliRunner, Result

from benchmarks import compare
from benchmarks.revisions import CannotBuild, Revision


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run the command on times that are given in place of builds and processes."""

    def run(times: Times, *options: str) -> Result:
        monkeypatch.setattr(compare, "build_base", lambda name, scratch: Revision(f"{name} (abc)", scratch / "base"))
        monkeypatch.setattr(compare, "build_current", lambda scratch: Revision("work tree", scratch / "current"))
        monkeypatch.setattr(compare, "RESULTS", tmp_path)

        def take_turns(
            revisions: Sequence[Revision], names: Sequence[str], flows: Path, rounds: int, advance: Callable[[], None]
        ) -> Times:
            assert [revision.name for revision in revisions] == ["v1 (abc)", "work tree"]
            assert list(names) == ["adds"]
            assert rounds == 9
            advance()
            with np.load(flows / "adds.npz") as workload:
                assert len(workload["prelude"]) == 0
                assert len(workload["commands"]) == 100_000
            return times

        monkeypatch.setattr(compare, "take_turns", take_turns)
        return CliRunner().invoke(compare.main, ["--base", "v1", "--preset", "adds", "--quick", *options])

    return run


STEADY = [100.0, 101, 100, 99, 100, 101, 100]


def test_a_regression_exits_1_and_is_named(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run({"adds": (STEADY, [1.2 * ns for ns in STEADY])})
    assert result.exit_code == 1, result.output
    assert "work tree compared with v1 (abc)" in result.output
    assert "slower by more than 5%: adds" in result.output
    written = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))
    assert written["workloads"]["adds"]["verdict"] == "regression"
    assert written["workloads"]["adds"]["ratio"] == pytest.approx(1.2)
    assert written["workloads"]["adds"]["base_ns"] == STEADY


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "no difference shown"), (1.03, "slower"), (0.8, "faster")])
def test_anything_else_exits_0(factor: float, verdict: str, run: Callable[..., Result]) -> None:
    result = run({"adds": (STEADY, [factor * ns for ns in STEADY])})
    assert result.exit_code == 0, result.output
    assert verdict in result.output


def test_one_workload_in_many_is_enough(run: Callable[..., Result]) -> None:
    result = run({"adds": (STEADY, STEADY), "deep": (STEADY, [1.07 * ns for ns in STEADY])})
    assert result.exit_code == 1
    assert "slower by more than 5%: deep" in result.output


def test_what_cannot_be_built_exits_2_and_says_why(run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> Times:
        raise CannotBuild("v1 does not run:\nImportError")

    run({})
    monkeypatch.setattr(compare, "take_turns", fails)
    result = CliRunner().invoke(compare.main, ["--base", "v1", "--preset", "adds", "--count", "1000"])
    assert result.exit_code == 2
    assert "v1 does not run" in result.output


def test_help_explains_the_verdict() -> None:
    result = CliRunner().invoke(compare.main, ["--help"])
    assert result.exit_code == 0
    assert "Exits 1" in result.output
