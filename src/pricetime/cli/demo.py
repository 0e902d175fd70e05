"""``pricetime demo``: a day of orders through the book, a real one where the tape is there."""

from __future__ import annotations

from pathlib import Path

import click

from .form import advise
from .place import shared_option

#: One session of CME's E-mini S&P 500 future, which may not be passed on with pricetime.
TAPE = "esh4-glbx-mdp3-20231225.mbo.dbn.zst"


@click.command()
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False, path_type=Path), envvar="PRICETIME_DATA", show_envvar=True,
    help="Folder with the tape [default: ../shared/data beside the repository].",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of synthetic orders.")
@shared_option("order_capacity", envvar=None, show_envvar=False)
@click.option("--exchange", is_flag=True, help="Start an exchange instead, and drive orders through it.")
@click.option(
    "--orders", type=click.IntRange(1), default=1_000_000, show_default=True, help="With --exchange: how many."
)
@click.option(
    "--directory", type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --exchange: where its journal is while it runs; 200 MB must be free [default: that of TMPDIR, or /tmp].",
)  # fmt: skip
@click.option("--rate", type=click.FloatRange(1), default=250_000, show_default=True, help="With --exchange: a second.")
def demo(
    data: Path | None,
    seed: int,
    order_capacity: int,
    exchange: bool,
    orders: int,
    rate: float,
    directory: Path | None,
) -> None:
    """Replay a real session and count the exchange's trades that the book reproduces.

    Where the tape is not there, a synthetic day takes its place: the same book runs it, and the reference book
    checks its first commands, report by report.

    With --exchange: a server with a journal, four clients and a subscriber. In the middle the server is killed and
    started again; every answer is counted and the books are compared. It needs 200 MB of free disk space.
    """
    if exchange:
        from .exchange_day import show_exchange

        show_exchange(orders, rate, seed, order_capacity, directory)
        return
    advise()
    from .replay import Options, run
    from .synthetic import show_day

    folder = data or repository().parent / "shared" / "data"
    tape = folder / TAPE
    if tape.is_file():
        run(tape, Options(order_capacity=order_capacity))
        return
    click.echo(f"No real tape here: this is a synthetic day. A real session would be replayed from\n{tape}\n")
    show_day(seed, order_capacity)


def repository() -> Path:
    """The folder of the source this runs from; of an installed package, the folder it is run in."""
    root = Path(__file__).parents[3]
    return root if (root / "pyproject.toml").is_file() else Path.cwd()
