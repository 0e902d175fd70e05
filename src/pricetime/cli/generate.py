"""``pricetime generate``: synthetic order flow into a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..tape.command_file import Commands

CHUNK = 65_536


def list_presets(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print the presets and end."""
    if wanted:
        from ..tape.flow import PRESETS

        for name, flow in PRESETS.items():
            click.echo(f"{name:<22}{flow.description}")
        context.exit()


@click.command()
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=list_presets, help="List the presets and end."
)
@click.argument("preset")
@click.option("-n", "count", type=click.IntRange(1), default=1_000_000, show_default=True, help="Commands to generate.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed, the same flow.")
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write; its name ends in .npy, .csv or .parquet.",
)
@click.option(
    "--prelude/--no-prelude", default=True, show_default=True,
    help="Begin with the orders that fill the book, which -n does not count.",
)  # fmt: skip
def generate(preset: str, count: int, seed: int, out: Path, *, prelude: bool) -> None:
    """Write the order flow PRESET to a file of commands.

    The flow is seeded and is written as it is made, so its length is limited by the disk alone. What a .npy file
    holds goes straight into a book:

    \b
        pricetime generate balanced -n 1000000 --seed 1 --out day.npy
        book.apply(numpy.load("day.npy"))

    `pricetime generate --list` names the presets.
    """
    from ..tape import flow
    from ..tape.command_file import write_commands
    from ..tape.flow.stream import find
    from .progress import track

    wanted = find(preset)
    before = wanted.resting if prelude else 0
    parts = [flow.prelude(wanted, seed=seed, chunk=CHUNK)] if prelude else []
    parts.append(flow.generate(wanted, count, seed=seed, chunk=CHUNK))
    with track("generating", before + count) as advance:
        write_commands(out, _counted(chain(*parts), advance), before + count)
    click.echo(f"{out}: {count:,} commands" + (f" after {before:,} that fill the book" if prelude else ""))


def _counted(chunks: Iterable[Commands], advance: Callable[[int], None]) -> Iterator[Commands]:
    for chunk in chunks:
        yield chunk
        advance(len(chunk))
