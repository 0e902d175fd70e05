"""The page of the ring has every public member."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pricetime.ring import Idle, Ring

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "ring.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted({name for name in dir(Ring) + dir(Idle) if not name.startswith("_")}))
def test_the_page_of_the_ring_has(name: str) -> None:
    assert re.search(rf"^\|[^|]*`(?:Ring\.)?{name}\b", PAGE, re.MULTILINE)


def test_the_example_of_the_page_runs() -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    exec(example, {})
