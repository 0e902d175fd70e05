"""The command that compares two revisions: what it prints, writes and exits with, and which differences are real."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from click.testing import CliRunner, Result
from numpy.typing import NDArray

from benchmarks import compare
from benchmarks.compare import Times
from benchmarks.one_round import make
from benchmarks.revisions import CannotRun, Revision


def revision(name: str) -> Revision:
    return Revision(name, Path(), Path())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Run the command on times that are given in place of builds and processes."""

    def run(times: Times, *options: str) -> Result:
        monkeypatch.setattr(compare, "build_base", lambda name, scratch: revision(f"{name} (abc)"))
        monkeypatch.setattr(compare, "build_current", lambda scratch: revision("work tree"))
        monkeypatch.setattr(compare, "RESULTS", tmp_path)

        def make_flows(revisions: Sequence[Revision], names: Sequence[str], count: int) -> list[str]:
            assert [revision.name for revision in revisions] == ["v1 (abc)", "work tree"]
            assert (list(names), count) == (["adds", "cancels"], 100_000)
            return ["adds"]

        def take_turns(
            revisions: Sequence[Revision], names: Sequence[str], rounds: int, advance: Callable[[], None]
        ) -> Times:
            assert list(names) == ["adds"]
            assert rounds == 9
            advance()
            return times

        monkeypatch.setattr(compare, "make_flows", make_flows)
        monkeypatch.setattr(compare, "take_turns", take_turns)
        chosen = ["--preset", "adds", "--preset", "cancels"]
        return CliRunner().invoke(compare.main, ["--base", "v1", *chosen, "--quick", *options])

    return run


STEADY = [100.0, 101, 100, 99, 100, 101, 100]


def test_a_regression_exits_1_and_is_named(run: Callable[..., Result], tmp_path: Path) -> None:
    result = run({"adds": (STEADY, [1.2 * ns for ns in STEADY])})
    assert result.exit_code == 1, result.output
    assert "work tree compared with v1 (abc)" in result.output
    assert "slower by more than 5%: adds" in result.output
    assert "not compared, because their flows differ: cancels" in result.output
    (table,) = json.loads((tmp_path / "compare.json").read_text(encoding="utf-8"))["tables"]
    assert table["rows"] == [["adds", "regression", "100", "120", "1.200", "1.200 to 1.200"]]


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
        raise CannotRun("v1 does not run:\nImportError")

    run({})
    monkeypatch.setattr(compare, "make_flows", fails)
    result = CliRunner().invoke(compare.main, ["--base", "v1", "--preset", "adds", "--count", "1000"])
    assert result.exit_code == 2
    assert "v1 does not run" in result.output


def test_only_flows_that_are_the_same_are_compared(tmp_path: Path) -> None:
    """Each revision has its own format; the fields that decide what a flow does must agree."""
    for folder in ("one", "other"):
        make(tmp_path / folder, 1_000, ["adds", "cancels"])
    one, other = tmp_path / "one", tmp_path / "other"
    assert compare.same_flow(one / "adds.npz", other / "adds.npz")
    assert not compare.same_flow(one / "adds.npz", other / "cancels.npz")
    assert not compare.same_flow(one / "adds.npz", other / "missing.npz")
    with np.load(one / "adds.npz") as flow:
        fields = list(compare.FLOW_FIELDS)
        np.savez(other / "adds.npz", prelude=flow["prelude"][fields], commands=flow["commands"][fields])
        assert compare.same_flow(one / "adds.npz", other / "adds.npz")
        np.savez(other / "adds.npz", prelude=flow["prelude"], commands=flow["commands"][:-1])
    assert not compare.same_flow(one / "adds.npz", other / "adds.npz")


def test_who_goes_first_changes_with_every_workload_and_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []

    class Recorder:
        def __init__(self, revision: Revision) -> None:
            self.name = revision.name

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def ask(self, workload: str) -> dict[str, float]:
            asked.append((workload, self.name))
            return {workload: float(len(asked))}

    monkeypatch.setattr(compare, "Runner", Recorder)
    times = compare.take_turns([revision("a"), revision("b")], ["x", "y"], 2, lambda: None)
    assert [name for _, name in asked] == ["a", "b", "b", "a", "b", "a", "a", "b"]
    assert times == {"x": ([1, 6], [2, 5]), "y": ([4, 7], [3, 8])}


# ---------------------------------------------------------------------- which differences are real


def noisy(ns: float, rng: np.random.Generator, rounds: int = 15, noise: float = 0.02) -> NDArray[np.float64]:
    """Times around ``ns``: a little noise, always upwards, as a busy machine makes it."""
    return ns * (1 + rng.exponential(noise, rounds))


def test_the_same_times_are_no_difference() -> None:
    found = compare.compare([100, 101, 99, 100, 102], [100, 101, 99, 100, 102])
    assert (found.ratio, found.low, found.high) == (1, 1, 1)
    assert not found.real
    assert found.verdict == "no difference shown"


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.15, "regression"), (0.85, "faster"), (1 + compare.TOLERANCE / 2, "slower"), (1, "no difference shown")],
)
def test_a_difference_is_real_and_a_large_one_is_a_regression(factor: float, verdict: str) -> None:
    rng = np.random.default_rng(1)
    found = compare.compare(noisy(100, rng, noise=0.004), noisy(100 * factor, rng, noise=0.004))
    assert found.verdict == verdict
    assert found.low <= found.ratio <= found.high
    assert found.ratio == pytest.approx(factor, rel=0.01)


def test_noise_alone_is_hardly_ever_called_a_difference() -> None:
    rng = np.random.default_rng(2)
    real = [compare.compare(noisy(100, rng), noisy(100, rng)).real for _ in range(100)]
    assert sum(real) <= 4


def test_a_large_difference_is_found_under_noise() -> None:
    rng = np.random.default_rng(3)
    found = [compare.compare(noisy(100, rng, noise=0.05), noisy(120, rng, noise=0.05)).verdict for _ in range(30)]
    assert found.count("regression") >= 29


def test_what_slows_both_turns_of_a_round_cancels_out() -> None:
    rng = np.random.default_rng(4)
    burst = rng.choice([1.0, 3.0], 15)
    found = compare.compare(noisy(100, rng, noise=0.002) * burst, noisy(110, rng, noise=0.002) * burst)
    assert found.verdict == "regression"
    assert found.high < 1.12


def test_a_spoiled_round_changes_little() -> None:
    rng = np.random.default_rng(5)
    base, current = noisy(100, rng, noise=0.002), noisy(100, rng, noise=0.002)
    current[[3, 9]] *= 10
    assert compare.compare(base, current).verdict == "no difference shown"


def test_swapped_sides_give_the_inverse() -> None:
    rng = np.random.default_rng(6)
    base, current = noisy(100, rng), noisy(130, rng)
    there, back = compare.compare(base, current), compare.compare(current, base)
    assert there.ratio == pytest.approx(1 / back.ratio)
    assert there.low == pytest.approx(1 / back.high, rel=0.01)


@pytest.mark.parametrize(("base", "current"), [([1.0] * 4, [1.0] * 4), ([1.0] * 6, [1.0] * 5), ([], [])])
def test_what_are_no_pairs_or_too_few_is_refused(base: list[float], current: list[float]) -> None:
    with pytest.raises(ValueError, match="pairs"):
        compare.compare(base, current)
