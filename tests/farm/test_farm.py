"""The farm on a Ray with two workers on this machine, started once."""

import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pricetime.extras import MissingExtra
from pricetime.farm import Farm, Result, Work, grid, run_tasks, sweep_tasks, verify_tasks
from pricetime.farm.errors import NoFarm
from pricetime.farm.work import in_this_process
from tests.farm.made import damage, journal_in, script

pytest.importorskip("ray", reason="needs Ray: pip install '.[farm]'")

#: Stops the first time at command 40 of the journal "8", and writes its process id.
STOPS = """
import os, signal
from pathlib import Path

def run(replay):
    mark = replay.folder.parent / "pid"
    for _ in replay.steps(10):
        if replay.folder.name == "8" and replay.sequence == 40 and not mark.exists():
            mark.with_name("new").write_text(str(os.getpid()))
            mark.with_name("new").rename(mark)
            signal.pause()
    return {"digest": replay.digest}
"""


@pytest.fixture(scope="module")
def farm() -> Iterator[Farm]:
    with Farm(workers=2) as started:
        yield started


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    return [journal_in(tmp_path / "journals" / str(seed), seed) for seed in (7, 8, 9)]


def outcomes(results: list[Result]) -> list[object]:
    """What does not depend on the place and the time."""
    return [(result.task, result.read, result.result, result.checked, result.errors) for result in results]


@pytest.mark.parametrize("least", [1 << 22, 1])
def test_the_results_are_those_of_one_process(farm: Farm, folders: list[Path], least: int) -> None:
    damage(folders[0])
    tasks = verify_tasks(folders)
    results = Work(farm.perform, least=least).run(tasks)
    assert outcomes(results) == outcomes(Work(in_this_process).run(tasks))
    assert [bool(result.errors) for result in results] == [True, False, False]
    assert os.getpid() not in {result.measured["pid"] for result in results}


def test_a_task_whose_worker_is_killed_runs_again(farm: Farm, folders: list[Path], tmp_path: Path) -> None:
    made = script(tmp_path, STOPS)
    mark = folders[0].parent / "pid"
    killed: list[int] = []

    def kill() -> None:
        ends = time.monotonic() + 120
        while not mark.exists() and time.monotonic() < ends:
            time.sleep(0.01)
        killed.append(int(mark.read_text()))
        os.kill(killed[0], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        results = Work(farm.perform).run(run_tasks(made, folders))
    finally:
        thread.join()
    assert killed
    assert killed[0] != results[1].measured["pid"]
    assert outcomes(results) == outcomes(Work(in_this_process).run(run_tasks(made, folders)))
    assert [result.errors for result in results] == [[], [], []]


def test_a_worker_that_always_dies_is_an_error(farm: Farm, tmp_path: Path) -> None:
    made = script(
        tmp_path, "import os\ndef run(a):\n    os.kill(os.getpid(), 9) if a == 2 else None\n    return {'a': a}"
    )
    with Farm(retries=1) as joined:
        results = Work(joined.perform).run(sweep_tasks(made, grid({"a": [1, 2, 3]})))
    assert [result.errors for result in results] == [[], ["its worker died, also in each of 1 retries"], []]
    assert farm.processors == 2, "the farm that joined has not ended the Ray of the first"


def test_two_different_results_are_an_incident(farm: Farm, tmp_path: Path) -> None:
    made = script(tmp_path, "import time\ndef run(a): return {'now': time.time_ns()}")
    work = Work(farm.perform, repeat=2)
    work.run(sweep_tasks(made, grid({"a": [1]})))
    ((before, now),) = work.incidents
    assert before.result != now.result


def test_more_tasks_than_are_submitted_ahead(farm: Farm, tmp_path: Path) -> None:
    made = script(tmp_path, "def run(a): return {'a': a}")
    results = Work(farm.perform).run(sweep_tasks(made, grid({"a": range(100)})))
    assert [result.result for result in results] == [{"a": a} for a in range(100)]


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"extra pricetime\[farm\]"):
        Farm()


def test_a_ray_that_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def fail(**_options: object) -> None:
        raise ConnectionError("no answer\nfrom 127.0.0.1\n")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", fail)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        for address in (f"127.0.0.1:{port}", f"ray://127.0.0.1:{port}"):
            with pytest.raises(NoFarm, match=rf"cannot use the Ray cluster at {address}: from 127\.0\.0\.1$"):
                Farm(address).__enter__()
    with pytest.raises(NoFarm, match=rf"cannot use the Ray cluster at 127\.0\.0\.1:{port}: .*refused"):
        Farm(f"127.0.0.1:{port}").__enter__()
    with pytest.raises(NoFarm, match="Ray does not start"):
        Farm().__enter__()


def test_a_long_path_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / ("long" * 10)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    farm = Farm(workers=1)
    logs = farm._options()["_temp_dir"]
    shutil.rmtree(logs)
    assert Path(logs).parent == Path("/tmp")
