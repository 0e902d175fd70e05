"""Which form runs, and what the user sees of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import pricetime

SHOW = "import sys, pricetime; print(pricetime.COMPILED, 'cython' in sys.modules, pricetime.core.book.__file__)"


def run(code: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("PRICETIME_PURE", "PYTHONPATH")}
    if folder is not None:
        kept["PYTHONPATH"] = str(folder)
    return subprocess.run(
        [sys.executable, "-c", code], env=kept | environment, capture_output=True, text=True, check=True
    )


def sources_only(folder: Path) -> Path:
    """A copy of the package in which nothing is compiled."""
    package = Path(pricetime.__file__).parent
    for source in package.rglob("*"):
        if source.suffix in (".py", ".pxd"):
            target = folder / "pricetime" / source.relative_to(package)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    return folder


def test_asked_for_the_pure_form_it_runs_silently_without_cython() -> None:
    outcome = run(SHOW, PRICETIME_PURE="1")
    assert outcome.stdout.split()[:2] == ["False", "False"]
    assert outcome.stdout.strip().endswith("book.py")
    assert outcome.stderr == ""


@pytest.mark.compiled
def test_compiled_unless_asked_otherwise() -> None:
    for asked in ("0", ""):
        outcome = run(SHOW, PRICETIME_PURE=asked)
        assert outcome.stdout.startswith("True False")
        assert outcome.stderr == ""


def test_without_the_compiled_form_one_warning_says_how_to_get_it(tmp_path: Path) -> None:
    outcome = run(SHOW + "; import pricetime.core.c_api", folder=sources_only(tmp_path))
    assert outcome.stdout.startswith("False False")
    (line,) = outcome.stderr.splitlines()
    assert "PureForm: pricetime runs uncompiled" in line
    assert "Install a C compiler" in line


@pytest.mark.parametrize(("command", "lines"), [("--help", 0), ("generate --list", 0), ("replay", 1)])
def test_the_command_line_says_it_only_where_speed_matters(tmp_path: Path, command: str, lines: int) -> None:
    tape = tmp_path / "empty.csv"
    tape.touch()
    arguments = [*command.split(), *([str(tape)] if command == "replay" else [])]
    environment = {name: value for name, value in os.environ.items() if name != "PRICETIME_PURE"}
    outcome = subprocess.run(
        [sys.executable, "-m", "pricetime", *arguments],
        env=environment | {"PYTHONPATH": str(sources_only(tmp_path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.stderr.count("pricetime runs uncompiled") == lines, outcome.stderr


def test_the_warning_is_about_the_line_that_imports_pricetime(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("def start():\n    import pricetime\n\nstart()\n", encoding="utf-8")
    outcome = run(f"import runpy; runpy.run_path({str(script)!r})", folder=sources_only(tmp_path / "sources"))
    assert f"{script}:2: PureForm" in outcome.stderr


def test_an_installed_cython_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "cython.py").write_text("mine = True\n", encoding="utf-8")
    code = "import cython, pricetime, sys; print(pricetime.COMPILED, sys.modules['cython'] is cython, cython.mine)"
    assert run(code, folder=tmp_path, PRICETIME_PURE="1").stdout.split() == ["False", "True", "True"]


def test_what_has_no_pure_form_says_so_in_one_line() -> None:
    code = "try:\n    import pricetime.ring\nexcept ImportError as error:\n    print(type(error).__name__, error)"
    said = run(code, PRICETIME_PURE="1").stdout
    assert said.startswith("NeedsCompiled pricetime.ring needs the compiled form")
    assert "unset PRICETIME_PURE" in said
    assert said.count("\n") == 1
