"""The page of a report in a real browser: it fits a phone, and its pictures are light or dark."""

from collections.abc import Iterator

import pytest

pytest.importorskip("selenium", reason="needs selenium: pip install '.[test]'")
pytest.importorskip("matplotlib", reason="needs the packages of a report: pip install '.[report]'")
pytest.importorskip("hdrh", reason="needs the packages of a report: pip install '.[report]'")
pytest.importorskip("jinja2", reason="needs the packages of a report: pip install '.[report]'")

from pricetime.load import report
from pricetime.load.figures import pictures
from pricetime.load.recording import load
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
    made = made_runs.load_run(histograms, saturation=made_runs.saturation())
    names = "a-run-with-a-long-name-for-a-narrow-page", "second"
    recordings = load([made_runs.write(folder, name, made, histograms) for name in names])
    page = folder / "report.html"
    page.write_text(report.page(recordings, pictures(recordings)), encoding="utf-8")
    return page.as_uri()


def test_a_phone_scrolls_only_down(chromium: Browser, address: str) -> None:
    chromium.shape(PHONE, 800)
    chromium.get(address)
    assert chromium.execute_script("return document.documentElement.scrollWidth") == PHONE


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pictures_are_light_or_dark_like_the_page(chromium: Browser, address: str, theme: str) -> None:
    chromium.shape(PHONE, 800, theme=theme)
    chromium.get(address)
    seen = chromium.execute_script("return getComputedStyle(document.querySelector('figure img')).filter")
    assert ("invert" in seen) is (theme == "dark")
