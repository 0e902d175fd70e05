"""``pricetime demo``: tells a day at an exchange, and matches the orders of a recorded or a synthetic day."""

from __future__ import annotations

from pathlib import Path

import click

from .form import advise
from .place import shared_option

#: One session of CME's E-mini S&P 500 future. Its licence does not allow pricetime to include it.
TAPE = "esh4-glbx-mdp3-20231225.mbo.dbn.zst"


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="PRICETIME_DATA",
    show_envvar=True,
    help="Folder with the tape.  [default: the current folder; in a checkout ../shared/data]",
)
@click.option("--seed", type=click.IntRange(0), default=1, help="Seed of the synthetic orders.")
@shared_option("order_capacity", envvar=None, show_envvar=False)
@click.option("--exchange", is_flag=True, help="Run an exchange and kill it in the middle instead.")
@click.option("--cluster", is_flag=True, help="Run a cluster, and kill its leader and a NATS server instead.")
@click.option("--orders", type=click.IntRange(1), default=1_000_000, help="With --exchange: how many orders to send.")
@click.option(
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="With --exchange, --cluster: folder for the data; 200 MB.  [default: the folder for temporary files]",
)
@click.option("--rate", type=click.FloatRange(1), default=250_000, help="With --exchange: orders per second.")
def demo(
    data: Path | None,
    seed: int,
    order_capacity: int,
    exchange: bool,
    cluster: bool,
    orders: int,
    rate: float,
    directory: Path | None,
) -> None:
    """Match a day of orders and check the result.

    First tells a day with an opening auction, stop orders, icebergs, a volatility interruption and a closing auction,
    step by step. Then, if the tape of a real CME session is present, replays it and counts the trades that the book
    reproduces exactly. Otherwise generates a synthetic day and checks its first commands against the reference book,
    report by report.

    With --exchange: the same day on a server with a journal, clients and a subscriber. In the middle of the day four
    clients send orders in a second instrument; the server is killed and started again. Then counts every answer and
    compares the books of the server, of the subscriber and of a replay of the journal. Needs 200 MB of free disk space.

    With --cluster: three nodes and three NATS servers on this machine, with clients and a subscriber. The leader is
    killed, the next one suspended until a third node leads and then continued, a NATS server killed and started again.
    Then counts every acknowledged order and compares all books. Takes a minute.

    \b
        pricetime demo
        pricetime demo --exchange --orders 200000
        pricetime demo --cluster
    """
    if cluster:
        from .cluster import one_line

        with one_line("pricetime demo --cluster"):
            from .cluster_day import show_cluster

            show_cluster(seed, directory)
        return
    if exchange:
        from .exchange_day import show_exchange

        show_exchange(orders, rate, seed, order_capacity, directory)
        return
    advise()
    from .day_book import show_day as tell_day
    from .replay import Options, run
    from .synthetic import show_day

    tell_day(seed)
    tape = (data or folder()) / TAPE
    if tape.is_file():
        run(tape, Options(order_capacity=order_capacity))
        return
    click.echo(f"There is no tape at {tape}, so this is a synthetic day.\n")
    show_day(seed, order_capacity)


def folder(package: Path = Path(__file__).parents[1]) -> Path:
    """The folder of the tape: of a source checkout the one beside it, for an installed package the current one."""
    root = package.parents[1]
    return root.parent / "shared" / "data" if (root / "pyproject.toml").is_file() else Path.cwd()
