"""Rules of the project: what is compiled, what an import loads, what the repository holds."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "pricetime"


def test_the_modules_written_for_the_compiler_have_a_schema() -> None:
    written = {path for path in SOURCE.rglob("*.py") if re.search(r"^import cython$", path.read_text("utf-8"), re.M)}
    assert {path for path in written if not path.with_suffix(".pxd").exists()} == set()
    listed = subprocess.run(
        [sys.executable, "-c", "import setup; print(*setup.modules())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert {"pricetime.core.book", "pricetime.ring.ring"} < set(listed)
    if sys.platform == "linux":
        assert set(listed) == {".".join(path.relative_to(SOURCE.parent).with_suffix("").parts) for path in written}
        overrides = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["mypy"]["overrides"]
        assert [*listed] in [kind["module"] for kind in overrides], "pyproject.toml: the compiled modules for mypy"


def run(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


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
    heavy += ["asyncio", "ray", "hdrh", "jinja2", "prometheus_client", "starlette", "uvicorn", "websockets"]
    loaded = run(f"import sys, pricetime; print([name for name in {heavy} if name in sys.modules])")
    assert loaded.strip() == "[]"


def test_no_path_of_one_machine_is_in_the_repository() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a checkout")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    machine_path = re.compile(rb"(?<![\w./~-])/(?:home|root|work|Users)/")
    found = [name for name in tracked.split("\0") if name and machine_path.search((ROOT / name).read_bytes())]
    assert found == []
