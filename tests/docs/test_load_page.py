"""The page on load: its commands are valid and its program runs. The page on reports has the fields of the files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pricetime.cli import main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operate" / "load.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^pricetime load (.*)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_the_command(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(line)
    if "--tape" in arguments:
        Path(arguments[arguments.index("--tape") + 1]).touch()
    context = main.commands["load"].make_context("load", arguments)
    assert context.params["seconds"] is None or context.params["seconds"] > 0


def test_there_are_commands() -> None:
    assert len(COMMANDS) >= 5


@pytest.mark.compiled
def test_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
    (code,) = re.findall(r"^```python\n(from .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    assert re.fullmatch(r"[\d,]+ orders/s, trades p50 [\d.]+ us, p99 [\d.]+ us\n", capsys.readouterr().out)
