"""The form under test (PRICETIME_PURE), the effort of Hypothesis, and the folder of real tapes."""

import gc
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import pricetime
from tests.counts import SLOW

#: Variables that tests assume, also in the processes that they start.
ASSUMED = {"LC_ALL": "C.UTF-8", "TERM": "xterm"}
NOT_ASSUMED = {"CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "FORCE_COLOR", "LINES", "NO_COLOR", "TTY_COMPATIBLE"}
OURS = {"PRICETIME_BUILD", "PRICETIME_DATA", "PRICETIME_PURE"}  # any other PRICETIME_ variable is a setting of a server

for name in [*os.environ]:
    if name in NOT_ASSUMED or (name.startswith("PRICETIME_") and name not in OURS):
        del os.environ[name]
os.environ |= ASSUMED

# Tests have no deadline. In CI the examples are the same in every run, elsewhere they are new.
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
    parser.addoption("--compiled", action="store_true", help="fail unless the compiled form runs")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--compiled") and not pricetime.COMPILED:
        raise pytest.UsageError("the uncompiled form runs: unset PRICETIME_PURE and run make build")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """In ``make test``, compiled, one worker more than there are processors: many tests wait for answers."""
    if not pricetime.COMPILED or SLOW:
        return None
    return 1 + (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def pytest_report_header() -> str:
    return f"pricetime: the {'compiled' if pricetime.COMPILED else 'uncompiled'} form"


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("compiled") and not pricetime.COMPILED:
            item.add_marker(pytest.mark.skip(reason="needs the compiled form"))


def pytest_collection_finish() -> None:
    gc.freeze()  # tests and their imports stay until the end, so the collector can skip them


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real tapes, which the project may not distribute."""
    folder = Path(os.environ.get("PRICETIME_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real tapes: set PRICETIME_DATA to their folder")
    return folder
