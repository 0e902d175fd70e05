"""The page: well-formed, whole in itself, and honest about what went wrong."""

import base64
import sys
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from pricetime.extras import MissingExtra
from pricetime.load import report
from pricetime.load.figures import pictures
from pricetime.load.recording import LONGEST, labels, load
from pricetime.native.hlog import BadLog
from tests.load import made_runs

for package in ("matplotlib", "hdrh", "jinja2"):
    pytest.importorskip(package, reason="needs the packages of a report: pip install '.[report]'")

HISTOGRAMS = made_runs.few(500)

#: Elements that have no end.
VOID = {"meta", "source", "img", "br", "hr", "link", "input"}

#: Attributes that fetch what they name.
FETCHING = {"src", "srcset", "href", "data", "action", "poster", "background"}


@dataclass
class Page(HTMLParser):
    """What is on a page. Raises AssertionError where an element ends that did not begin."""

    text: str
    open: list[str] = field(default_factory=list)
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data.split()

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def said(self) -> str:
        return " ".join(self.words)


def text_of(*paths: Path) -> str:
    recordings = load(paths)
    return report.page(recordings, pictures(recordings))


def page_of(*paths: Path) -> Page:
    return Page(text_of(*paths))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = made_runs.load_run(HISTOGRAMS, saturation=made_runs.saturation())
    return made_runs.write(tmp_path_factory.mktemp("runs"), "load", made, HISTOGRAMS)


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    return page_of(run)


def test_it_needs_nothing_else(page: Page) -> None:
    fetched = [value for _, attributes in page.elements for name, value in attributes.items() if name in FETCHING]
    assert fetched
    assert all(value.startswith("data:image/svg+xml;base64,") for value in fetched)
    assert not page.all("script")
    assert not page.all("link")
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_every_picture_is_there(page: Page, run: Path) -> None:
    wanted = pictures(load([run]))
    assert [attributes["id"] for attributes in page.all("h2")] == [picture.name for picture in wanted]
    for picture, image in zip(wanted, page.all("img"), strict=True):
        data = base64.b64decode(image["src"].partition(",")[2])
        assert data == picture.svg
        assert ElementTree.fromstring(data).tag == "{http://www.w3.org/2000/svg}svg"
        assert image["alt"] == picture.title
        assert picture.caption in page.said


def test_conditions_and_figures_are_on_the_page(page: Page) -> None:
    assert "2026-11-26T09:30:00+00:00: pricetime load --rate 1000000 --seconds 5" in page.said
    assert (
        "port 7001, preset balanced, rate 1000000.0, seconds 5.0, sessions 4, seed 1, acknowledge memory" in page.said
    )
    assert "pricetime 0.1.0, processor: a made one, 2 cores" in page.said
    for histogram in HISTOGRAMS.values():
        assert f" {histogram.count:,} " in page.said
    assert "1.2 M/s is the highest rate with a p99 of at most 50 us" in page.said
    assert all(
        each["tabindex"] == "0" and each["aria-label"] for each in page.all("div") if "scroll" in each.get("class", "")
    )


def test_the_same_runs_give_the_same_page(run: Path) -> None:
    assert text_of(run) == text_of(run)


def test_a_good_run_raises_no_alarm(page: Page) -> None:
    assert "⚠" not in page.said


def test_a_run_that_failed_says_so_first(tmp_path: Path) -> None:
    histograms = made_runs.few(100, ["round_trip"])
    made = made_runs.load_run(histograms)
    gone = replace(
        made.result, sent=100, answered=60, complete=False, failure="the exchange <went> away", sent_per_s=9.0
    )
    page = page_of(made_runs.write(tmp_path, "bad", replace(made, result=gone), histograms))
    head = page.text.partition("<table>")[0]
    assert "⚠ bad" in head
    assert "Failed: the exchange &lt;went&gt; away" in head
    assert "40 of 100 commands were not answered." in head
    assert "The rate was missed: 9 of 1,000,000 commands per second were sent." in head
    assert "bad ⚠" in page.said


def test_a_run_without_an_answer(tmp_path: Path) -> None:
    made = made_runs.load_run({}, over_time=[], result=made_runs.failed("connection refused"))
    page = page_of(made_runs.write(tmp_path, "none", made, {}))
    assert not page.all("figure")
    assert "Failed: connection refused" in page.said


def test_without_histograms_it_says_what_is_missing(tmp_path: Path) -> None:
    path = made_runs.write(tmp_path, "rough", made_runs.load_run(HISTOGRAMS))
    assert "No histograms (.hlog) are beside the file: percentiles are not drawn." in page_of(path).said


def test_what_is_no_log_of_histograms(tmp_path: Path) -> None:
    path = made_runs.write_load(tmp_path, "made", 100)
    path.with_suffix(".hlog").write_text("Tag=round_trip.rests,0.0,1.0,1.0,HISTFnothing\n", encoding="ascii")
    with pytest.raises(BadLog, match=r"made\.hlog"):
        load([path])


def test_ten_runs(tmp_path: Path) -> None:
    made = made_runs.load_run(HISTOGRAMS, saturation=made_runs.saturation())
    page = page_of(*(made_runs.write(tmp_path, f"run-{number}", made, HISTOGRAMS) for number in range(10)))
    assert "pricetime: 10 runs" in page.said
    assert all(f"run-{number}" in page.said for number in range(10))
    assert len(page.all("figure")) == 4


def test_names_and_commands_are_text(tmp_path: Path) -> None:
    made = made_runs.load_run(HISTOGRAMS, command="<script>alert(1)</script>", machine={"<b>": "&amp;"})
    page = page_of(made_runs.write(tmp_path, "<i>$x$", made, HISTOGRAMS))
    assert not page.all("script")
    assert not page.all("i")
    assert "<script>alert(1)</script>" in page.said
    assert "<b>: &amp;" in page.said


def test_without_the_templates(monkeypatch: pytest.MonkeyPatch, run: Path) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtra, match=r"pricetime\[report\]"):
        text_of(run)


def test_names_tell_runs_apart() -> None:
    def of(*paths: str) -> list[str]:
        return labels([Path(path) for path in paths])

    assert of("a/run.json") == ["run"]
    assert of("a/run.json", "a/other.json") == ["run", "other"]
    assert of("x/a/run.json", "x/b/run.json", "x/b/other.json") == ["a/run", "b/run", "other"]
    assert of("a/x/run.json", "b/x/run.json") == ["a/x/run", "b/x/run"]
    assert of("run.json", "run.json") == ["run", "run (2)"]
    assert of("__run.json") == ["run"]
    assert of(f"{'long' * 30}.json") == [f"…{('long' * 30)[1 - LONGEST :]}"]
