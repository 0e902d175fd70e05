"""The tables of ``pricetime load``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..address import text
from .table import Column, Grid, figures, print_titled

if TYPE_CHECKING:
    from ..load.run import Result
    from ..load.run_file import Latency, Setting
    from ..load.saturation import Search
    from ..native.histogram import Histogram

#: Titles of the tables of latencies.
INTERVALS = {
    "round_trip": "round trip, from due to answered",
    "tick_to_trade": "tick to trade, in the server",
    "match": "match, in the server",
}

#: Columns to leave out of a table that is too wide, the highest number first.
LEFT_OUT = {"p99.99": 4, "p90": 3, "mean": 2, "orders": 1}


def us(value_ns: float) -> str:
    """A time in us with about three digits."""
    value = value_ns / 1000
    return f"{value:,.1f}" if value < 1000 else f"{value:,.0f}"


def with_unit(value_ns: float) -> str:
    """A time with three digits and its unit."""
    size, unit = next((scale for scale in ((1e3, "us"), (1e6, "ms")) if value_ns < 999.5 * scale[0]), (1e9, "s"))
    value = value_ns / size
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f} {unit}"


def one_line(latency: Latency) -> str:
    """The main percentiles on one line."""
    names = {"p50": "p50", "p99": "p99", "p99_9": "p99.9", "max": "max"}
    return ", ".join(f"{word} {with_unit(getattr(latency, name))}" for name, word in names.items())


def outcome(
    result: Result, settings: Mapping[str, Setting], search: Search | None, server: Mapping[str, Histogram]
) -> None:
    """Print the result of a run; of a search, its best step."""
    where = f"{text((settings['host'], settings['port']))}, {settings['sessions']} sessions"
    print_titled(
        f"{settings.get('tape') or settings['preset']} to {where}, acknowledgement level {settings['acknowledge']}",
        rates(result, search),
    )
    from ..load.record import OF_SERVER, kinds_of

    parts = {"round_trip": result.latencies, **{name: kinds_of(server, name) for name in OF_SERVER}}
    for name, latencies in parts.items():
        if latencies:
            print_titled(INTERVALS[name], percentiles(latencies))


def rates(result: Result, search: Search | None) -> Grid:
    """The rates and counts of a run; of a search, those of its best step."""
    table = figures(2)
    if search is not None:
        highest = f"{search.highest_rate:,.0f}" if search.highest_rate else "none"
        limit = us(search.limit_p99_ns)
        table.add_row(f"highest rate with p99 within {limit} us, orders/s", highest, style="bold")
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


def percentiles(latencies: Mapping[str, Histogram]) -> Grid:
    """A row for each kind of command."""
    from ..load.run import by_kind
    from ..load.tables import POINTS

    names = [Column(name, LEFT_OUT.get(name, 0)) for name in ("orders", *POINTS.values())]
    table = Grid(Column(justify="left"), *names)
    for kind, found in by_kind(latencies).items():
        cells = [with_unit(getattr(found, name)) if found.count else "" for name in POINTS]
        table.add_row(kind, f"{found.count:,}", *cells, style="bold" if kind == "all" else None)
    return table
