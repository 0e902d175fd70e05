"""Which form is tested (PRICETIME_PURE says), how hard Hypothesis tries, and where the real tapes are."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import pricetime

#: What tests assume of their surroundings, and hand on to the processes that they start.
ASSUMED = {"LC_ALL": "C.UTF-8", "TERM": "xterm"}
NOT_ASSUMED = {"CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE"}
OURS = {"PRICETIME_BUILD", "PRICETIME_DATA", "PRICETIME_PURE"}  # every other PRICETIME_ is a setting of a server

for name in [*os.environ]:
    if name in NOT_ASSUMED or (name.startswith("PRICETIME_") and name not in OURS):
        del os.environ[name]
os.environ |= ASSUMED

# No test is judged by the time it takes. In CI the examples are the same at every run, elsewhere they are new.
settings.register_profile(
    "default",
    deadline=None,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "long",
    settings.get_profile("default"),
    derandomize=False,
    max_examples=int(os.environ.get("EXAMPLES", "10000")),
)
settings.load_profile("default")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--compiled", action="store_true", help="stop unless the compiled form runs")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--compiled") and not pricetime.COMPILED:
        raise pytest.UsageError("the pure form runs: unset PRICETIME_PURE, make build")


def pytest_report_header() -> str:
    return f"pricetime: the {'compiled' if pricetime.COMPILED else 'pure'} form"


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("compiled") and not pricetime.COMPILED:
            item.add_marker(pytest.mark.skip(reason="of the compiled form alone"))


def pytest_collection_finish() -> None:
    gc.freeze()  # thousands of tests and all that they import stay to the end: nothing is looked for in them


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real tapes, which the project may not pass on."""
    folder = Path(os.environ.get("PRICETIME_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real tapes: PRICETIME_DATA names their folder")
    return folder
