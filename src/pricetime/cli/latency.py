"""``pricetime latency``: percentiles of .hlog files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..native.histogram import Histogram

#: The percentiles that are shown, by name.
SHOWN = {"P50": 50, "P90": 90, "P99": 99, "P99.9": 99.9, "P99.99": 99.99, "max": 100}

#: Columns to leave out of a table that is too wide, the highest number first.
LEFT_OUT = {"P99.99": 3, "P90": 2, "commands": 1}


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def latency(files: tuple[Path, ...]) -> None:
    """Show latency percentiles of .hlog files.

    `pricetime serve --latency-log` and `pricetime load --out` write such files. The table has a row for each interval
    and for each kind of command in it, in microseconds: P99 is the time that 99 % of the commands did not exceed.
    Several files are added together.

    \b
        pricetime latency run.hlog
    """
    from ..native.hlog import read

    found: dict[str, Histogram] = {}
    for file in files:
        for name, histogram in read(file).items():
            if name in found:
                found[name].merge(histogram)
            else:
                found[name] = histogram
    if not any(histogram.count for histogram in found.values()):
        names = ", ".join(file.name for file in files)
        raise click.ClickException(f"{names} has no latencies: give .hlog files of a run that had orders")
    show(found)


def show(found: dict[str, Histogram]) -> None:
    """Print a table of histograms."""
    from .table import Column, Grid, print_titled

    names = [Column(name, LEFT_OUT.get(name, 0)) for name in ("commands", *SHOWN)]
    table = Grid(Column(justify="left"), *names)
    for name, histogram in rows(found):
        table.add_row(name, f"{histogram.count:,}", *map(in_us, histogram.percentiles(tuple(SHOWN.values()))))
    print_titled("latency, us", table)


def in_us(ns: int) -> str:
    """A time in microseconds with about three digits."""
    us = ns / 1000
    return f"{us:,.2f}" if us < 100 else f"{us:,.1f}" if us < 1000 else f"{us:,.0f}"


def rows(found: dict[str, Histogram]) -> Iterator[tuple[str, Histogram]]:
    """The rows: each interval with all kinds together, then each of its kinds that has commands."""
    intervals: dict[str, dict[str, Histogram]] = {}
    for name, histogram in found.items():
        interval, _, kind = name.partition(".")
        if histogram.count:
            intervals.setdefault(interval, {})[kind] = histogram
    for interval, kinds in intervals.items():
        every, *others = kinds.values()
        every = every.copy()
        for other in others:
            every.merge(other)
        yield interval.replace("_", " "), every
        for kind, histogram in kinds.items():
            if kind:
                yield f"  {kind}", histogram
