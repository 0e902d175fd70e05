"""The types that a type checker reads for the ring are those of the classes."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pricetime.ring
from pricetime.ring import Idle, Ring

#: What else a compiled module holds: constants and functions of its own.
NOT_PUBLIC = r"pricetime\.ring\.\w+\.(?!Ring$|Idle$)\w+"

FOLDER = Path(pricetime.ring.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "ring.md").read_text(encoding="utf-8")


def test_the_stubs_have_every_name_and_signature(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    allowed = tmp_path / "allowed"
    allowed.write_text(NOT_PUBLIC)
    command = [sys.executable, "-m", "mypy.stubtest", "--concise", "--allowlist", str(allowed)]
    modules = [Ring.__module__, Idle.__module__]
    ran = subprocess.run([*command, *modules], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def public_members() -> list[str]:
    found = []
    for stub in ("ring.pyi", "idle.pyi"):
        for kind in ast.parse((FOLDER / stub).read_text(encoding="utf-8")).body:
            if isinstance(kind, ast.ClassDef):
                found += [node.name for node in kind.body if isinstance(node, ast.FunctionDef)]
    return sorted({name for name in found if not name.startswith("_")})


@pytest.mark.parametrize("name", public_members())
def test_the_page_of_the_ring_has(name: str) -> None:
    assert re.search(rf"^\|[^|]*`(?:Ring\.)?{name}\b", PAGE, re.MULTILINE)


def test_the_example_of_the_page_runs() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    exec(example, {})
