"""Results as tables: on the terminal, as Markdown and as JSON, with the machine and the command that gave them."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Drawn

from pricetime.load.machine import describe
from pricetime.load.tables import Table

#: Width in characters of the widest table.
WIDTH = 128

RESULTS = Path(__file__).parent / "results"

#: The options that benchmarks share.
output_option = click.option(
    "--output",
    default=RESULTS,
    show_default="benchmarks/results",
    type=click.Path(path_type=Path),
    help="Folder to write to.",
)
directory_option = click.option(
    "--directory",
    default=Path("build"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for journals, which are removed afterwards; its disk is measured.",
)
server_cpu_option = click.option("--server-cpu", type=int, help="Processor of the event loop.")
load_cpu_option = click.option("--load-cpu", type=int, help="Processor of load generator and subscriber.")


def rounds_option(default: int, least: int = 1) -> Callable[[Any], Any]:
    return click.option("--rounds", default=default, show_default=True, type=click.IntRange(least), help="Rounds.")


def number(value: float) -> str:
    """Format with three digits, or with all digits before the point; in millions from a million on."""
    if value >= 1e6:
        return f"{value / 1e6:,.3g}M"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 else f"{value:.1g}"


def median(values: Sequence[float]) -> str:
    return number(float(np.median(values)))


def spread(values: Sequence[float]) -> str:
    """Return minimum and maximum over the rounds."""
    return f"{number(min(values))}-{number(max(values))}"


def wide_console() -> Console:
    console = Console()
    console.width = max(console.width, WIDTH)
    return console


def progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True)


def drawn(table: Table) -> Drawn:
    out = Drawn(title=table.title, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for index, column in enumerate(table.columns):
        out.add_column(column, justify="left" if index < table.names else "right", no_wrap=True)
    for row in table.rows:
        out.add_row(*row)
    return out


def markdown(table: Table) -> Iterator[str]:
    yield f"### {table.title}"
    yield ""
    yield f"| {' | '.join(table.columns)} |"
    yield "|" + "|".join("---" if index < table.names else "--:" for index in range(len(table.columns))) + "|"
    for row in table.rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def show_machine() -> None:
    """Print what is measured on."""
    for name, value in describe().items():
        print(f"  {name:<26}{value}")


def publish(console: Console, module: str, tables: Sequence[Table], folder: Path, name: str, **notes: str) -> None:
    """Print tables and write them to ``name.md`` and ``name.json``, with machine, command and notes."""
    made_by = {"command": shlex.join(["python", "-m", module, *sys.argv[1:]]), **notes, **describe()}
    for table in tables:
        console.print(drawn(table))
    folder.mkdir(parents=True, exist_ok=True)
    lines = [line for table in tables for line in markdown(table)]
    lines += [f"- {key}: {value}" for key, value in made_by.items()]
    Path(folder, f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    everything = {**made_by, "tables": [asdict(table) for table in tables]}
    Path(folder, f"{name}.json").write_text(json.dumps(everything, indent=1) + "\n", encoding="utf-8")
    for note in notes.values():
        console.print(note, style="dim", highlight=False)
    console.print(f"written to {folder / name}.md and {name}.json", style="dim")
