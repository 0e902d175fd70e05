"""Every notebook runs from its first cell to its last, shows what its text says, and is stored without outputs."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.docs.blocks import ROOT

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))

NEEDED = ["nbclient", "ipykernel", "polars", "narwhals", "matplotlib", "pydantic_settings", "structlog"]

#: What the output of a notebook has, by the beginning of its name.
SHOWN = {
    "1": ["no bids or asks", "OrderBook: 5 orders", "quantity=3", "give 100.25 or 100.50", ".png"],
    "2": [r"(2,972 exact, 0 differ|first 22,000: True)", r"(27 trades took hidden lots|no icebergs)", ".png"],
    "3": ["QueuePosition", r"front of the queue: 0\.[5-9]", r"back: 0\.[0-2]", ".png"],
    "4": ["profit per risk", ".png"],
    "5": ["serving: serving", "price_unit=Decimal", "4800.50", "14 filled at 19201.3", "0 orders rest"],
    "6": [r"careless +p50 +10 us +p99 +10 us", r"honest +p50 +10 us +p99 +9\d,\d{3} us", "trades", ".png"],
}


def cells(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return found


def test_there_are_six() -> None:
    assert [path.name[0] for path in NOTEBOOKS] == list(SHOWN)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_stored_without_outputs(path: Path) -> None:
    for cell in cells(path):
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
        assert cell["metadata"] == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_says_what_the_reader_learns_and_what_is_to_be_seen(path: Path) -> None:
    text = ["".join(cell["source"]) for cell in cells(path) if cell["cell_type"] == "markdown"]
    assert re.match(r"# .+\n\nYou will ", text[0])
    assert "Install: `pip install" in " ".join(text[:2]).replace("Install:\n", "Install: ")
    assert sum("**You should now see**" in part for part in text) >= 4
    assert text[0].count("\n\n") <= 4
    assert "## Next" in text[-1]


@pytest.mark.compiled
@pytest.mark.skipif(
    any(find_spec(name) is None for name in NEEDED), reason="packages are missing: pip install '.[all,docs]'"
)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(path: Path) -> None:
    environment = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    ran = subprocess.run(
        [sys.executable, "-m", "tools.notebooks", path],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False, env=environment,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    shown = re.sub(r"```python\n.*?```", "", ran.stdout, flags=re.DOTALL)
    for wanted in SHOWN[path.name[0]]:
        assert re.search(wanted, shown), wanted
