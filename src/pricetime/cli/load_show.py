"""What ``pricetime load`` prints: its progress, and the tables of its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import click

from ..address import text
from .table import Column, Grid, figures, print_titled

if TYPE_CHECKING:
    from ..load.run import Latencies, Result
    from ..load.run_file import Latency, Moment, Setting, Step
    from ..load.saturation import Search

#: Columns to leave out of a table that is too wide, the highest number first.
LEFT_OUT = {"p99.99": 3, "p90": 2, "commands": 1}

#: Seconds between two lines of progress.
LINE_S = 1.0


def progress(seconds: float) -> Callable[[Moment], None]:
    """A function that prints a line each second on standard error: call it with each interval of the run.

    The rates are those of the second, the latencies the worst of its intervals.
    """
    from ..load.units import duration, rate

    intervals: list[Moment] = []
    since = 0.0

    def add(interval: Moment) -> None:
        nonlocal since
        intervals.append(interval)
        took = interval.s - since
        if took >= LINE_S:
            sent, answered = (sum(getattr(each, name) for each in intervals) for name in ("sent", "answered"))
            worst = (
                f"{name} {duration(max(getattr(each, name) for each in intervals))}" for name in ("p50", "p99", "max")
            )
            rates = f"{rate(sent / took)} sent, {rate(answered / took)} answered"
            click.echo(f"{interval.s:.1f} of {seconds:g} s: {rates}, {', '.join(worst)}", err=True)
            since = interval.s
            intervals.clear()

    return add


def step_header() -> None:
    """Print the header of the steps of a search."""
    click.echo("".join(f"{name:>11}" for name in ("asked for", "sent", "answered", "p50", "p99", "p99.9", "max")))


def step(found: Step) -> None:
    """Print a step of a search."""
    from ..load.units import duration, rate

    cells = [rate(value) for value in (found.rate, found.sent_per_s, found.answered_per_s)]
    cells += [duration(value) for value in (found.p50, found.p99, found.p99_9, found.max)]
    click.echo(f"{''.join(f'{cell:>11}' for cell in cells)}  {'good' if found.good else 'bad'}")


def outcome(
    result: Result, settings: Mapping[str, Setting], search: Search | None, server: Mapping[str, Latencies]
) -> None:
    """Print the result of a run; of a search, its best step. ``server``: what the server measured, by interval."""
    from ..load.run import by_kind

    where = f"{text((settings['host'], settings['port']))}, {settings['sessions']} sessions"
    print_titled(
        f"{settings.get('tape') or settings['preset']} to {where}, acknowledgement level {settings['acknowledge']}",
        rates(result, search),
    )
    intervals = {"round_trip": result.latencies, **server}
    latencies({interval: by_kind(kinds) for interval, kinds in intervals.items()})


def rates(result: Result, search: Search | None) -> Grid:
    """The rates and counts of a run; of a search, those of its best step."""
    from ..load.units import duration

    table = figures(2)
    if search is not None:
        highest = f"{search.highest_rate:,.0f}" if search.highest_rate else "none"
        limit = duration(search.limit_p99_ns)
        table.add_row(f"highest rate with p99 within {limit}, orders/s", highest, style="bold")
        table.add_section()
    asked = f"{result.asked:,.0f}" if result.asked else "as fast as possible"
    table.add_row("asked for, orders/s", asked)
    table.add_row("sent, orders/s", f"{result.sent_per_s:,.0f}", style="bold")
    table.add_row("answered, orders/s", f"{result.answered_per_s:,.0f}")
    if not result.reached:
        reached = min(result.sent_per_s, result.answered_per_s)
        table.add_row("RATE NOT REACHED, orders/s", f"{reached:,.0f}", style="bold red")
    table.add_section()
    table.add_row("orders sent", f"{result.sent:,}")
    table.add_row("  answered", f"{result.answered:,}")
    table.add_row("  sent over 1 ms after due (late)", f"{result.late:,}")
    table.add_row("seconds", f"{result.seconds:.2f}")
    return table


def latencies(found: Mapping[str, Mapping[str, Latency]]) -> None:
    """Print a table of latencies, which are given by interval and kind."""
    from ..load.tables import latency_table

    table = latency_table({"": found})
    grid = Grid(
        *[
            Column(name, LEFT_OUT.get(name, 0), justify="left" if at < table.names else "right")
            for at, name in enumerate(table.columns)
        ]
    )
    for row in table.rows:
        grid.add_row(*row, style="bold" if row[1] == "all" else None)
    print_titled(table.title, grid)
