"""Prints the results of ``pricetime farm``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from ..farm.counts import histogram_of
from ..farm.result import Incident, Result
from .table import Column, Grid, figures, print_titled

NAME = Column(justify="left")

#: Shown of the times per command.
PERCENTAGES = (50, 99)


def verified(results: Sequence[Result], elapsed_s: float) -> None:
    """Print a row for each journal, then the totals and every fault."""
    table = Grid(
        NAME._replace(name="journal"), Column("commands"), Column("reports", 2), Column("snapshots", 3),
        Column("checksum", 2), Column("digest", 1), Column("ns per command", 3), NAME._replace(name="state"),
    )  # fmt: skip
    name = namer(results)
    for result in results:
        times = result.measured.get("ns_per_command", {})
        found = result.result or {}
        state = "FAULT" if result.errors else "stored" if result.stored else "good"
        table.add_row(
            name(result), count(result.read.get("last")), count(found.get("reports")),
            count(len(result.checked.get("compared", []))), found.get("report_checksum", ""), found.get("digest", ""),
            f"{histogram_of([times]).percentiles([50])[0]:,}" if times else "", state,
            style="bold" if result.errors else None,
        )  # fmt: skip
    print_titled("verified journals", table)
    totals = figures(2)
    commands = sum(result.checked.get("replayed", 0) for result in results)
    totals.add_row("journals", f"{len(results):,}")
    totals.add_row("with a fault", f"{sum(bool(result.errors) for result in results):,}")
    totals.add_row("commands replayed", f"{commands:,}")
    whole = histogram_of(result.measured.get("ns_per_command", {}) for result in results)
    for percentage, value in zip(PERCENTAGES, whole.percentiles(PERCENTAGES), strict=True):
        totals.add_row(f"ns per command, p{percentage}", f"{value:,}")
    _times(totals, results, elapsed_s)
    print_titled("all", totals)
    errors(results, name)


def ran(results: Sequence[Result], elapsed_s: float) -> None:
    """Print what the script returned for each journal."""
    name = namer(results)
    _returned(results, ["journal"], lambda result: [name(result)], elapsed_s)
    errors(results, name)


def swept(results: Sequence[Result], elapsed_s: float) -> None:
    """Print what the script returned for each combination of parameters."""
    names = list(results[0].task["parameters"])
    _returned(results, names, lambda result: [text(result.task["parameters"][name]) for name in names], elapsed_s)
    errors(results, lambda result: " ".join(f"{name}={value}" for name, value in result.task["parameters"].items()))


def _returned(
    results: Sequence[Result], heading: Sequence[str], begin: Callable[[Result], list[str]], elapsed_s: float
) -> None:
    """Print a table with a column for each value that the script returned."""
    names = list(dict.fromkeys(name for result in results for name in result.result or {}))
    table = Grid(*(NAME._replace(name=name) for name in heading), *(Column(name) for name in names))
    for result in results:
        if result.errors:
            table.add_row(*begin(result), *["error"] * min(1, len(names)), style="bold")
        else:
            table.add_row(*begin(result), *(text((result.result or {}).get(name)) for name in names))
    print_titled("results", table)
    totals = figures(2)
    totals.add_row("tasks", f"{len(results):,}")
    totals.add_row("with an error", f"{sum(bool(result.errors) for result in results):,}")
    _times(totals, results, elapsed_s)
    print_titled("all", totals)


def _times(totals: Grid, results: Sequence[Result], elapsed_s: float) -> None:
    stored = sum(result.stored for result in results)
    if stored:
        totals.add_row("taken from the file of results", f"{stored:,}")
    new = [result for result in results if not result.stored]
    totals.add_row("seconds of all workers", f"{sum(result.measured.get('seconds', 0) for result in new):,.1f}")
    totals.add_row("seconds", f"{elapsed_s:,.1f}")


def errors(results: Iterable[Result], name: Callable[[Result], str]) -> None:
    """Print every error with its task."""
    for result in results:
        for error in result.errors:
            click.echo(f"FAULT in {name(result)}: {error}")


def incidents(found: Iterable[Incident]) -> None:
    """Print both results of each incident on standard error."""
    for before, now in found:
        click.echo(f"INCIDENT: two results for one input, {what(now)}. One of them is wrong:", err=True)
        for result in (before, now):
            place = f"{result.measured.get('host')}, process {result.measured.get('pid')}"
            click.echo(f"  {result}  ({'stored, ' if result.stored else ''}{place})", err=True)


def what(result: Result) -> str:
    """What a task was about, in words."""
    about = result.task.get("journal") or " ".join(f"{n}={v}" for n, v in result.task["parameters"].items())
    return f"{result.task['kind']} {about}"


def namer(results: Sequence[Result]) -> Callable[[Result], str]:
    """Return what names the journal of a result: without the folders that all have in common."""
    paths = [Path(result.task["journal"]) for result in results]
    common = len(os.path.commonpath([path.parent for path in paths]).rstrip("/").split("/"))
    return lambda result: "/".join(Path(result.task["journal"]).parts[common:])


def count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def text(value: Any) -> str:
    """A value in a cell."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}"
    return "" if value is None else str(value)
