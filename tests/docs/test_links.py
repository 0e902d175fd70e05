"""Every link in the documents leads to an existing file of the repository, and to an existing heading in it."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def prose(path: Path) -> str:
    """A document without its code, in which a pair of brackets does not make a link."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"(?<!`)`[^`\n]+`(?!`)", "code", text)


def targets(path: Path) -> list[str]:
    """Where the links and pictures of a document go, but for those that leave the repository."""
    found = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"\s]+)\"", prose(path))
    return [inline or html for inline, html in found if not re.match(r"[a-z]+:", inline or html)]


def anchors(path: Path) -> set[str]:
    """The headings of a document, as a link names them."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def broken(path: Path, root: Path = ROOT) -> list[str]:
    """The links of a document that lead nowhere, or out of the repository."""
    found = []
    for target in targets(path):
        name, _, anchor = target.partition("#")
        to = (path.parent / name).resolve() if name else path
        if not to.exists() or not to.is_relative_to(root) or (anchor and anchor not in anchors(to)):
            found.append(target)
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_of(path: Path) -> None:
    assert broken(path) == []


def test_the_index_leads_to_every_document() -> None:
    seen = {ROOT / "docs" / "README.md"}
    ahead = list(seen)
    while ahead:
        page = ahead.pop()
        linked = {(page.parent / target.partition("#")[0]).resolve() for target in targets(page)} - seen
        ahead += [document for document in linked if document.suffix == ".md" and document.exists()]
        seen |= linked
    assert set((ROOT / "docs").rglob("*.md")) <= seen


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('# A page\n[here](#a-page) [there](#none) [no file](none.md) `[code](x.md)`\n<img src="x.png">\n')
    assert targets(page) == ["#a-page", "#none", "none.md", "x.png"]
    assert anchors(page) == {"a-page"}
    assert broken(page, tmp_path) == ["#none", "none.md", "x.png"]
