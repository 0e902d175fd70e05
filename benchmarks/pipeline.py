"""``python -m benchmarks.pipeline``: measure what each stage adds, from matching alone to the exchange."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from pricetime.errors import PricetimeError
from pricetime.load.tables import Table

from .books import alternately
from .build import NotCompiled, ready
from .exchange import PERCENTILES
from .pipeline_stages import Conditions, Seen, Stage, stages
from .report import (
    RESULTS,
    directory_option,
    load_cpu_option,
    median,
    number,
    progress,
    publish,
    rounds_option,
    server_cpu_option,
    spread,
    wide_console,
)  # fmt: skip


def measure(
    chosen: list[Stage], conditions: Conditions, rounds: int, advance: Callable[[], None] = lambda: None
) -> dict[str, list[Seen]]:
    """Run every stage in every round, in alternating order."""
    seen: dict[str, list[Seen]] = {stage.name: [] for stage in chosen}
    for stage in alternately(rounds, chosen):
        seen[stage.name].append(stage.measure(conditions))
        advance()
    return seen


def median_ns(turns: list[Seen]) -> dict[str, int] | None:
    """Return the median over the rounds of each percentile; for ``max`` the maximum."""
    taken = [turn.latency_ns for turn in turns if turn.latency_ns is not None]
    if not taken:
        return None
    found = {name: round(float(np.median([turn[name] for turn in taken]))) for name in PERCENTILES}
    return {**found, "max": max(turn["max"] for turn in taken)}


def table_of(seen: dict[str, list[Seen]]) -> Table:
    columns = ["stage", "M orders/s", "range", *(f"{name} us" for name in PERCENTILES)]
    table = Table("From matching alone to the exchange", columns)
    for name, turns in seen.items():
        rates = [turn.orders_per_s / 1e6 for turn in turns]
        latency_ns = median_ns(turns)
        latency = [number(latency_ns[which] / 1e3) if latency_ns else "" for which in PERCENTILES]
        table.rows.append([name, median(rates), spread(rates), *latency])
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--stage",
    "names",
    multiple=True,
    type=click.Choice([stage.name for stage in stages()]),
    help="Only this stage; repeatable [default: all].",
)
@rounds_option(3)
@click.option(
    "--orders",
    default=4_000_000,
    show_default=True,
    type=click.IntRange(1),
    help="Orders of a run at an unlimited rate.",
)
@click.option(
    "--rate",
    default=1e6,
    show_default=True,
    type=click.FloatRange(1),
    help="Orders a second of the runs that measure latency.",
)
@click.option(
    "--seconds", default=10.0, show_default=True, type=click.FloatRange(0.001), help="Duration of a run at --rate."
)
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64), help="Clients of the exchange.")
@server_cpu_option
@load_cpu_option
@directory_option
@click.option(
    "--out",
    default=RESULTS / "pipeline",
    show_default="benchmarks/results/pipeline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Writes OUT.md and OUT.json.",
)
def main(names: tuple[str, ...], rounds: int, out: Path, directory: Path, **given: Any) -> None:
    """Measure the pipeline stage by stage, in alternating runs.

    \b
    match             the flow balanced from memory, in one thread
    match-encode      the same with one-maker-per-taker
    exchange          TCP to multicast: server, load generator and subscriber are three processes
    exchange-memory   with a journal, level memory: acknowledged orders survive the process
    exchange-durable  level durable: acknowledged orders survive the machine

    The last three have two figures each: at --rate, for latency, and at an unlimited rate. The latency of single
    orders includes one reading of the clock; that of an exchange is tick to trade, from the recv that returned an
    order to the send of the datagram with its last report. Figures are medians over the rounds.

    Without an exchange --server-cpu is the processor of the thread that executes.
    """
    console = wide_console()
    chosen = [stage for stage in stages() if not names or stage.name in names]
    try:
        console.print("compiling the loops if needed", style="dim")
        ready()
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="pipeline-", dir=directory) as folder, progress(console) as shown:
            task = shown.add_task("turns", total=rounds * len(chosen))
            conditions = Conditions(directory=Path(folder), **given)
            seen = measure(chosen, conditions, rounds, lambda: shown.advance(task))
    except (NotCompiled, PricetimeError, OSError) as failed:
        raise click.ClickException(str(failed)) from failed
    whats = {stage.name: f"{stage.name}: {stage.what}" for stage in chosen}
    publish(console, "benchmarks.pipeline", [table_of(seen)], out.parent, out.name, **whats)


if __name__ == "__main__":
    main()
