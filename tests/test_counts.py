"""The variable that make test-slow sets reaches the tests, although conftest removes others."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import counts

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("slow", "states"), [("", 10_000), ("1", 100_000)])
def test_the_whole_of_a_long_test(slow: str, states: int) -> None:
    code = "import tests.conftest, tests.counts; print(tests.counts.count(10_000, 100_000))"
    environment = {**os.environ, "SLOW": slow}
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    assert int(ran.stdout) == states


def test_the_makefile_asks_for_it() -> None:
    assert "SLOW=1 $(LONG_PYTEST)" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert counts.count(1, 2) in {1, 2}
