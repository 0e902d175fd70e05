"""The documents become a site: linked files outside docs/ get pages, pictures get a light and a dark form."""

from pathlib import Path

from tools.documents import DOCS, PICTURE, ROOT, both, linked, origin_of, outside_code, page_of, target, uri
from tools.documents import LINK as LINKS

INTERNALS = DOCS / "internals" / "book.md"


def test_a_link_leads_to_a_file_of_the_repository_or_nowhere() -> None:
    assert target("../../src/pricetime/core/book.py", INTERNALS) == ROOT / "src/pricetime/core/book.py"
    assert target("ring.md#how-fast", INTERNALS) == DOCS / "internals/ring.md"
    for link in ("#here", "https://example.org/a", "none.md", "../../../elsewhere"):
        assert target(link, INTERNALS) is None


def test_every_place_is_found_again() -> None:
    """From a file to where the site has it, and back."""
    for path in linked() | {INTERNALS}:
        back = origin_of(uri(path))
        assert back in {path, path / "list"}


def test_what_is_linked_is_there() -> None:
    found = linked()
    assert ROOT / "CONTRIBUTING.md" in found
    assert ROOT / "src/pricetime/exchange" in found  # a folder ...
    assert ROOT / "src/pricetime/exchange/io/loop.py" in found  # ... and what is in it
    assert all(path.exists() and not path.is_relative_to(DOCS) for path in found)


def test_links_in_code_are_no_links() -> None:
    text = "[a](a.md) `[b](b.md)` and\n```\n[c](c.md)\n```\n[d](d.md)\n"
    assert [match["to"] for match in outside_code(text, LINKS)] == ["a.md", "d.md"]


def test_a_source_is_shown_whole(tmp_path: Path) -> None:
    """Also one that has a fence of its own."""
    source = ROOT / "tools" / "documents.py"
    page = page_of(source)
    assert "# tools/documents.py" in page
    assert source.read_text(encoding="utf-8").rstrip() in page
    fences = page_of(ROOT / "docs" / "reference" / "wire-vectors.json")
    assert "```json" in fences
    folder = page_of(ROOT / "tools" / "wire")
    assert "- [page.py](page.py) " in folder


def test_a_picture_in_two_colours() -> None:
    html = (
        '<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="p/a-dark.svg">\n'
        '  <img src="p/a-light.svg" alt="words">\n</picture>'
    )
    assert PICTURE.sub(both, html) == "![words](p/a-light.svg#only-light)\n![words](p/a-dark.svg#only-dark)"
