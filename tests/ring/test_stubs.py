"""The page of the ring has what its stubs have."""

import ast
import re
from pathlib import Path

import pytest

import pricetime.ring

FOLDER = Path(pricetime.ring.__file__).parent
PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "ring.md").read_text(encoding="utf-8")


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
