"""Check that the commands, options, targets and files of a shell line exist in this project."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from typing import Any

import click

from pricetime.cli import main
from tests.docs.blocks import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
VARIABLES = set(re.findall(r"^([A-Z]+) \?=", MAKEFILE, re.MULTILINE))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: Packages beside ours that a reader may choose to install: of frames.
CHOICES = {"pandas", "polars", "pyarrow"}

#: Words that stand for something of the reader's own: DIR, HOST:PORT, <revision>, ...
PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*(:[A-Z]+)?|<[^>]+>|\.\.\.")

#: As ``main`` has it: click keeps the help option that a command is first asked for.
HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}


class Unknown(Exception):
    """There is no such command, option or target."""


def check(words: list[str], *, whole: bool = True) -> None:
    """Raises Unknown. ``whole``: what a command cannot do without must be there too."""
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]  # of the environment
    if "pricetime" in words[:4]:
        check_pricetime(words[words.index("pricetime") + 1 :], whole=whole)
    elif words[:1] == ["make"]:
        check_make(words[1:])
    elif words[:2] == ["pip", "install"]:
        check_install(words[2:])
    elif words[:1] == ["python"]:
        check_python(words[1:])


def check_pricetime(words: list[str], *, whole: bool) -> None:
    command: click.Command = main
    while True:
        context = click.Context(command, info_name=command.name, **HELP)
        try:
            options, left, _ = command.make_parser(context).parse_args([w for w in words if w not in {"...", "[...]"}])
        except click.UsageError as error:
            raise Unknown(f"{command.name}: {error.format_message()}") from error
        check_values(command, context, options, whole=whole)
        if not isinstance(command, click.Group):
            if left:
                raise Unknown(f"{command.name}: unexpected {left}")
            return
        if not left:
            return
        if PLACEHOLDER.fullmatch(left[0]):
            return
        found = command.get_command(context, left[0])
        if found is None:
            raise Unknown(f"{command.name} has no command {left[0]!r}")
        command, words = found, left[1:]


def check_values(command: click.Command, context: click.Context, options: dict[str, object], *, whole: bool) -> None:
    """Values are such as the options take; a file or a folder need not be there."""
    for parameter in command.get_params(context):
        given = options.get(parameter.name or "")
        is_given = isinstance(given, str) or (isinstance(given, list | tuple) and len(given) > 0)
        if isinstance(parameter, click.Argument) and parameter.required and whole and not is_given:
            raise Unknown(f"{command.name}: {parameter.name} is missing")
        if isinstance(parameter.type, click.Path | click.File):
            continue
        for value in given if isinstance(given, list | tuple) else [given]:
            if isinstance(value, str) and not PLACEHOLDER.fullmatch(value):
                try:
                    parameter.type.convert(value, parameter, context)
                except click.BadParameter as error:
                    raise Unknown(f"{command.name}: {error.format_message()}") from error


def options(command: click.Command = main) -> set[str]:
    """Every option of this command and those below it."""
    found = {
        option for parameter in command.get_params(click.Context(command, **HELP)) for option in spellings(parameter)
    }
    if isinstance(command, click.Group):
        return found.union(*(options(below) for below in command.commands.values()))
    return found


def spellings(parameter: click.Parameter) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts]


def options_of_modules() -> set[str]:
    """The options of what runs as ``python -m benchmarks...`` or ``python -m tests...``, as their sources have them."""
    sources = [*(ROOT / "benchmarks").rglob("*.py"), *(ROOT / "tests" / "fuzz").rglob("*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    return {option for found in re.findall(r'"(--[a-z][a-z/-]+)"', text) for option in found.split("/")}


def check_make(words: list[str]) -> None:
    for word in words:
        name, is_set, _ = word.partition("=")
        if is_set and name not in VARIABLES:
            raise Unknown(f"make knows no {name}")
        if not is_set and name not in TARGETS and not PLACEHOLDER.fullmatch(name):
            raise Unknown(f"make has no target {name}")


def check_install(words: list[str]) -> None:
    for word in words:
        if word in CHOICES:
            continue
        match = re.fullmatch(r"(pricetime|\.)?(?:\[([\w,]+)\])?", word)
        if match is None:
            raise Unknown(f"pip install {word}: not of this project")
        if unknown := {extra for extra in (match[2] or "").split(",") if extra} - set(PROJECT["optional-dependencies"]):
            raise Unknown(f"pip install {word}: no extra {unknown}")


def check_python(words: list[str]) -> None:
    """A module, or a file, that is there and has the options given."""
    if words[0] == "-c":
        compile(words[1], "<shown>", "exec")
        return
    module, rest = (words[1], words[2:]) if words[0] == "-m" else (words[0], words[1:])
    if words[0] == "-m" and module.split(".")[0] not in {"benchmarks", "tests", "tools", "pricetime"}:
        raise Unknown(f"python -m {module}: not of this project")
    if words[0] == "-m" and find_spec(module) is None:
        raise Unknown(f"no module {module}")
    if words[0] != "-m" and not (ROOT / module).is_file():
        raise Unknown(f"no file {module}")
    own = rest[: rest.index("--")] if "--" in rest else rest
    if wanted := {word.partition("=")[0] for word in own if word.startswith("--")}:
        known = set(re.findall(r"--[\w-]+", help_of(words[:2] if words[0] == "-m" else words[:1])))
        if unknown := wanted - known - {"--help"}:
            raise Unknown(f"python {module}: no option {unknown}")


def help_of(words: list[str]) -> str:
    ran = subprocess.run(
        [sys.executable, *words, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"COLUMNS": "200"},
    )  # fmt: skip
    return ran.stdout + ran.stderr
