"""The page of a report in a real browser: it fits a phone, and shows light or dark pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("selenium", reason="needs selenium: pip install '.[test]'")
pytest.importorskip("matplotlib", reason="needs the packages of a report: pip install '.[report]'")
pytest.importorskip("hdrh", reason="needs the packages of a report: pip install '.[report]'")
pytest.importorskip("jinja2", reason="needs the packages of a report: pip install '.[report]'")

from pricetime.load import report
from pricetime.load.panels import WIDTH
from pricetime.load.recording import load
from pricetime.load.styles import SMALL
from tests.load import made_runs
from tools.browser import CHROMIUM, DRIVER, MISSING, Browser, browser

pytestmark = [pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason=MISSING), pytest.mark.xdist_group("page")]

#: Width of a small phone, in CSS pixels.
PHONE = 360


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as made:
        yield made


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    histograms = made_runs.few(200)
    paths: list[Path] = [made_runs.write(folder, "pipeline", made_runs.pipeline_run())]
    for name in ("a-run-with-a-long-name-for-a-narrow-page", "second"):
        made = made_runs.load_run(histograms, saturation=made_runs.saturation())
        paths.append(made_runs.write(folder, name, made, histograms))
    page = folder / "report.html"
    page.write_text(report.page(load(paths)), encoding="utf-8")
    return page.as_uri()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_scrolls_only_down_and_shows_one_picture_of_each(chromium: Browser, address: str, theme: str) -> None:
    chromium.shape(PHONE, 800, theme=theme)
    chromium.get(address)
    assert chromium.execute_script("return document.documentElement.scrollWidth") == PHONE
    shown = "return [...document.querySelectorAll('figure img')].filter(i => i.offsetWidth).map(i => i.className)"
    classes = chromium.execute_script(shown)
    assert set(classes) == {theme}
    assert len(classes) == len(chromium.find_elements("tag name", "figure"))


def test_text_in_pictures_is_legible_on_a_phone(chromium: Browser, address: str) -> None:
    chromium.shape(PHONE, 800)
    chromium.get(address)
    width = chromium.execute_script("return document.querySelector('figure img').offsetWidth")
    assert SMALL * width / (72 * WIDTH) > 9, "CSS pixels of the smallest text"


def test_no_table_scrolls_on_a_phone(chromium: Browser, address: str) -> None:
    chromium.shape(PHONE, 800)
    chromium.get(address)
    wide = "return [...document.querySelectorAll('.scroll')].filter(d => d.scrollWidth > d.clientWidth).length"
    assert chromium.execute_script(wide) == 0
