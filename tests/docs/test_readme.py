"""README is short and its badges are true; CONTRIBUTING lists every target of the Makefile."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
PICTURES = sorted((ROOT / "docs" / "pictures").glob("*-light.svg"))

MOST_LINES = 150


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_the_first_screen() -> None:
    """A sentence, a picture, the installation, a result, the market: in this order and before the first heading."""
    first = README.split("\n## ")[0]
    order = ["**An exchange", "docs/pictures/market.gif", "pip install", ">>> from pricetime", "sh\npricetime market"]
    assert sorted(order, key=first.index) == order


def badge(name: str) -> str:
    """The words of a badge."""
    text = (ROOT / "docs" / "pictures" / "badges" / f"{name}.svg").read_text(encoding="utf-8")
    (words,) = re.findall(r"<title>(.*)</title>", text)
    return str(words)


def test_the_badges_are_true() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = [text.split()[-1] for text in project["classifiers"] if re.search(r":: 3\.\d+$", text)]
    assert badge("python") == f"Python: {versions[0]} to {versions[-1]}"
    assert badge("licence") == f"licence: {project['license']}"
    workflow = (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8")
    assert all(f'"{version}"' in workflow for version in versions)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_told(target: str) -> None:
    rows = re.findall(r"^\| (`make .*?) \|", CONTRIBUTING, re.MULTILINE)
    assert any(f"`make {target}`" in row for row in rows)


def test_no_other_target_is_told() -> None:
    assert set(re.findall(r"`make ([a-z-]+)`", CONTRIBUTING)) <= set(TARGETS)


def test_phony_targets_are_declared() -> None:
    (declared,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(TARGETS) <= set(declared.split())


@pytest.mark.parametrize("light", PICTURES, ids=lambda path: path.name)
def test_the_two_forms_of_a_drawing_differ_in_colour_alone(light: Path) -> None:
    """Of those that are drawn by hand; plots have their own colours throughout."""
    dark = light.with_name(light.name.replace("-light", "-dark"))
    texts = [path.read_text(encoding="utf-8") for path in (light, dark)]
    if "var(--ink)" in texts[0]:
        drawn = [re.sub(r":root \{.*?\}", "", text) for text in texts]
        assert drawn[0] == drawn[1]
