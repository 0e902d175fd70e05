"""The results as tables on the terminal, as Markdown, and as values for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from .bytes_per_order import TARGET_BYTES, Weight
from .calls_per_second import TARGET_TIMES, Calls, m_calls
from .import_time import TARGET_MS, ImportTime
from .rounds import Figures, base_of
from .steps import BOOK
from .workloads import TARGETS

#: Width in characters of the widest table.
WIDTH = 128


@dataclass
class Rows:
    """The content of a table; the first ``names`` columns are text, the others numbers."""

    title: str
    columns: list[str]
    names: int = 1
    rows: list[list[str]] = field(default_factory=list)


def summary_table(workloads: Sequence[Sequence[Figures]]) -> Rows:
    """Return a line per workload: the rate of each step, and for the last one the ratio to the first and the p99."""
    steps = [figure.step for figure in workloads[0]]
    rates = [f"{step.number} {step.name}" for step in steps]
    table = Rows("Million orders a second", ["workload", *rates, "times", "p99 ns", "target"])
    for figures in workloads:
        base, last = base_of(figures), figures[-1]
        ratio = number(last.times_faster(base)) if base else ""
        rates = [number(figure.m_orders) for figure in figures]
        table.rows.append([last.workload, *rates, ratio, number(last.percentile_ns(99)), target_of(last)])
    return table


def orders_table(workloads: Sequence[Sequence[Figures]]) -> Rows:
    columns = ["workload", "step", "M orders/s", "ns", "times", "p50 ns", "p99 ns", "p99.9 ns", "max us", "always us"]
    table = Rows("All figures", [*columns, "target"], names=2)
    for figures in workloads:
        base = base_of(figures)
        for figure in figures:
            always = figure.slowest_always_ns
            table.rows.append(
                [
                    figure.workload,
                    f"{figure.step.number} {figure.step.name}",
                    number(figure.m_orders),
                    number(figure.ns),
                    number(figure.times_faster(base)) if base else "",
                    *(number(figure.percentile_ns(which)) for which in (50, 99, 99.9)),
                    number(figure.percentile_ns(100) / 1e3),
                    number(always / 1e3) if always is not None else "",
                    target_of(figure),
                ]
            )
    return table


def target_of(figure: Figures) -> str:
    target = TARGETS.get(figure.workload)
    if target is None or figure.step is not BOOK:
        return ""
    return f"{target.m_orders:g} / {target.p99_ns:g}"


def weights_table(weights: Sequence[Weight]) -> Rows:
    columns = ["step", "resting", "resident", "counted", "resident later", "counted later", "target"]
    table = Rows("Bytes for each resting order", columns)
    for w in weights:
        later = [optional(w.resident_after), optional(w.counted_after)]
        target = f"at most {TARGET_BYTES}" if w.step == BOOK.name else ""
        table.rows.append([w.step, f"{w.resting:,}", optional(w.resident), optional(w.counted), *later, target])
    return table


def calls_table(calls: Sequence[Calls]) -> Rows:
    columns = ["call", "OrderBook M/s", "plain Python M/s", "times", "target", "empty method M/s"]
    table = Rows("Calls from Python", columns)
    for each in calls:
        rates = [number(m_calls(ns)) for ns in (each.pricetime, each.plain, each.empty)]
        target = f"{TARGET_TIMES:g}" if each.name == "add_order, trades" else ""
        table.rows.append([each.name, rates[0], rates[1], number(each.times), target, rates[2]])
    return table


def imports_table(imports: ImportTime) -> Rows:
    table = Rows("Import", ["module", "ms", "target"])
    table.rows.append(["pricetime", f"{imports.pricetime:.0f}", f"under {TARGET_MS:g}"])
    table.rows.append(["of which numpy", f"{imports.numpy:.0f}", ""])
    return table


def number(value: float) -> str:
    """Format with three digits, or with all digits before the point; in millions from a million on."""
    if value >= 1e6:
        return f"{value / 1e6:,.3g}M"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1g}"


def optional(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def drawn(table: Rows) -> Table:
    out = Table(title=table.title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, column in enumerate(table.columns):
        out.add_column(column, justify="left" if index < table.names else "right", no_wrap=True)
    seen = None
    for row in table.rows:
        if table.names == 2 and seen not in {None, row[0]}:
            out.add_section()
        out.add_row(*row if row[0] != seen or table.names == 1 else ("", *row[1:]))
        seen = row[0]
    return out


def markdown(table: Rows) -> Iterator[str]:
    yield f"### {table.title}"
    yield ""
    yield f"| {' | '.join(table.columns)} |"
    yield "|" + "|".join("---" if index < table.names else "--:" for index in range(len(table.columns))) + "|"
    for row in table.rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def values(figure: Figures) -> dict[str, Any]:
    """Return one step on one workload for JSON: medians and the values behind them."""
    return {
        "workload": figure.workload,
        "step": figure.step.name,
        "m_orders": figure.m_orders,
        "ns": figure.ns,
        "p50_ns": figure.percentile_ns(50),
        "p99_ns": figure.percentile_ns(99),
        "p99.9_ns": figure.percentile_ns(99.9),
        "max_ns": figure.percentile_ns(100),
        "slowest_always_ns": figure.slowest_always_ns,
        "ns_of_turns": figure.ns_per_order,
        "percentiles_of_turns": figure.percentiles,
    }
