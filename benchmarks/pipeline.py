"""``python -m benchmarks.pipeline``: measure what each stage adds, from matching alone to the exchange."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress

from pricetime.errors import PricetimeError
from pricetime.load import run_file
from pricetime.load.machine import describe

from . import report
from .build import NotCompiled, ready
from .exchange import PERCENTILES
from .pipeline_stages import Conditions, Seen, Stage, stages
from .rounds import no_collector

RESULTS = Path(__file__).parent / "results"

#: Targets of the whole pipeline.
TARGET_P99_US, TARGET_M_ORDERS = 50, 4.7


def measure(
    chosen: list[Stage], conditions: Conditions, rounds: int, advance: Callable[[], None] = lambda: None
) -> dict[str, list[Seen]]:
    """Run every stage in every round, in alternating order."""
    seen: dict[str, list[Seen]] = {stage.name: [] for stage in chosen}
    for done in range(rounds):
        for stage in chosen if done % 2 == 0 else chosen[::-1]:
            with no_collector():
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


def table_of(chosen: list[Stage], seen: dict[str, list[Seen]]) -> report.Rows:
    columns = ["stage", "M orders/s", "range", *(f"{name} us" for name in PERCENTILES)]
    table = report.Rows("From matching alone to the exchange", columns)
    for stage in chosen:
        rates = [turn.orders_per_s / 1e6 for turn in seen[stage.name]]
        latency_ns = median_ns(seen[stage.name])
        cells = [stage.name, report.number(float(np.median(rates)))]
        cells += [f"{report.number(min(rates))}-{report.number(max(rates))}"]
        cells += [report.number(latency_ns[name] / 1e3) if latency_ns else "" for name in PERCENTILES]
        table.rows.append(cells)
    return table


def command_of(arguments: list[str]) -> str:
    return shlex.join(["python", "-m", "benchmarks.pipeline", *arguments])


def run_of(
    chosen: list[Stage], seen: dict[str, list[Seen]], arguments: list[str], started_at: datetime
) -> run_file.PipelineRun:
    """Return the record that is written: see ``pricetime report``."""
    return run_file.PipelineRun(
        started_at=started_at.replace(microsecond=0),
        version=version("pricetime"),
        machine=describe(),
        command=command_of(arguments),
        stages=[
            run_file.Stage(
                name=stage.name,
                orders=seen[stage.name][0].orders,
                orders_per_s=float(np.median([turn.orders_per_s for turn in seen[stage.name]])),
                what=stage.what,
                command=command_of([*without_stages(arguments), "--stage", stage.name]),
                latency_ns=percentiles_of(median_ns(seen[stage.name])),
            )
            for stage in chosen
        ],
    )


def percentiles_of(latency_ns: dict[str, int] | None) -> run_file.Percentiles | None:
    if latency_ns is None:
        return None
    return run_file.Percentiles(**{name.replace(".", "_"): ns for name, ns in latency_ns.items()})


def without_stages(arguments: list[str]) -> list[str]:
    """Return the command line without its --stage options."""
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--stage":
            next(rest, None)
        elif not argument.startswith("--stage="):
            kept.append(argument)
    return kept


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--stage",
    "names",
    multiple=True,
    type=click.Choice([stage.name for stage in stages()]),
    help="Only this stage; repeatable [default: all].",
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Rounds.")
@click.option(
    "--orders",
    default=4_000_000,
    show_default=True,
    type=click.IntRange(1),
    help="Orders of a run at an unlimited rate; at most 1,000,000 of one-maker-per-taker.",
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
@click.option("--server-cpu", type=int, help="Processor of the engine's thread, or of the event loop.")
@click.option(
    "--load-cpu", type=int, help="Processor of the thread that fills the ring, or of load generator and subscriber."
)
@click.option(
    "--directory",
    default=Path("build"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the journals, which are removed afterwards; its disk is measured.",
)
@click.option(
    "--out",
    default=RESULTS / "pipeline",
    show_default="benchmarks/results/pipeline",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Writes OUT.json, for pricetime report, and OUT.md.",
)
def main(names: tuple[str, ...], rounds: int, out: Path, directory: Path, **given: Any) -> None:
    """Measure the pipeline stage by stage, in alternating runs.

    \b
    match             commands in memory through the books, in batches of 256
    match-encode      the flow one-maker-per-taker from a ring filled beforehand, in one thread
    ring              one thread fills the ring, the engine takes from it
    ring-journal      the same, each batch in the journal before it is executed
    exchange          TCP to multicast: server, load generator and subscriber are three processes
    exchange-memory   with a journal, level memory: acknowledged orders survive the process
    exchange-durable  level durable: acknowledged orders survive the machine

    The last three have two figures each: at --rate, for latency, and at an unlimited rate. The latency of single
    orders includes one reading of the clock; that of an exchange is tick to trade, from the recv that returned an
    order to the send of the datagram with its last report. Figures are medians over the rounds.
    """
    console = Console()
    console.width = max(console.width, report.WIDTH)
    started_at = datetime.now(UTC)
    chosen = [stage for stage in stages() if not names or stage.name in names]
    try:
        console.print("compiling the loops if needed", style="dim")
        ready()
        directory.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="pipeline-", dir=directory))
        try:
            with Progress(console=console, transient=True) as progress:
                task = progress.add_task("turns", total=rounds * len(chosen))
                conditions = Conditions(directory=folder, **given)
                seen = measure(chosen, conditions, rounds, lambda: progress.advance(task))
        finally:
            shutil.rmtree(folder)
    except (NotCompiled, PricetimeError, OSError) as failed:
        raise click.ClickException(str(failed)) from failed
    table = table_of(chosen, seen)
    console.print(report.drawn(table))
    for stage in chosen:
        console.print(f"{stage.name}: {stage.what}", style="dim", highlight=False)
    console.print(
        f"whole pipeline, targets: p99 < {TARGET_P99_US} us at 1 M orders/s, > {TARGET_M_ORDERS} M orders/s",
        style="dim",
    )
    write(table, run_of(chosen, seen, sys.argv[1:], started_at), out)
    console.print(f"written to {out}.json and {out}.md", style="dim")


def write(table: report.Rows, run: run_file.PipelineRun, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    lines = [*report.markdown(table), "", *(f"- {stage.name}: {stage.what}" for stage in run.stages)]
    lines += ["", f"- command: {run.command}", *(f"- {key}: {text}" for key, text in run.machine.items())]
    Path(f"{out}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    run_file.write(Path(f"{out}.json"), run)


if __name__ == "__main__":
    main()
