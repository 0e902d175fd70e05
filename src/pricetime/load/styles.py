"""Styles of pictures: light and dark, with colours that colour-blind readers can tell apart; files are reproducible."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from ..extras import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Style:
    """The colours of a picture. A test checks that each series has a contrast of at least 3 to the ground."""

    ground: str
    ink: str
    muted: str  #: for notes
    faint: str  #: for grids
    series: tuple[str, ...]  #: blue, orange, green, purple, yellow, cyan


STYLES = {
    "light": Style(
        "#ffffff", "#1f2328", "#6e7781", "#d8dee4", ("#0b6bcb", "#dd7711", "#116644", "#660066", "#555500", "#0099dd")
    ),
    "dark": Style(
        "#0d1117", "#e6edf3", "#8b949e", "#30363d", ("#58a6ff", "#cc8811", "#99ddbb", "#dd4499", "#eedd00", "#55ddff")
    ),
}

#: After every six series the line style changes, so that no two series have the same line.
LINES = ("-", "--", ":", "-.")
MARKERS = "osD^vP"

#: Make a file depend on its input only: no random ids, and a dollar sign in a name is just text.
SETTINGS = {
    "svg.hashsalt": "pricetime",
    "svg.fonttype": "path",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.titlesize": 10.5,
    "legend.fontsize": 10,
}

#: Size of the smallest text of a picture, in points.
SMALL = 9.5

#: Dots per inch of a PNG: two for each CSS pixel.
DPI = 144

#: Colours of a PNG: those of a picture, and the shades at the edges of its lines and letters.
COLOURS = 64


@contextmanager
def drawing() -> Iterator[None]:
    """The context in which figures are made and saved. Raises MissingExtra."""
    matplotlib: Any = require("matplotlib", "plot", "drawing pictures")
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a name with such a glyph is drawn with a box
        matplotlib.rcdefaults()  # ignore the user's matplotlibrc
        matplotlib.rcParams.update(SETTINGS)
        yield


def save(figure: Figure, to: Path | BinaryIO, suffix: str) -> None:
    """As "png" or "svg", without dates and versions; a PNG with few colours, so that its file is small."""
    if suffix == "svg":
        figure.savefig(to, format=suffix, metadata={"Date": None, "Creator": None})
        return
    from PIL import Image  # matplotlib needs it too

    out = BytesIO()
    figure.savefig(out, format=suffix, dpi=DPI)
    Image.open(out).convert("RGB").quantize(COLOURS).save(to, format=suffix, optimize=True)


def line(style: Style, index: int) -> dict[str, Any]:
    """Colour and line style of the series with this number."""
    round_, place = divmod(index, len(style.series))
    return {"color": style.series[place], "linestyle": LINES[round_ % len(LINES)]}


def dress(axes: Axes, style: Style, title: str, grid: str = "both") -> None:
    """Set the colours, the grid and the title of axes, without a frame."""
    axes.set_facecolor(style.ground)
    axes.set_title(title, loc="left", color=style.ink)
    axes.grid(axis=grid, which="both", color=style.faint, linewidth=0.8)  # type: ignore[arg-type]  # a literal
    axes.set_axisbelow(True)
    axes.minorticks_off()
    axes.tick_params(which="both", colors=style.ink, length=0)
    for label in (axes.xaxis.label, axes.yaxis.label):
        label.set_color(style.ink)
    for spine in axes.spines.values():
        spine.set_visible(False)
