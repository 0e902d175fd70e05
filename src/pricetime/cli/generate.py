"""``pricetime generate``: writes synthetic order flow to a file."""

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
    """Print the presets and exit."""
    if wanted:
        from ..tape.flow import PRESETS

        for name, flow in PRESETS.items():
            click.echo(f"{name:<22}{flow.description}")
        context.exit()


@click.command()
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=list_presets, help="List the presets and exit."
)
@click.argument("preset")
@click.option("-n", "count", type=click.IntRange(1), default=1_000_000, help="Commands to generate.")
@click.option("--seed", type=click.IntRange(0), default=0, help="An equal seed gives an equal flow.")
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File to write: .npy, .csv or .parquet.",
)
@click.option(
    "--prelude/--no-prelude", default=True, help="Begin with orders that fill the book; -n does not count them."
)
def generate(preset: str, count: int, seed: int, out: Path, *, prelude: bool) -> None:
    """Write synthetic orders to a file.

    PRESET names the order flow; --list shows the presets. The command writes while it generates, so only the disk
    limits the length of the flow. A book can apply a .npy file directly:

    \b
        pricetime generate --list
        pricetime generate balanced -n 1000000 --seed 1 --out day.npy
        python -c 'import numpy, pricetime; book = pricetime.OrderBook(); book.apply(numpy.load("day.npy"))'
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
