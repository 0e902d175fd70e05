"""Rules of the project: what is compiled, what an import loads, which layer imports which."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "pricetime"

#: A part imports only from itself and from those before it, by import and by cimport. CONTRIBUTING lists them too.
LAYERS = [
    {"types", "errors", "checks", "extras", "environment", "address"},
    {"owner_limits", "prices", "execution", "ladder", "depth"},
    {"native"},
    {"_form"},
    {"reference"},
    {"core"},
    {"frames"},
    {"ring"},
    {"wire"},
    {"log"},
    {"exchange.settings"},
    {"exchange.state"},
    {"exchange.io"},
    {"exchange.standby"},
    {"exchange.control"},
    {"exchange"},
    {"client"},
    {"tape"},
    {"load"},
    {"web"},
    {"market"},
    {"pricetime"},
    {"cli", "__main__"},
]


def python_files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def dotted(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """The modules of this package that a file imports, anywhere in it."""
    package = dotted(path) if path.name == "__init__.py" else dotted(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                up = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*up, base] if base else up)
            base = base.replace("cython.cimports.pricetime", "pricetime")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def layer(module: str) -> int:
    part = module.split(".")[1] if "." in module else ""
    if part[:1].isupper() or part in {"__version__", "compiled"}:
        part = ""  # a public name of the package itself
    return next(i for i, parts in enumerate(LAYERS) if part in parts)


def run(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_module_written_for_the_compiler_is_compiled() -> None:
    listed = set(re.findall(r'^    "(pricetime\.[\w.]+)",$', (ROOT / "setup.py").read_text(encoding="utf-8"), re.M))
    written = {dotted(path) for path in python_files() if re.search(r"^import cython$", path.read_text("utf-8"), re.M)}
    assert listed == written
    for module in listed:
        assert (SOURCE.parent / module.replace(".", "/")).with_suffix(".pxd").exists(), f"{module} has no schema"


def test_the_changelog_knows_this_version() -> None:
    latest = re.search(r"^## (\d+\.\d+\.\d+) - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert latest is not None
    assert latest[1] == version("pricetime")


def test_an_import_brings_in_no_command_line_and_no_extra() -> None:
    heavy = [
        "click",
        "rich",
        "polars",
        "databento_dbn",
        "matplotlib",
        "cffi",
        "Cython",
        "pydantic",
        "structlog",
        "narwhals",
        "pandas",
    ]
    heavy += ["asyncio", "hdrh", "jinja2", "prometheus_client", "starlette", "uvicorn", "websockets"]
    loaded = run(f"import sys, pricetime; print([name for name in {heavy} if name in sys.modules])")
    assert loaded.strip() == "[]"


def test_contributing_lists_the_layers() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Layers")[2]
    listed = [re.findall(r"`(\w+)`", line) for line in re.findall(r"^\d+\. (.*)$", text, re.M)]
    assert listed == [sorted(part or "pricetime" for part in parts) for parts in LAYERS]


@pytest.mark.parametrize("path", python_files(), ids=dotted)
def test_imports_go_down_the_floors(path: Path) -> None:
    own = layer(dotted(path))
    above = [name for name in imports(path) if name.split(".")[0] == "pricetime" and layer(name) > own]
    assert above == []


def test_no_path_of_one_machine_is_in_the_repository() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    machine_path = re.compile(rb"(?<![\w./~-])/(?:home|root|work|Users)/")
    found = [name for name in tracked.split("\0") if name and machine_path.search((ROOT / name).read_bytes())]
    assert found == []
