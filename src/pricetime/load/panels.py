"""What the pictures of runs share: panels below each other, a title above, a legend and notes below, and axes.

A picture is as wide as a phone shows it without scrolling: at 328 CSS pixels a point of its text is about one pixel.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from .styles import SMALL, Style, dress
from .units import count, duration

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

#: Width of a picture, height of a panel that stands alone, and of one of several, in inches.
WIDTH, ALONE, AMONG = 4.6, 2.9, 1.9

#: Height of what a panel needs beside its axes: tick labels and the label of the axis, in inches.
LABELS = 0.6

#: Space around each panel, in inches.
PAD = 0.08

#: Height of a row of the legend, of a line of the title and of a line of a note, in inches.
ROW, TITLE_LINE, NOTE_LINE = 0.21, 0.23, 0.165

#: Characters in a line of the title and of a note.
TITLE_CHARACTERS, NOTE_CHARACTERS = 40, 58

#: Characters in a row of the legend, and how many of them a marker and the space beside it count as.
LEGEND_CHARACTERS, HANDLE = 52, 7

#: The space a tick label needs on its axis, in inches.
TICK: Mapping[str, float] = {"x": 0.72, "y": 0.24}

#: A number before its unit, which belong on one line.
UNIT = re.compile(r"(\d) (?=(?:ns|µs|ms|s|%)(?!\w))")

#: Ticks within a decade, finest first, and the least distance between two of them in decades.
WITHIN = ((0.301, (1.0, 2.0, 5.0)), (0.477, (1.0, 3.0)))

#: More ticks than any axis has, so that matplotlib leaves none out.
ALL_TICKS = 100

#: An axis of times with fewer decades than this gets the ticks of a linear one.
FEW_DECADES = 0.8


def canvas(style: Style, height: float) -> Figure:
    """An empty figure. ``height``: of its panels, in inches; ``finish`` adds the rest."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    engine = ConstrainedLayoutEngine(w_pad=PAD, h_pad=PAD)
    return Figure(figsize=(WIDTH, height), layout=engine, facecolor=style.ground)


def stack(style: Style, titles: Sequence[str], x: str, y: str = "") -> tuple[Figure, dict[str, Axes]]:
    """A figure with one panel for each title, below each other, over the same x axis. ``y``: the label of the first.

    Set up the axes before ``finish``: the number of ticks follows from the height that the panels have now.
    """
    figure = canvas(style, LABELS + (ALONE if len(titles) == 1 else AMONG * len(titles)))
    column = figure.subplots(len(titles), 1, sharex=True, squeeze=False)[:, 0]
    axes_of: dict[str, Axes] = dict(zip(titles, column, strict=True))
    for title, axes in axes_of.items():
        dress(axes, style, title)
    column[-1].set_xlabel(x, color=style.ink)
    column[0].set_ylabel(y, color=style.ink)
    return figure, axes_of


def finish(
    figure: Figure, style: Style, title: str, notes: Sequence[str] = (), marks: Sequence[tuple[Any, str]] = ()
) -> None:
    """Write the title above the panels, the legend and the notes below them, and make room for these.

    The legend has each name of a line once, then ``marks``; a single name needs no legend.
    """
    named: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    named.update({name: handle for handle, name in marks})
    rows, columns = layout([len(name) for name in named]) if len(named) > 1 else (0, 1)
    lines = [line for note in notes for line in textwrap.wrap(UNIT.sub("\\1\N{NO-BREAK SPACE}", note), NOTE_CHARACTERS)]
    head = textwrap.wrap(title, TITLE_CHARACTERS)
    for_title = PAD + TITLE_LINE * len(head)
    for_notes = PAD + NOTE_LINE * len(lines) if lines else PAD
    foot = for_notes + (PAD + ROW * rows if rows else 0)
    panels = figure.get_figheight()
    height = for_title + panels + foot
    figure.set_figheight(height)
    engine: ConstrainedLayoutEngine = figure.get_layout_engine()  # type: ignore[assignment]  # canvas set it
    engine.set(rect=(0, foot / height, 1, panels / height))
    left = PAD / WIDTH
    figure.text(left, 1 - PAD / height, "\n".join(head), va="top", color=style.ink, weight="bold", size="large")
    figure.text(left, for_notes / height, "\n".join(lines), va="top", color=style.muted, size=SMALL)
    if rows:
        figure.legend(
            named.values(), named.keys(), loc="upper left", bbox_to_anchor=(left, foot / height), borderaxespad=0,
            borderpad=0, ncols=columns, frameon=False, labelcolor=style.ink,
        )  # fmt: skip


def layout(lengths: Sequence[int]) -> tuple[int, int]:
    """Rows and columns of a legend of names of these lengths: as few rows as fit, and as few columns as they need."""
    for rows in range(1, len(lengths)):
        columns = -(-len(lengths) // rows)
        if sum(max(column) + HANDLE for column in np.array_split(lengths, columns)) <= LEGEND_CHARACTERS:
            return rows, columns
    return len(lengths), 1


def length(axes: Axes, which: Literal["x", "y"]) -> float:
    """The length of an axis in inches, roughly: the tick labels beside it may still take some of it."""
    box, (width, height) = axes.get_position(), axes.get_figure(root=True).get_size_inches()  # type: ignore[union-attr]
    return float(box.width * width if which == "x" else box.height * height)


def log_durations(axes: Axes, which: Literal["x", "y"]) -> None:
    """A logarithmic axis of times, with as many tick labels as it has room for, and a grid line each decade."""
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


def linear_rates(axes: Axes, which: Literal["x", "y"]) -> None:
    """An axis of rates that begins at 0, with all its labels in one unit."""
    high = 1.05 * getattr(axes, f"get_{which}lim")()[1]  # a constant rate must not lie on the edge
    getattr(axes, f"set_{which}lim")(0, high)
    getattr(axes, f"{which}axis").set_major_formatter(lambda per_s, _: count(per_s, beside=high))
