"""Documents install from a checkout. They use the name on the package index only where they say "once released"."""

import re
from pathlib import Path

import pytest

from tests.docs.blocks import DOCUMENTS, ROOT

#: ``pip install pricetime``, with an extra or by a different installer, but not ``pip install .`` of a checkout.
BY_NAME = re.compile(r"(?:pip|uv add|uvx|pipx)(?: install)?(?: -\S+)* +['\"]?pricetime\b")


def unreleased(text: str) -> list[str]:
    """The install commands by name that are not within 3 lines of "once released"."""
    lines = text.splitlines()
    found = [(number, match[0]) for number, line in enumerate(lines) if (match := BY_NAME.search(line))]
    return [
        f"line {number + 1}: {command}: use pip install '.[...]' in a checkout"
        for number, command in found
        if "once released" not in " ".join(lines[max(0, number - 3) : number + 4])
    ]


@pytest.mark.parametrize(
    "path",
    [*DOCUMENTS, *sorted((ROOT / "examples").glob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_name_on_the_package_index(path: Path) -> None:
    assert unreleased(path.read_text(encoding="utf-8")) == []


def test_the_check() -> None:
    assert unreleased("pip install '.[server]'") == []
    assert unreleased("From the package index, once released:\n\npip install pricetime") == []
    assert len(unreleased("pip install 'pricetime[server]'\n\nuv add pricetime")) == 2
