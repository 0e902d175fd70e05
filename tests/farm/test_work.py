"""Work: stored results, repetitions, and different results for one input."""

import json
from pathlib import Path

import pytest

from pricetime.farm import Store, Work, run_tasks, sweep_tasks, verify_tasks
from pricetime.farm.work import in_this_process
from tests.farm.made import damage, journal_in, script


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [journal_in(tmp_path / "journals" / str(seed), seed) for seed in (7, 8, 9)]


def test_results_come_in_the_order_of_the_tasks(folders: list[Path]) -> None:
    done: list[int] = []
    work = Work(lambda tasks: reversed([*in_this_process(tasks)]))
    tasks = verify_tasks(folders)
    results = work.run(tasks, progress=done.append)
    assert [result.task["journal"] for result in results] == [str(folder) for folder in folders]
    assert work.count(tasks) == sum(done) == 3
    assert work.incidents == []


def test_a_run_continues_where_it_was_interrupted(folders: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    Work(in_this_process, store=Store(path)).run(verify_tasks(folders[:2]))
    work = Work(in_this_process, store=Store(path))
    tasks = verify_tasks(folders)
    assert work.count(tasks) == 1
    assert [result.stored for result in work.run(tasks)] == [True, True, False]
    assert len(path.read_text().splitlines()) == 3
    (folders[0] / "00000001.journal").touch()
    assert Work(in_this_process, store=Store(path)).count(verify_tasks(folders)) == 1, "its files have changed"


def test_a_result_with_an_error_is_not_taken(tmp_path: Path) -> None:
    damage(journal_in(tmp_path / "one"))
    tasks, path = verify_tasks([tmp_path / "one"]), tmp_path / "r.jsonl"
    Work(in_this_process, store=Store(path)).run(tasks)
    assert Work(in_this_process, store=Store(path)).count(tasks) == 1


def test_a_different_stored_result_is_an_incident(folders: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    Work(in_this_process, store=Store(path)).run(verify_tasks(folders))
    lines = path.read_text().splitlines()
    changed = json.loads(lines[1])
    changed["result"]["digest"] = "0" * 16
    path.write_text("\n".join([lines[0], json.dumps(changed), lines[2]]) + "\n")
    work = Work(in_this_process, store=Store(path), again=True)
    work.run(verify_tasks(folders))
    ((before, now),) = work.incidents
    assert before.stored
    assert before.result is not None
    assert before.result["digest"] == "0" * 16
    assert now.result == json.loads(lines[1])["result"]


def test_a_script_that_is_no_pure_function_is_an_incident(tmp_path: Path) -> None:
    made = script(tmp_path, "COUNT = []\ndef run(a):\n    COUNT.append(a)\n    return {'n': len(COUNT)}")
    work = Work(in_this_process, repeat=3)
    tasks = sweep_tasks(made, [{"a": 1}])
    assert work.count(tasks) == 3
    work.run(tasks)
    assert [(before.result, now.result) for before, now in work.incidents] == [
        ({"n": 1}, {"n": 2}), ({"n": 1}, {"n": 3}),
    ]  # fmt: skip


def test_a_journal_in_parts(folders: list[Path]) -> None:
    whole = Work(in_this_process).run(verify_tasks(folders))
    parts = Work(in_this_process, least=1).run(verify_tasks(folders))
    assert [result.result for result in parts] == [result.result for result in whole]
    assert [result.measured["parts"] for result in parts] == [3, 3, 3]


def test_a_journal_with_a_fault_in_a_part_is_verified_in_one_piece(folders: list[Path]) -> None:
    damage(folders[0])
    whole = Work(in_this_process).run(verify_tasks(folders))
    parts = Work(in_this_process, least=1).run(verify_tasks(folders))
    assert [result.errors for result in parts] == [result.errors for result in whole]
    assert [len(result.errors) for result in parts] == [1, 0, 0]


def test_one_error_does_not_end_the_others(folders: list[Path], tmp_path: Path) -> None:
    made = script(tmp_path, "def run(replay):\n    assert replay.folder.name != '8'\n    return {}")
    results = Work(in_this_process).run(run_tasks(made, folders))
    assert [len(result.errors) for result in results] == [0, 1, 0]
