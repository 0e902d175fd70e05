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
from pricetime.load.pictures import pictures
from pricetime.load.recording import load
from pricetime.load.styles import STYLES
from tests.load import made_runs

for package in ("matplotlib", "hdrh", "jinja2"):
    pytest.importorskip(package, reason="needs the packages of a report: pip install '.[report]'")

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


def page_of(*paths: Path) -> Page:
    return Page(report.page(load(paths)))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    histograms = made_runs.few(500)
    return [
        made_runs.write(folder, "load", made_runs.load_run(histograms, saturation=made_runs.saturation()), histograms),
        made_runs.write(folder, "pipeline", made_runs.pipeline_run()),
    ]


@pytest.fixture(scope="module")
def page(runs: list[Path]) -> Page:
    return page_of(*runs)


def test_it_needs_nothing_else(page: Page) -> None:
    fetched = [value for _, attributes in page.elements for name, value in attributes.items() if name in FETCHING]
    assert fetched
    assert all(value.startswith("data:image/svg+xml;base64,") for value in fetched)
    assert not page.all("script")
    assert not page.all("link")
    assert "url(" not in page.text
    assert "@import" not in page.text


def test_every_picture_is_there_in_light_and_dark(page: Page, runs: list[Path]) -> None:
    wanted = pictures(load(runs))
    assert [attributes["id"] for attributes in page.all("h2")] == [picture.name for picture in wanted]
    images = page.all("img")
    assert len(images) == 2 * len(wanted)
    assert "figure img.dark { display: none; }" in page.text
    dark_style = page.text.split("@media screen and (prefers-color-scheme: dark) {")[1].split("@media")[0]
    assert "figure img.light { display: none; } figure img.dark { display: block; }" in dark_style
    for picture, light, dark in zip(wanted, images[::2], images[1::2], strict=True):
        assert (light["class"], dark["class"]) == ("light", "dark")
        assert light["alt"] == dark["alt"]
        assert light["alt"].startswith(picture.title)
        drawn = [base64.b64decode(each["src"].partition(",")[2]) for each in (light, dark)]
        for data, style in zip(drawn, STYLES.values(), strict=True):
            assert ElementTree.fromstring(data).tag == "{http://www.w3.org/2000/svg}svg"
            assert f"fill: {style.ground}".encode() in data
        if picture.name in {"stages", "saturation"}:
            assert drawn == [picture.bytes_of(style, "svg") for style in STYLES]
        assert picture.caption in page.said


def test_it_fits_phones_and_printers_and_eyes(page: Page) -> None:
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all("meta")
    assert {"name": "color-scheme", "content": "light dark"} in page.all("meta")
    assert "@media print" in page.text
    assert "@media screen and (prefers-color-scheme: dark)" in page.text
    assert page.all("html") == [{"lang": "en"}]
    assert {each.get("class") for each in page.all("td")} == {"command", "wide", "name", "figure", ""}
    assert all(each["data-column"] for each in page.all("td")), "on a phone each cell says what it is"
    assert all(
        each["tabindex"] == "0" and each["aria-label"] for each in page.all("div") if "scroll" in each.get("class", "")
    )


def test_conditions_are_beside_every_picture(page: Page) -> None:
    sections = page.text.split("<section>")[1:]
    assert len(sections) == len(page.all("figure"))
    for section in sections:
        assert "pricetime 0.1.0 on processor: a made one, 2 cores" in section
        assert "2026-11-26 09:30:00 UTC" in section
        assert "<code>pricetime load --rate 1000000 --seconds 5</code>" in section or "make bench-pipeline" in section
    assert "port 7001, preset balanced, rate 1,000,000, seconds 5, sessions 4, seed 1, acknowledge memory" in page.said


def test_the_figures_are_in_tables(page: Page, runs: list[Path]) -> None:
    (recording, _) = load(runs)
    for interval in ("match", "round_trip"):
        assert f"{recording.latency(interval)['cancel'].count:,}" in page.said
    for shown in ("made: ring + journal + match", "make bench-2", "1.2 M/s", "over the limit; missed its rate"):
        assert shown in page.said


def test_the_same_runs_give_the_same_page(runs: list[Path]) -> None:
    assert report.page(load(runs[1:])) == report.page(load(runs[1:]))


def test_a_good_run_raises_no_alarm(page: Page) -> None:
    assert "unreliable" not in page.said
    assert "⚠" not in page.said


def test_a_run_that_failed_says_so_first(tmp_path: Path) -> None:
    histograms = made_runs.few(100, ["round_trip"])
    made = made_runs.load_run(histograms)
    gone = replace(
        made.result, sent=100, answered=60, complete=False, failure="the exchange <went> away", sent_per_s=9.0
    )
    page = page_of(made_runs.write(tmp_path, "bad", replace(made, result=gone), histograms))
    head = page.text.partition("<table>")[0]
    assert "⚠ bad: these figures are unreliable" in head
    assert "Failed: the exchange &lt;went&gt; away" in head
    assert "40 of 100 commands were not answered." in head
    assert "The rate was missed: 9 of 1,000,000 commands per second were sent." in head
    assert "bad ⚠" in page.said


def test_a_run_without_an_answer(tmp_path: Path) -> None:
    made = made_runs.load_run({}, over_time=[], result=made_runs.failed("connection refused"))
    page = page_of(made_runs.write(tmp_path, "none", made, {}))
    assert not page.all("figure")
    assert "There is nothing to draw" in page.said
    assert "Failed: connection refused" in page.said


def test_a_run_of_one_command(tmp_path: Path) -> None:
    histograms = {"round_trip.cancel": made_runs.of_values([12_300])}
    path = made_runs.write(tmp_path, "one", made_runs.load_run(histograms, rate=None), histograms)
    page = page_of(path)
    assert len(page.all("figure")) == 3
    assert "12.3 µs" in page.said
    assert "rate as fast as possible" in page.said


def test_without_histograms_it_says_what_is_missing(tmp_path: Path) -> None:
    path = made_runs.write(tmp_path, "rough", made_runs.load_run(made_runs.few(100, ["round_trip"])))
    assert "rough.hlog is not beside rough.json, so there is no histogram of this run." in page_of(path).said


def test_ten_runs(tmp_path: Path) -> None:
    paths = []
    for number in range(10):
        histograms = made_runs.few(100, ["round_trip"], number)
        made = made_runs.load_run(histograms, saturation=made_runs.saturation())
        paths.append(made_runs.write(tmp_path, f"run-{number}", made, histograms))
    page = page_of(*paths)
    assert "pricetime: 10 runs" in page.said
    assert all(f"run-{number}" in page.said for number in range(10))
    assert len(page.all("figure")) == 5


def test_names_and_commands_are_text(tmp_path: Path) -> None:
    made = replace(made_runs.pipeline_run(), command="<script>alert(1)</script>", machine={"<b>": "&amp;"})
    page = page_of(made_runs.write(tmp_path, "<i>$x$", made))
    assert not page.all("script")
    assert not page.all("i")
    assert "<script>alert(1)</script>" in page.said
    assert "<b>: &amp;" in page.said


def test_without_the_templates(monkeypatch: pytest.MonkeyPatch, runs: list[Path]) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    with pytest.raises(MissingExtra, match=r"pricetime\[report\]"):
        report.page(load(runs))
