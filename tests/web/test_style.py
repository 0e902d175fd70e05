"""Text on the page has a contrast of 4.5 or more in both themes, as WCAG 2 defines contrast."""

import re

import pytest

from pricetime.web.app import read_files

TEXT = read_files()["page.css"][0].decode()

#: Colours of text, and the backgrounds that each stands on.
PAIRS = {
    "ink": ("page", "panel", "row", "band", "bid-bar", "ask-bar"),
    "quiet": ("page", "panel", "row", "bid-bar", "ask-bar"),
    "bid": ("panel", "row", "bid-bar"),
    "ask": ("panel", "row", "ask-bar"),
    "good": ("panel", "row", "band"),
    "warn": ("panel", "row", "warn-back"),
    "on-fill": ("bid", "ask"),
}


def themes() -> dict[str, dict[str, str]]:
    """The custom properties of each theme: the dark one has its own for all colours."""
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\}", TEXT, re.S)
    )
    return {"light": light, "dark": dark}


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_the_contrast_of_known_colours() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_both_themes_have_every_colour() -> None:
    light, dark = themes().values()
    assert light.keys() == dark.keys()
    assert set(PAIRS) | {back for backs in PAIRS.values() for back in backs} <= light.keys()


def test_colours_have_names_and_no_other_are_used() -> None:
    rules = re.sub(r":root \{.*?\}", "", TEXT, flags=re.S)
    assert not re.search(r"#[0-9a-f]{3,8}\b|rgb|hsl", rules)
    assert set(re.findall(r"[^-]color: var\(--([\w-]+)\)", rules)) <= set(PAIRS)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "back"), [(text, back) for text, backs in PAIRS.items() for back in backs])
def test_text_can_be_read(theme: str, text: str, back: str) -> None:
    colours = themes()[theme]
    assert contrast(colours[text], colours[back]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_edges_of_fields_and_the_focus_can_be_seen(theme: str) -> None:
    colours = themes()[theme]
    assert contrast(colours["quiet"], colours["panel"]) >= 3
    assert contrast(colours["bid"], colours["panel"]) >= 3
