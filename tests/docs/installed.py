"""The installation of a reader: what ``pip install '.[extras]'`` brings, and nothing else of this environment."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.blocks import ROOT, Block
from tests.docs.command_lines import CHOICES

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: Put into the path of a process: packages that the reader does not have cannot be imported.
HIDE = """
import sys
from importlib.abc import MetaPathFinder

class Hidden(MetaPathFinder):
    names = {names!r}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"the reader has not installed {{name}}", name=name)

sys.meta_path.insert(0, Hidden())
"""


def asked_for(blocks: list[Block]) -> set[str]:
    """The extras, and the packages beside them, that the blocks install."""
    found: set[str] = set()
    for words in (words for block in blocks if block.is_shell for words in block.commands):
        if words[:2] == ["pip", "install"]:
            found |= {word for word in words[2:] if word in CHOICES}
            found |= set(",".join(re.findall(r"\[([\w,]+)\]", " ".join(words[2:]))).split(",")) - {""}
    return found


def distributions(asked: set[str]) -> set[str]:
    """The names of all distributions that come with these extras and packages, dependencies of dependencies too."""
    ahead = [Requirement(f"pricetime[{','.join(asked - CHOICES)}]"), *map(Requirement, asked & CHOICES)]
    seen: set[tuple[str, frozenset[str]]] = set()
    while ahead:
        wanted = ahead.pop()
        name, extras = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if (name, extras) not in seen:
            seen.add((name, extras))
            ahead += requirements(name, extras)
    return {name for name, _ in seen}


def requirements(name: str, extras: frozenset[str]) -> list[Requirement]:
    """What a distribution requires with these extras: of pricetime as the project says now."""
    if name == "pricetime":
        optional = PROJECT["optional-dependencies"]
        return [*map(Requirement, [*PROJECT["dependencies"], *(one for extra in extras for one in optional[extra])])]
    try:
        found = [Requirement(line) for line in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        return []
    return [one for one in found if not one.marker or any(one.marker.evaluate({"extra": e}) for e in {"", *extras})]


def bundled(name: str) -> set[str]:
    """The modules that a distribution has copies of, as Ray has of psutil."""
    try:
        files = metadata.files(name) or []
    except metadata.PackageNotFoundError:
        return set()
    return {path.parts[2] for path in files if path.parts[1:2] == ("thirdparty_files",) and len(path.parts) > 3}


def hide_the_rest(folder: Path, asked: set[str]) -> str:
    """A folder to put first into PYTHONPATH: with it a process has only what the reader installed."""
    there = distributions(asked)
    modules = metadata.packages_distributions()
    brought = {module for name in there for module in bundled(name)}
    names = {
        module for module, of in modules.items()
        if not {canonicalize_name(name) for name in of} & there and not module.startswith(("_", "pricetime"))
        and module not in brought
    }  # fmt: skip
    (folder / "sitecustomize.py").write_text(HIDE.format(names=names), encoding="utf-8")
    return str(folder)
