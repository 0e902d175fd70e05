"""Every command that has not enough memory ends with one line, which says what to lower, and exit code 2."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pricetime.cli import main, memory
from tests.cli.run import bad, good

#: Room for Python and NumPy, and not for the books of a million orders.
LIMIT_KIB = 524_288


def test_every_command_that_is_named_exists() -> None:
    assert set(memory.REMEDIES) <= set(main.commands)
    for name, remedy in memory.REMEDIES.items():
        told = good(name, "--help")
        for option in (word.strip(",;:") for word in remedy.split() if word.startswith("--")):
            assert option in told, (name, option)


@pytest.mark.parametrize("name", [name for name in main.commands if name != "order"])
def test_one_line_and_exit_code_2(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise MemoryError("no room for 1048576 orders")

    command = main.commands[name]
    monkeypatch.setattr(command, "callback", fail)
    monkeypatch.setattr(command, "params", [])
    if name in {"admin", "cluster", "farm", "journal"}:
        monkeypatch.setattr(command, "invoke_without_command", True)
        monkeypatch.setattr(command, "no_args_is_help", False)
    if name == "serve":
        monkeypatch.setattr(command, "_made", [])
    line = bad(name, code=2)
    assert line.startswith("Error: not enough memory (no room for 1048576 orders): ")
    assert "lower" in line or "smaller" in line


@pytest.mark.compiled
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the addresses of a process")
def test_a_small_machine(tmp_path: Path) -> None:
    def demo(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pricetime", "demo", "--data", str(tmp_path), *more]
        limited = ["sh", "-c", f'ulimit -v {LIMIT_KIB} && exec "$@"', "sh", *command]
        threads = {"OPENBLAS_NUM_THREADS": "1"}  # each of them takes up addresses
        return subprocess.run(limited, capture_output=True, text=True, check=False, env=os.environ | threads)

    ran = demo()
    assert ran.returncode == 2, ran.stderr
    assert len(ran.stderr.splitlines()) == 1
    assert "lower --order-capacity" in ran.stderr
    ran = demo("--order-capacity", "100000")
    assert ran.returncode == 0, ran.stderr
