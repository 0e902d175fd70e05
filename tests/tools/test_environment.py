"""The virtual environment is recreated if it is incomplete, was moved, or belongs to a different interpreter."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

environment: Any = importlib.import_module("tools.environment")
PYTHON = getattr(sys, "_base_executable", None) or sys.executable
ROOT = Path(__file__).parents[2]


class Made(environment.Environment):  # type: ignore[misc]
    """Makes a real environment without pip, and installs nothing into it."""

    def __init__(self, root: Path, python: str = PYTHON) -> None:
        super().__init__(root / ".venv", python, root)
        self.done: list[str] = []
        self.interrupted_in = ""

    def _note(self, step: str) -> None:
        self.done.append(step)
        if step == self.interrupted_in:
            raise KeyboardInterrupt

    def create(self) -> None:
        subprocess.run([self.python, "-m", "venv", "--without-pip", str(self.folder)], check=True)
        self._note("create")

    def install(self) -> None:
        self._note("install")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with an environment, and something that was compiled for it."""
    root = tmp_path / "a repository"
    (root / "src" / "pricetime" / "core").mkdir(parents=True)
    (root / "pyproject.toml").touch()
    os.utime(root / "pyproject.toml", (1, 1))
    made = Made(root)
    assert made.prepare()
    assert made.done == ["create", "install"]
    compiled(root).touch()
    return root


def compiled(root: Path) -> Path:
    return root / "src" / "pricetime" / "core" / "book.so"


def remade(root: Path, capsys: pytest.CaptureFixture[str], why: str, **how: Any) -> None:
    """It is recreated, whole, for that reason, and left alone then."""
    capsys.readouterr()
    made = Made(root)
    assert made.prepare(**how)
    assert made.done == ["create", "install"]
    assert f"recreating .venv: {why}" in capsys.readouterr().out
    assert not compiled(root).exists()
    again = Made(root)
    assert again.prepare(**how)
    assert again.done == []


def test_one_that_is_good_is_left_alone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    made = Made(root)
    assert made.prepare()
    assert made.prepare(chosen=True)
    assert made.done == []
    assert capsys.readouterr().out == ""
    assert compiled(root).exists()


@pytest.mark.parametrize("step", ["create", "install"])
def test_an_interrupt_while_it_is_made(root: Path, capsys: pytest.CaptureFixture[str], step: str) -> None:
    shutil.rmtree(root / ".venv")
    made = Made(root)
    made.interrupted_in = step
    with pytest.raises(KeyboardInterrupt):
        made.prepare()
    remade(root, capsys, "its setup did not finish")


def test_an_interrupt_while_it_is_brought_up_to_date(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "pyproject.toml").touch()
    os.utime(root / ".venv" / "installed", (2, 2))
    made = Made(root)
    made.interrupted_in = "install"
    with pytest.raises(KeyboardInterrupt):
        made.prepare()
    assert made.done == ["install"]
    remade(root, capsys, "its setup did not finish")


def test_new_requirements_are_installed_into_it(root: Path) -> None:
    os.utime(root / ".venv" / "installed", (0, 0))
    made = Made(root)
    assert made.prepare()
    assert made.done == ["install"]
    assert compiled(root).exists()


def test_a_stamp_of_before_says_nothing(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / ".venv" / "installed").write_text("")
    remade(root, capsys, "its setup did not finish")


def test_a_repository_that_was_moved(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    moved = root.with_name("moved")
    root.rename(moved)
    remade(moved, capsys, f"it was made in {root}")


def test_an_interpreter_that_is_gone(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for link in (root / ".venv" / "bin").glob("python*"):
        link.unlink()
        link.symlink_to("/nowhere/python")
    remade(root, capsys, "its interpreter, from ")


def test_an_interpreter_that_was_upgraded(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stamp = root / ".venv" / "installed"
    made = json.loads(stamp.read_text())
    made["interpreter"][1] = "3.9.2 (then)"
    stamp.write_text(json.dumps(made))
    remade(root, capsys, "its interpreter was Python 3.9.2 from ")


def test_another_python_that_was_asked_for(root: Path, tmp_path: Path) -> None:
    """A PYTHON= that reports a different identity recreates it; the default interpreter changes nothing."""
    other = tmp_path / "python-other"
    other.write_text(
        "#!/bin/sh\n"
        f'[ "$1" = -c ] || exec "{PYTHON}" "$@"\n'
        """echo '["/opt/other", "3.99.0 (other)"]'\n"""
    )
    other.chmod(0o755)
    assert Made(root, str(other)).fault(chosen=False) is None
    why = Made(root, str(other)).fault(chosen=True)
    assert why.startswith("it was made with Python 3.")
    assert why.endswith(f", not with {other}")
    made = Made(root, str(other))
    assert made.prepare(chosen=True)
    assert made.done == ["create", "install"]


def test_a_machine_that_cannot_set_up_keeps_what_is_there(root: Path) -> None:
    (root / ".venv" / "installed").unlink()
    made = Made(root)
    assert not made.prepare(can_set_up=lambda: False)
    assert made.done == []
    assert (root / ".venv" / "bin").exists()


def test_make_runs_it_and_insists_on_a_python_that_was_named() -> None:
    def commands(*arguments: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "MAKEFLAGS")}
        told = subprocess.run(
            ["make", "--dry-run", ".venv/installed", *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return told.stdout

    if not shutil.which("make"):
        pytest.skip("make is not here (Debian: apt install make)")
    assert "python3 tools/environment.py \n" in commands() + "\n"
    assert f"{sys.executable} tools/environment.py --chosen" in commands(f"PYTHON={sys.executable}")
