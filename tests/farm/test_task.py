"""Tasks: what they find, and that an error of one is part of its result."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pricetime.farm import grid, run_tasks, sweep_tasks, verify_tasks
from pricetime.farm.counts import histogram_of
from pricetime.farm.errors import InvalidScript
from pricetime.log.directory import Directory
from pricetime.log.verify import verify
from tests.farm.made import damage, journal_in, script


def test_a_verification_finds_what_verify_finds(tmp_path: Path) -> None:
    (task,) = verify_tasks([journal_in(tmp_path / "one")])
    result, found = task.perform(), verify(Directory(tmp_path / "one"))
    assert result.errors == found.faults == []
    assert result.result == {
        "digest": f"{found.digest:016x}", "reports": found.reports, "report_checksum": f"{found.report_checksum:08x}",
    }  # fmt: skip
    assert result.checked == {
        "commands": 85, "replayed": 85, "checkpoints": found.checkpoints, "snapshots": [30, 60], "compared": [30, 60],
    }  # fmt: skip
    assert result.read["last"] == 85
    assert histogram_of([result.measured["ns_per_command"]]).count == 85
    assert result.measured["seconds"] > 0


def test_a_copy_has_the_same_input(tmp_path: Path) -> None:
    shutil.copytree(journal_in(tmp_path / "one"), tmp_path / "two")
    one, two = (task.perform() for task in verify_tasks([tmp_path / "one", tmp_path / "two"]))
    assert one.task != two.task
    assert one.input == two.input


def test_damage_is_an_error(tmp_path: Path) -> None:
    damage(journal_in(tmp_path / "one", snapshots=()))
    (task,) = verify_tasks([tmp_path / "one"])
    result = task.perform()
    assert len(result.errors) == 1
    assert "00000002.journal is damaged at byte" in result.errors[0]


def test_a_journal_that_the_machine_does_not_have(tmp_path: Path) -> None:
    (task,) = verify_tasks([journal_in(tmp_path / "one")])
    (tmp_path / "one").rename(tmp_path / "two")
    (said,) = task.perform().errors
    assert f"does not find {tmp_path / 'one'}: the journals must be on a file system that all machines reach" in said


def test_a_machine_with_other_code(tmp_path: Path) -> None:
    (task,) = verify_tasks([journal_in(tmp_path / "one")])
    (said,) = replace(task, code="0.0.1+abc").perform().errors
    assert "but the task is for 0.0.1+abc: install the same version on every machine" in said


def test_a_script_over_a_journal(tmp_path: Path) -> None:
    made = script(
        tmp_path,
        """
        def run(replay):
            count = sum(len(commands) for commands, _ in replay)
            return {"count": count, "orders": len(replay.engine)}
        """,
    )
    (task,) = run_tasks(made, [journal_in(tmp_path / "one")])
    result = task.perform()
    assert result.errors == []
    assert result.result is not None
    assert result.result["count"] == 85
    assert result.read["last"] == 85


@pytest.mark.parametrize("raised", ["ZeroDivisionError('x')", "SystemExit(3)"])
def test_a_script_that_raises(tmp_path: Path, raised: str) -> None:
    made = script(tmp_path, f"def run(replay):\n    raise {raised}")
    (task,) = run_tasks(made, [journal_in(tmp_path / "one")])
    (said,) = task.perform().errors
    assert said.endswith(f"({made.path}, line 2)")
    assert raised.partition("(")[0] in said


def test_a_sweep(tmp_path: Path) -> None:
    made = script(tmp_path, "def run(a, b): return {'product': a * b}")
    tasks = sweep_tasks(made, grid({"a": [1, 2], "b": [3]}))
    assert [task.perform().result for task in tasks] == [{"product": 3}, {"product": 6}]
    assert len({task.perform().input for task in tasks}) == 2
    with pytest.raises(InvalidScript, match="run cannot be called with c"):
        sweep_tasks(made, grid({"c": [1]}))
