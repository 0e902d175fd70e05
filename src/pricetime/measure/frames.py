"""What the pictures of runs have in common: panels below each other, one legend, axes of times and of rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .looks import Look, dress
from .units import count, duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Width of a picture and height of a single panel, and of one of several, in inches: legible on a phone.
WIDTH, ALONE, AMONG = 7.6, 3.8, 2.1

#: Left free around each panel.
PAD = 0.1

#: Height of one row of a legend.
ROW = 0.24

#: A legend has as many columns as names of this length, in characters, fit beside each other.
WIDE = 84


def canvas(look: Look, height: float) -> Figure:
    """An empty figure."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD)
    return Figure(figsize=(WIDTH, height), layout=engine, facecolor=look.ground)


def frame(
    look: Look, titles: Sequence[str], x: str, y: str = "", *, each: float = AMONG
) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a panel for each title, below each other, over the same x; over the same y where that is named.

    ``each``: the height of one of several.
    """
    figure = canvas(look, ALONE if len(titles) == 1 else 0.9 + each * len(titles))
    column = figure.subplots(len(titles), 1, sharex=True, sharey=bool(y), squeeze=False)[:, 0]
    axes_of: dict[str, Axes] = dict(zip(titles, column, strict=True))
    for title, axes in axes_of.items():
        dress(axes, look, title)
    column[-1].set_xlabel(x, color=look.ink)
    if y:
        figure.supylabel(y, color=look.ink, fontsize="medium")
    return figure, axes_of


def legend(figure: Figure, look: Look, more: Sequence[tuple[Any, str]] = ()) -> None:
    """Below the panels: every name once, those of lines without one left out; none where there is a single name."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    found.update({label: handle for handle, label in more})
    if len(found) < 2:
        return
    columns = max(1, min(len(found), 6, WIDE // (max(map(len, found)) + 6)))
    rows = -(-len(found) // columns)
    figure.set_figheight(figure.get_figheight() + ROW * rows)
    figure.legend(
        found.values(), found.keys(), loc="outside lower left", ncols=columns, frameon=False, labelcolor=look.ink
    )


def log_durations(axes: Axes, which: Literal["x", "y"]) -> None:
    """A logarithmic axis of times, with as many ticks as what was drawn on it needs."""
    from matplotlib.ticker import AutoLocator, LogLocator

    getattr(axes, f"set_{which}scale")("log")
    low, high = sorted(getattr(axes, f"get_{which}lim")())
    decades = np.log10(high / low)
    subs = (1.0,) if decades > 2 else (1.0, 2.0, 5.0)
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=subs, numticks=12) if decades > 0.8 else AutoLocator())
    axis.set_major_formatter(lambda ns, _: duration(ns))
    axes.minorticks_off()


def linear_rates(axes: Axes, which: Literal["x", "y"]) -> None:
    """An axis of rates that begins with 0: what is twice as high is twice as much."""
    getattr(axes, f"{which}axis").set_major_formatter(lambda per_s, _: count(per_s))
    _, high = getattr(axes, f"get_{which}lim")()
    getattr(axes, f"set_{which}lim")(0, high * 1.05)  # a constant rate is not the frame
