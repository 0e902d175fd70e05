"""Colour-blind readers can tell the colours apart; files depend only on the picture."""

import sys
from io import BytesIO
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from pricetime.extras import MissingExtra
from pricetime.load.styles import LINES, MARKERS, STYLES, drawing, line, save

Vector = NDArray[np.float64]

#: How red, green and blue appear with each colour blindness at full severity: Machado and others, 2009.
SEEN_BY = {
    "all": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])


def linear(colour: str) -> Vector:
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    found: Vector = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return found


def contrast(one: str, other: str) -> float:
    """As WCAG has it: 1 for the same, 21 for black on white."""
    dark, light = sorted(float(TO_XYZ[1] @ linear(colour)) for colour in (one, other))
    return (light + 0.05) / (dark + 0.05)


def lab(colour: str, seen_by: str) -> Vector:
    relative = TO_XYZ @ np.clip(SEEN_BY[seen_by] @ linear(colour), 0, 1) / WHITE
    f = np.where(relative > 0.008856, np.cbrt(relative), 7.787 * relative + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_everything_stands_out_from_the_ground() -> None:
    for name, shown in STYLES.items():
        assert contrast(shown.ink, shown.ground) > 7, name
        assert contrast(shown.muted, shown.ground) > 4.5, name
        assert min(contrast(colour, shown.ground) for colour in shown.series) >= 3, name


@pytest.mark.parametrize("seen_by", SEEN_BY)
@pytest.mark.parametrize("name", STYLES)
def test_any_two_series_are_told_apart(name: str, seen_by: str) -> None:
    for one, other in combinations(STYLES[name].series, 2):
        assert np.linalg.norm(lab(one, seen_by) - lab(other, seen_by)) > 14, (one, other)


def test_no_two_of_twenty_four_lines_are_the_same() -> None:
    for style in STYLES.values():
        drawn = {(style["color"], style["linestyle"]) for style in (line(style, number) for number in range(24))}
        assert len(drawn) == 24 == len(style.series) * len(LINES)
        assert len(MARKERS) == len(style.series)


def picture(suffix: str, title: str = "a $b$ c") -> bytes:
    from matplotlib.figure import Figure

    out = BytesIO()
    with drawing():
        figure = Figure(figsize=(2, 2))
        axes = figure.subplots()
        axes.plot([1, 2], [3, 4])
        axes.set_title(title)
        save(figure, out, suffix)
    return out.getvalue()


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_the_same_picture_is_the_same_bytes(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    first = picture(suffix)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setitem(matplotlib.rcParams, "lines.linewidth", 9.0)  # what the user set does not count
    assert picture(suffix) == first
    assert matplotlib.rcParams["lines.linewidth"] == 9.0


def test_a_dollar_is_a_dollar() -> None:
    pytest.importorskip("matplotlib")
    assert picture("svg", "$\\nosuchcommand$")


def test_a_name_that_the_font_does_not_have_is_no_warning() -> None:
    pytest.importorskip("matplotlib")
    assert picture("png", "名前")


def test_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtra, match=r"pricetime\[plot\]"), drawing():
        pass
