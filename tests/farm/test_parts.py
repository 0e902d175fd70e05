"""A journal in parts: the same result as in one piece."""

from pathlib import Path

from pricetime.farm import verify_tasks
from pricetime.farm.parts import joined, split
from pricetime.farm.task import VerifyTask
from pricetime.log.verify import Part
from tests.farm.made import damage, journal_in


def parts_of(folder: Path, least: int) -> tuple[VerifyTask, list[VerifyTask]]:
    (task,) = verify_tasks([folder])
    pieces = split(task, least)
    assert all(isinstance(piece, VerifyTask) for piece in pieces)
    return task, pieces  # type: ignore[return-value]


def test_it_is_split_at_its_snapshots(tmp_path: Path) -> None:
    folder = journal_in(tmp_path / "one", snapshots=(20, 30, 60, 80))
    assert [part.part for part in parts_of(folder, 1)[1]] == [
        Part(None, 20), Part(20, 30), Part(30, 60), Part(60, 80), Part(80, None),
    ]  # fmt: skip
    assert [part.part for part in parts_of(folder, 30)[1]] == [Part(None, 30), Part(30, 60), Part(60, None)]
    assert [part.part for part in parts_of(folder, 1000)[1]] == [Part()]


def test_the_parts_find_what_the_whole_finds(tmp_path: Path) -> None:
    for least in (1, 30):
        folder = journal_in(tmp_path / str(least), snapshots=(20, 30, 60, 80))
        task, pieces = parts_of(folder, least)
        whole, found = task.perform(), joined(task, [piece.perform() for piece in pieces])
        assert found is not None
        assert (found.task, found.read, found.result) == (whole.task, whole.read, whole.result)
        assert found.checked == whole.checked
        assert found.measured["parts"] == len(pieces)
        assert sum(found.measured["ns_per_command"].values()) == 85


def test_without_the_first_commands(tmp_path: Path) -> None:
    folder = journal_in(tmp_path / "one", snapshots=(50, 60, 70))
    (folder / "00000001.journal").unlink()
    task, pieces = parts_of(folder, 1)
    assert [piece.part for piece in pieces] == [Part(None, 60), Part(60, 70), Part(70, None)]
    whole, found = task.perform(), joined(task, [piece.perform() for piece in pieces])
    assert whole.errors == []
    assert found is not None
    assert (found.result, found.checked) == (whole.result, whole.checked)


def test_a_part_with_a_fault_gives_no_result(tmp_path: Path) -> None:
    folder = journal_in(tmp_path / "one", snapshots=(30,))
    damage(folder)
    task, pieces = parts_of(folder, 1)
    results = [piece.perform() for piece in pieces]
    assert [bool(result.errors) for result in results] == [False, True]
    assert joined(task, results) is None


def test_a_part_whose_snapshot_is_damaged_has_a_fault(tmp_path: Path) -> None:
    folder = journal_in(tmp_path / "one", snapshots=(30, 60))
    path = folder / f"{30:020}.snapshot"
    path.write_bytes(path.read_bytes()[:-1])
    _, pieces = parts_of(folder, 1)
    assert [len(piece.perform().errors) for piece in pieces] == [0, 1, 0]


def test_other_tasks_have_one_part(tmp_path: Path) -> None:
    (task,) = verify_tasks([journal_in(tmp_path / "one", snapshots=())])
    assert [piece.given for piece in split(task, 1)] == [task.given]
    result = task.perform()
    assert joined(task, [result]) is result
