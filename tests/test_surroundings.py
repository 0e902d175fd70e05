"""Tests give the same results in any terminal, language and environment: ``tests/conftest.py`` ensures it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

STRANGE = {
    "COLUMNS": "60",
    "FORCE_COLOR": "1",
    "LC_ALL": "C",
    "PRICETIME_PORT": "none",
    "TERM": "dumb",
}

#: Tests that depend on printed tables, the width of a terminal, and the settings of a server.
SAMPLE = [
    "tests/cli/test_journal.py",
    "tests/cli/test_demo.py::test_a_synthetic_day",
    "tests/cli/test_serve.py::test_nothing_given",
    "tests/cli/test_serve.py::test_settings_are_shown_when_asked_for",
]


@pytest.mark.parametrize("color", [{}, {"NO_COLOR": "1"}])
def test_surroundings_change_nothing(color: dict[str, str]) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *SAMPLE]
    environment = os.environ | STRANGE | color
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
