"""Decisions are numbered without a gap, titled with what was decided, and listed in the index."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
DECISIONS = sorted(FOLDER.glob("[0-9]*.md"))


def first_line(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[0]


def test_there_is_no_gap_and_no_number_twice() -> None:
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_the_title(path: Path) -> None:
    found = re.fullmatch(rf"# {int(path.name[:4])}\. ([A-Z].*[^.])", first_line(path))
    assert found, f"the first line is not '# {int(path.name[:4])}. <decision>'"
    assert len(found[1].split()) >= 4, f"state the decision as a sentence: {found[1]}"
    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", path.name)


def test_the_index_has_every_title_in_order() -> None:
    index = re.findall(r"^(\d+\. )\[(.*)\]\((.*)\)$", (FOLDER / "README.md").read_text(encoding="utf-8"), re.M)
    assert [(f"# {number}{title}", name) for number, title, name in index] == [
        (first_line(path), path.name) for path in DECISIONS
    ]
