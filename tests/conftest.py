"""Which form the tests run, how hard Hypothesis tries, and where the real tapes are."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("default", deadline=None, print_blob=True)
settings.register_profile("long", deadline=None, print_blob=True, max_examples=int(os.environ.get("EXAMPLES", "10000")))
settings.load_profile("default")


def running_form() -> str:
    pricetime = importlib.import_module("pricetime")  # not before pytest_configure has chosen
    return "compiled" if pricetime.COMPILED else "pure"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--form", choices=["compiled", "pure"], help="run this form of the core, or stop (default: any)")


def pytest_configure(config: pytest.Config) -> None:
    wanted = config.getoption("--form")
    if wanted:
        os.environ["PRICETIME_PURE"] = str(int(wanted == "pure"))  # before the first import; for subprocesses as well
    if wanted and running_form() != wanted:
        raise pytest.UsageError(f"the {wanted} form does not run here, the {running_form()} one does: make build")


def pytest_report_header() -> str:
    return f"pricetime: the {running_form()} form"


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    if running_form() == "pure":
        for item in items:
            if item.get_closest_marker("compiled"):
                item.add_marker(pytest.mark.skip(reason="of the compiled form alone"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real tapes, which the project may not pass on."""
    folder = Path(os.environ.get("PRICETIME_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real tapes: PRICETIME_DATA names their folder")
    return folder
