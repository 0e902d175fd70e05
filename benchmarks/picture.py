"""The outcome as a picture: for every workload, where each step stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .rounds import Figures
from .steps import STEPS
from .workloads import TARGETS

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Look:
    ground: str
    ink: str
    faint: str
    steps: tuple[str, ...]  #: from the first step to the last


LOOKS = {
    "light": Look("#ffffff", "#1f2328", "#d8dee4", ("#8c959f", "#c77700", "#7a5fc4", "#0b6bcb")),
    "dark": Look("#0d1117", "#e6edf3", "#30363d", ("#7d8590", "#e3a03c", "#a78bfa", "#58a6ff")),
}


class NoMatplotlib(RuntimeError):
    """A picture was asked for and matplotlib is not installed."""


def require() -> None:
    """Find out before minutes of measuring. Raises NoMatplotlib."""
    if find_spec("matplotlib") is None:
        raise NoMatplotlib("pictures need matplotlib: pip install 'pricetime[plot]', or give --no-picture")


def draw(workloads: Sequence[Sequence[Figures]], folder: Path) -> list[Path]:
    """Write ``steps-light.png`` and ``steps-dark.png``."""
    from matplotlib.figure import Figure

    paths = []
    for name, look in LOOKS.items():
        figure = Figure(figsize=(11, 1.6 + 0.42 * len(workloads)), layout="constrained", facecolor=look.ground)
        rate, tail = figure.subplots(1, 2, sharey=True)
        draw_panel(rate, look, workloads, "million orders a second", lambda f: f.m_orders, lambda t: t.m_orders)
        draw_panel(tail, look, workloads, "p99 of one order, ns", lambda f: f.percentile_ns(99), lambda t: t.p99_ns)
        rate.set_yticks(range(len(workloads)), [figures[0].workload for figures in workloads])
        rate.invert_yaxis()
        handles, labels = rate.get_legend_handles_labels()
        legend = dict(zip(labels, handles, strict=True))
        figure.legend(
            legend.values(), legend.keys(), loc="outside upper center", ncols=len(legend), frameon=False,
            labelcolor=look.ink,
        )  # fmt: skip
        paths.append(folder / f"steps-{name}.png")
        figure.savefig(paths[-1], dpi=160)
    return paths


def draw_panel(
    axes: Axes, look: Look, workloads: Sequence[Sequence[Figures]], title: str, value: Any, target: Any
) -> None:
    """One measure on a logarithmic axis: a row for each workload, a dot for each step, a tick for the target."""
    axes.set_facecolor(look.ground)
    axes.set_xscale("log")
    axes.set_title(title, loc="left", color=look.ink, fontsize=11)
    axes.grid(axis="x", color=look.faint, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter("{x:,.10g}")
    axes.minorticks_off()
    axes.tick_params(colors=look.ink, length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    colours = dict(zip(STEPS, look.steps, strict=True))
    for row, figures in enumerate(workloads):
        found = [value(figure) for figure in figures]
        axes.plot([min(found), max(found)], [row, row], color=look.faint, linewidth=2, zorder=1)
        for figure, x in zip(figures, found, strict=True):
            label = f"{figure.step.number} {figure.step.name}"
            axes.scatter(x, row, s=52, color=colours[figure.step.name], label=label, zorder=2)
        if figures[0].workload in TARGETS:
            x = target(TARGETS[figures[0].workload])
            axes.scatter(x, row, s=130, marker="|", color=look.ink, label="target of the book", zorder=3)
