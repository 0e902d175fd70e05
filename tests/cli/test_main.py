import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import click
import pytest

import pricetime
from pricetime import COMPILED
from pricetime.cli import main
from pricetime.extras import PURPOSES, install_command, requirements
from tests.cli.run import bad, good


def test_help_names_every_command_once_under_a_heading() -> None:
    text = good("--help")
    for name, command in main.commands.items():
        assert len(re.findall(rf"^  {name} ", text, re.MULTILINE)) == 1
        assert command.help
    assert "Other commands" not in text, "give the new command a place in SECTIONS"
    assert good("-h") == text


def leaves(command: click.Command, name: str = "pricetime") -> Iterator[tuple[str, click.Command]]:
    """Every command that runs, with its whole name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    for word, each in command.commands.items():
        yield from leaves(each, f"{name} {word}")


@pytest.mark.parametrize(("name", "command"), list(leaves(main)))
def test_the_help_of_a_command_has_a_short_sentence_and_an_example(name: str, command: click.Command) -> None:
    assert command.help is not None
    assert not command.get_short_help_str(63).endswith("..."), "the list of commands would cut it"
    words = name.replace(" ", r"( --\w+ \S+)* ")  # options of a group stand before its subcommand
    assert re.search(rf"^ +{words}\b", command.help, re.MULTILINE), "it has no example"


@pytest.mark.parametrize(
    "name", ["demo", "generate", "info", "latency", "load", "replay", "report", "secret", "subscribe"]
)
def test_every_option_says_what_it_does(name: str) -> None:
    assert f"Usage: pricetime {name}" in good(name, "--help")
    assert all(option.help for option in main.commands[name].params if isinstance(option, click.Option))


def test_version_and_form() -> None:
    form = "compiled" if COMPILED else "pure (uncompiled)"
    assert good("--version") == f"pricetime {metadata.version('pricetime')}, {form} form\n"
    assert good("info").splitlines()[0] == good("--version").rstrip()


def test_info_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("pricetime.cli.info"), "is_installed", lambda requirement: False)
    text = " ".join(good("info").split())
    assert f"missing: {install_command('columnar')}" in text
    assert {re.split("[<>=]", name)[0] for name in requirements("report")} == {
        "jinja2",
        "matplotlib",
        "hdrhistogram",
        "pydantic",
    }


def test_info_names_every_extra_and_what_it_is_for() -> None:
    text = good("info")
    extras = metadata.metadata("pricetime").get_all("Provides-Extra") or []
    assert set(extras) == set(PURPOSES)
    for extra in extras:
        assert re.search(rf"^ {extra} +{re.escape(PURPOSES[extra])} +(installed|missing)", text, re.MULTILINE), extra
        assert list(requirements(extra)), extra


def test_the_version_of_the_package() -> None:
    assert pricetime.__version__ == metadata.version("pricetime")
    with pytest.raises(AttributeError, match="module 'pricetime' has no attribute '__verison__'"):
        pricetime.__verison__  # type: ignore[attr-defined]  # noqa: B018


def test_help_imports_no_extra_and_no_table() -> None:
    code = (
        "import sys\nfrom pricetime.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "heavy = {'polars', 'databento_dbn', 'matplotlib', 'rich.table', 'rich.progress'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_unknown_command() -> None:
    assert "No such command 'trade'" in bad("trade", code=2)


def test_an_error_of_the_system_is_one_line(tmp_path: object) -> None:
    assert bad("generate", "balanced", "-n", "10", "--out", f"{tmp_path}/no/such/folder.npy").startswith("Error: ")
