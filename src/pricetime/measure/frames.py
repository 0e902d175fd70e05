"""What the pictures of runs have in common: panels below each other, one legend, axes of times and of rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .styles import Style, dress
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

#: Characters that fit beside each other in a legend, and as how many of them a line and its gaps count.
WIDE, HANDLE = 88, 8

#: What the name of a tick takes of its axis, and a character of one, in inches.
TICK: Mapping[str, float] = {"x": 0.72, "y": 0.24}
CHARACTER = 0.08

#: Ticks within a decade, finest first, and the least distance between two of them in decades.
WITHIN = ((0.301, (1.0, 2.0, 5.0)), (0.477, (1.0, 3.0)))

#: More ticks than any axis has, so that matplotlib leaves none out.
ALL_TICKS = 100

#: An axis of times that has fewer decades than this has the ticks of a linear one.
FEW_DECADES = 0.8


def canvas(style: Style, height: float) -> Figure:
    """An empty figure."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD)
    return Figure(figsize=(WIDTH, height), layout=engine, facecolor=style.ground)


def frame(
    style: Style, titles: Sequence[str], x: str, y: str = "", *, each: float = AMONG
) -> tuple[Figure, dict[str, Axes]]:
    """A figure with a panel for each title, below each other, over the same x; over the same y where that is named.

    ``each``: the height of one of several. The ticks of an axis are chosen for that height: ask for the legend last.
    """
    figure = canvas(style, ALONE if len(titles) == 1 else 0.9 + each * len(titles))
    column = figure.subplots(len(titles), 1, sharex=True, sharey=bool(y), squeeze=False)[:, 0]
    axes_of: dict[str, Axes] = dict(zip(titles, column, strict=True))
    for title, axes in axes_of.items():
        dress(axes, style, title)
    column[-1].set_xlabel(x, color=style.ink)
    if y and len(titles) > 1:
        figure.supylabel(y, color=style.ink, fontsize="medium")
    else:
        column[0].set_ylabel(y, color=style.ink)
    return figure, axes_of


def legend(figure: Figure, style: Style, more: Sequence[tuple[Any, str]] = ()) -> None:
    """Below the panels: every name once, those of lines without one left out; none where there is a single name."""
    found: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    found.update({label: handle for handle, label in more})
    if len(found) < 2:
        return
    rows, columns = layout([len(name) for name in found])
    figure.set_figheight(figure.get_figheight() + ROW * rows)
    figure.legend(
        found.values(), found.keys(), loc="outside lower left", ncols=columns, frameon=False, labelcolor=style.ink
    )


def layout(lengths: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of a legend of names of these lengths: as few rows as fit, and as few columns as they need."""
    for rows in range(1, len(lengths)):
        columns = -(-len(lengths) // rows)
        if sum(max(column) + HANDLE for column in np.array_split(lengths, columns)) <= WIDE:
            return rows, columns
    return len(lengths), 1


def length(axes: Axes, which: Literal["x", "y"]) -> float:
    """Of an axis, in inches, roughly: names at its side may still take some of it."""
    box, (width, height) = axes.get_position(), axes.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
    return float(box.width * width if which == "x" else box.height * height)


def log_durations(axes: Axes, which: Literal["x", "y"]) -> None:
    """A logarithmic axis of times, with as many named ticks as it has room for, and a line of the grid each decade."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    getattr(axes, f"set_{which}scale")("log")
    low, high = sorted(getattr(axes, f"get_{which}lim")())
    axis, decades, names = getattr(axes, f"{which}axis"), np.log10(high / low), length(axes, which) / TICK[which]
    axes.minorticks_off()
    if decades > FEW_DECADES:
        apart = decades / names
        within = next((places for least, places in WITHIN if least >= apart), (1.0,))
        axis.set_major_locator(LogLocator(10.0 ** max(1, np.ceil(apart)), within, numticks=ALL_TICKS))
        if apart > 1:
            axis.set_minor_locator(LogLocator(numticks=ALL_TICKS))
            axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(np.clip(int(names), 2, 6), steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(lambda ns, _: duration(ns))


def spaced(axes: Axes, ticks: dict[float, str]) -> dict[float, str]:
    """Ticks of a logarithmic x axis, from left to right, without those names that would run into the next one."""
    low, high = axes.get_xlim()
    decade = length(axes, "x") / np.log10(high / low)
    free, found = np.inf, {}
    for place, name in reversed(ticks.items()):
        middle, half = np.log10(place) * decade, CHARACTER * (len(name) + 1) / 2
        found[place] = name if middle + half <= free else ""
        free = middle - half if found[place] else free
    return dict(reversed(found.items()))


def linear_rates(axes: Axes, which: Literal["x", "y"]) -> None:
    """An axis of rates that begins with 0: what is twice as high is twice as much."""
    high = 1.05 * getattr(axes, f"get_{which}lim")()[1]  # a constant rate is not the frame
    getattr(axes, f"set_{which}lim")(0, high)
    getattr(axes, f"{which}axis").set_major_formatter(lambda per_s, _: count(per_s, beside=high))
