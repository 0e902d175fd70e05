"""``pricetime farm``, with tasks that run in this process. tests/farm/test_farm.py and tests/docs run them on Ray."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pricetime.farm import Result
from pricetime.farm.errors import NoFarm
from pricetime.farm.task import Task
from pricetime.farm.work import in_this_process
from tests.cli.run import bad, figures, good, run
from tests.farm.made import damage, journal_in, script_in
from tests.log.reference import journal

DIGEST = f"{journal([45, 40]).public[-1]:016x}"


class Here:
    """A farm without Ray."""

    def __init__(self, address: str | None, *, workers: int | None) -> None:
        self.address = address
        self.workers = workers

    def __enter__(self) -> "Here":
        if self.address:
            raise NoFarm(f"cannot use the Ray cluster at {self.address}: no answer")
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def perform(self, tasks: Sequence[Task]) -> Iterator[tuple[int, Result]]:
        return in_this_process(tasks)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pricetime.farm.farm.Farm", Here)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three journals."""
    for seed in (7, 8, 9):
        journal_in(tmp_path / "journals" / f"day{seed}", seed)
    return tmp_path / "journals"


def lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_verify(folder: Path) -> None:
    text = good("farm", "verify", folder)
    (row,) = [line.split() for line in text.splitlines() if line.split()[:1] == ["day7"]]
    assert row[1] == "85"
    assert DIGEST in row
    assert row[-1] == "good"
    assert figures(text)["journals"] == "3"
    assert figures(text)["commands replayed"] == "255"


def test_verify_of_one_journal_as_json(folder: Path) -> None:
    (found,) = lines(good("farm", "verify", folder / "day7", "--json"))
    assert found["task"]["journal"] == str(folder / "day7")
    assert found["result"]["digest"] == DIGEST
    assert found["errors"] == []


def test_a_damaged_journal_is_named_and_the_others_are_verified(folder: Path) -> None:
    damage(folder / "day7")
    result = run("farm", "verify", folder)
    assert result.exit_code == 1
    assert "FAULT in day7:" in result.output
    assert "00000002.journal is damaged at byte" in result.output
    assert [line.split()[-1] for line in result.output.splitlines() if line.strip().startswith("day")] == [
        "FAULT", "good", "good",
    ]  # fmt: skip


def test_results_are_kept_and_taken_the_next_time(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    good("farm", "verify", folder / "day7", "--results", path)
    assert figures(good("farm", "verify", folder, "--results", path))["taken from the file of results"] == "1"
    assert "taken" not in good("farm", "verify", folder, "--results", path, "--again")
    assert len(path.read_text().splitlines()) == 6
    assert figures(good("farm", "verify", folder, "--results", path))["taken from the file of results"] == "3"


def test_two_results_for_one_input_are_printed(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    good("farm", "verify", folder, "--results", path)
    path.write_text(path.read_text().replace(DIGEST, "0" * 16))
    result = run("farm", "verify", folder, "--results", path, "--again")
    assert result.exit_code == 4
    assert f"INCIDENT: two results for one input, verify {folder / 'day7'}. One of them is wrong" in result.output
    told = result.output[result.output.index("INCIDENT") :]
    assert f'"digest": "{"0" * 16}"' in told
    assert f'"digest": "{DIGEST}"' in told


def test_run(folder: Path, tmp_path: Path) -> None:
    script = script_in(
        tmp_path,
        """
        def run(replay):
            assert replay.folder.name != "day8", "not this one"
            return {"count": sum(len(commands) for commands, _ in replay), "mean": 0.5, "empty": None, "good": True}
        """,
    )
    result = run("farm", "run", script, folder)
    assert result.exit_code == 1
    rows = [line.split() for line in result.output.splitlines() if line.strip().startswith("day")]
    assert rows == [["day7", "85", "0.5", "true"], ["day8", "error"], ["day9", "85", "0.5", "true"]]
    assert f"FAULT in day8: AssertionError: not this one ({script}, line 3)" in result.output
    found = lines(run("farm", "run", script, folder, "--json").output)
    assert [line["result"] and line["result"]["count"] for line in found] == [85, None, 85]


def test_sweep(tmp_path: Path) -> None:
    script = script_in(tmp_path, "def run(a, name): return {'product': a * len(name)}")
    text = good("farm", "sweep", script, "--set", "a=1..2", "--set", "name=x,yy")
    rows = [line.split() for line in text.splitlines() if len(line.split()) == 3 and line.split()[0] in "12"]
    assert rows == [["1", "x", "1"], ["1", "yy", "2"], ["2", "x", "2"], ["2", "yy", "4"]]
    found = lines(good("farm", "sweep", script, "--set", "a=3", "--set", "name=x", "--json"))
    assert found[0]["task"]["parameters"] == {"a": 3, "name": "x"}
    broken = script_in(tmp_path, "def run(a): return {'inverse': 1 / a}")
    result = run("farm", "sweep", broken, "--set", "a=0,1")
    assert result.exit_code == 1
    assert "FAULT in a=0: ZeroDivisionError: division by zero" in result.output


def test_a_script_that_is_no_pure_function(tmp_path: Path) -> None:
    script = script_in(tmp_path, "SEEN = []\ndef run(a):\n    SEEN.append(a)\n    return {'n': len(SEEN)}")
    result = run("farm", "sweep", script, "--set", "a=1", "--repeat", "2")
    assert result.exit_code == 4
    assert "INCIDENT: two results for one input, sweep a=1." in result.output


def test_what_cannot_run_ends_with_one_line(folder: Path, tmp_path: Path) -> None:
    script = script_in(tmp_path, "def walk(): pass")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "does not exist" in bad("farm", "verify", tmp_path / "nowhere", code=2)
    assert "empty has no journal" in bad("farm", "verify", folder, empty, code=2)
    assert "has no function run" in bad("farm", "run", script, folder, code=2)
    assert "'a' is not NAME=VALUE" in bad("farm", "sweep", script, "--set", "a", code=2)
    assert "a is given twice" in bad("farm", "sweep", script, "--set", "a=1", "--set", "a=2", code=2)
    assert "Missing option '--set'" in bad("farm", "sweep", script, code=2)
    said = bad("farm", "verify", folder, "--address", "127.0.0.1:1", code=2)
    assert said == "Error: cannot use the Ray cluster at 127.0.0.1:1: no answer"
    (tmp_path / "r.jsonl").write_text("no result\n")
    assert "line 1 of" in bad("farm", "verify", folder, "--results", tmp_path / "r.jsonl", code=2)


def test_without_ray_one_line_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "ray", None)
    said = bad("farm", "verify", folder, code=2)
    assert said.startswith("Error: the replay farm needs the package ray (extra pricetime[farm]): pip install")
