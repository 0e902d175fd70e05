"""Draw the results: for every workload, a dot for each step."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pricetime.extras import require as require_extra
from pricetime.load.styles import STYLES, Style, drawing, dress, save

from .rounds import Figures
from .steps import STEPS
from .workloads import TARGETS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def require() -> None:
    """Check for matplotlib before minutes of measuring. Raises MissingExtra."""
    require_extra("matplotlib", "plot", "a picture (--no-picture skips it)")


def colours(style: Style) -> dict[str, str]:
    """Return the colours of the steps; the first, plain Python, is muted."""
    orange, purple, blue = style.series[1], style.series[3], style.series[0]
    return dict(zip(STEPS, (style.muted, orange, purple, blue), strict=True))


def draw(workloads: Sequence[Sequence[Figures]], folder: Path) -> list[Path]:
    """Write ``steps-light.png`` and ``steps-dark.png``."""
    paths = []
    with drawing():
        from matplotlib.figure import Figure

        for name, style in STYLES.items():
            figure = Figure(figsize=(11, 1.6 + 0.42 * len(workloads)), layout="constrained", facecolor=style.ground)
            rate, tail = figure.subplots(1, 2, sharey=True)
            draw_panel(rate, style, workloads, "million orders a second", lambda f: f.m_orders, lambda t: t.m_orders)
            draw_panel(
                tail, style, workloads, "p99 of one order, ns", lambda f: f.percentile_ns(99), lambda t: t.p99_ns
            )
            rate.set_yticks(range(len(workloads)), [figures[0].workload for figures in workloads])
            rate.invert_yaxis()
            handles, labels = rate.get_legend_handles_labels()
            legend = dict(zip(labels, handles, strict=True))
            figure.legend(
                legend.values(), legend.keys(), loc="outside upper center", ncols=len(legend), frameon=False,
                labelcolor=style.ink,
            )  # fmt: skip
            paths.append(folder / f"steps-{name}.png")
            save(figure, paths[-1], "png")
    return paths


def draw_panel(
    axes: Axes, style: Style, workloads: Sequence[Sequence[Figures]], title: str, value: Any, target: Any
) -> None:
    """Draw one measure on a logarithmic axis: a row per workload, a dot per step, a tick for the target."""
    axes.set_xscale("log")
    dress(axes, style, title, "x")
    axes.xaxis.set_major_formatter("{x:,.10g}")
    colour_of = colours(style)
    for row, figures in enumerate(workloads):
        found = [value(figure) for figure in figures]
        axes.plot([min(found), max(found)], [row, row], color=style.faint, linewidth=2, zorder=1)
        for figure, x in zip(figures, found, strict=True):
            label = f"{figure.step.number} {figure.step.name}"
            axes.scatter(x, row, s=52, color=colour_of[figure.step.name], label=label, zorder=2)
        if figures[0].workload in TARGETS:
            x = target(TARGETS[figures[0].workload])
            axes.scatter(x, row, s=130, marker="|", color=style.ink, label="target for the book", zorder=3)
