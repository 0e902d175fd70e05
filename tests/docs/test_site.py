"""The site of the documents builds without a warning, has each page in its menu, and loads only its own files."""

import html
import json
import os
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path

import pytest

from pricetime import Engine, OrderBook
from pricetime.client import BookBuilder

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
NEEDED = ["mkdocs", "material", "mkdocstrings_handlers", "mkdocs_awesome_nav", "griffe_sphinx"]

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in NEEDED), reason="mkdocs is not here: pip install '.[docs]'"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as ``make docs`` builds it: strict, so that a warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1", "EXECUTE_NOTEBOOKS": "false"}  # test_notebooks.py does
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", folder],
        cwd=ROOT, capture_output=True, text=True, timeout=600, check=False, env=environment,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


class Page(HTMLParser):
    """What a page refers to: what it loads by itself, where its links go, what its menu has, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: set[str] = set()
        self.links: set[str] = set()
        self.menu: set[str] = set()
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given.get("id", ""), given.get("name", "")}
        self.loads |= {given[name] for name in ("src", "srcset") if name in given}
        if tag == "link" and given.get("rel") in {"stylesheet", "icon", "preconnect"}:
            self.loads.add(given["href"])
        if tag == "a":
            self.links.add(given.get("href", ""))
            if "md-nav__link" in given.get("class", ""):
                self.menu.add(given.get("href", ""))


@cache
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}


def test_every_document_is_in_the_menu(site: Path) -> None:
    home = Page((site / "index.html").read_text(encoding="utf-8"))
    documents = {path.relative_to(DOCS).with_suffix(".html") for path in DOCS.rglob("*.md")}
    wanted = {str(path.with_name("index.html") if path.name == "README.html" else path) for path in documents}
    assert wanted - home.menu <= {"index.html"}


def test_nothing_comes_from_elsewhere(site: Path) -> None:
    for path, page in pages(site).items():
        assert [source for source in page.loads if re.match(r"(https?:)?//", source)] == [], path
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(.?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_links_lead_to_pages_of_the_site(site: Path) -> None:
    """Also those to sources, which get pages of their own."""
    found = pages(site)
    for path, page in found.items():
        for link in page.links:
            if not link or re.match(r"[a-z]+:", link) or path.name == "404.html":
                continue
            name, _, anchor = link.partition("#")
            to = (path.parent / name).resolve() if name else path
            assert to.exists(), f"{path.relative_to(site)}: {link}"
            assert not anchor or to not in found or anchor in found[to].anchors, f"{path.relative_to(site)}: {link}"


def test_a_picture_follows_the_switch(site: Path) -> None:
    shown = (site / "internals" / "design.html").read_text(encoding="utf-8")
    assert "architecture-light.svg#only-light" in shown
    assert "architecture-dark.svg#only-dark" in shown
    assert "<picture>" not in shown


def test_the_copy_button_of_a_session_copies_its_code_alone(site: Path) -> None:
    shown = (site / "start.html").read_text(encoding="utf-8")
    copied = [html.unescape(text) for text in re.findall(r'<div [^>]*data-copy="([^"]*)"', shown)]
    assert (
        len(copied)
        == shown.count('<div class="language-pycon highlight"')
        == (DOCS / "start.md").read_text(encoding="utf-8").count("```python\n>>> ")
    )
    assert copied[0].splitlines()[:2] == ["from pricetime import ASK, BID, IOC, OrderBook", "book = OrderBook()"]
    for code in copied:
        compile(code, "start.md", "exec")


#: What people search for, and the page that must be among those found: it says what there is and what is not.
SEARCHED = {
    "pandas": "how-to/load-a-dataframe.html",
    "polars": "how-to/load-a-dataframe.html",
    "DataFrame": "how-to/load-a-dataframe.html",
    "backtest": "how-to/simulate-and-backtest.html",
    "simulate": "how-to/simulate-and-backtest.html",
    "FIX": "faq.html",
    "ITCH": "faq.html",
    "Windows": "faq.html",
    "Databento": "how-to/replay-a-databento-file.html",
    "failover": "how-to/fail-over.html",
    "latency": "how-to/measure-latency.html",
    "journal": "how-to/run-with-a-journal.html",
}


@pytest.mark.parametrize(("word", "page"), SEARCHED.items())
def test_the_search_finds(site: Path, word: str, page: str) -> None:
    """The page's part of the index has the word, as a word."""
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {
        entry["location"].partition("#")[0]
        for entry in index["docs"]
        if re.search(rf"\b{word}\b", f"{entry['title']} {entry['text']}", re.IGNORECASE)
    }
    assert page in found


def test_the_menu_leads_from_tasks_to_decisions(site: Path) -> None:
    home = (site / "index.html").read_text(encoding="utf-8")
    tabs = re.findall(r'class="md-tabs__link"[^>]*>\s*(?:<[^>]*>\s*)*([^<]+?)\s*<', home)
    assert tabs[:5] == ["Home", "Start", "Research", "Test against an exchange", "Learn"]
    assert tabs[-2:] == ["Internals", "Decisions"]


@pytest.mark.compiled
@pytest.mark.parametrize(("page", "kind"), [("pricetime", OrderBook), ("pricetime", Engine), ("client", BookBuilder)])
def test_a_compiled_class_shows_its_members(site: Path, page: str, kind: type) -> None:
    public = {name for name in dir(kind) if not name.startswith("_")}
    shown = Page((site / "reference" / "python" / f"{page}.html").read_text(encoding="utf-8"))
    prefix = f"{kind.__module__}.{kind.__name__}."
    assert {anchor.removeprefix(prefix) for anchor in shown.anchors if anchor.startswith(prefix)} == public
