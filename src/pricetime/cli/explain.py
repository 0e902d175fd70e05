"""``pricetime explain DIR ORDER``: what happened to one order, from the journal of a server."""

from __future__ import annotations

import json
from pathlib import Path

import click

from .journal import FOLDER, commands_at_most, directory_of


@click.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("order", metavar="ORDER")
@click.option("--instrument", type=click.IntRange(0), help="Instrument id, if several have such an order.")
@click.option("--at", "sequence", type=click.IntRange(1), help="Explain it after this command.  [default: the newest]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def explain(folder: Path, order: str, instrument: int | None, sequence: int | None, *, as_json: bool) -> None:
    """Explain why an order did or did not trade.

    Replays the journal in DIR, the folder of `pricetime serve --journal DIR`, and prints when the order was accepted
    and with which terms, its place in the queue then and now, what traded ahead of it, its own trades, and why it ended
    or does not trade. It changes nothing and can run while the server runs.

    ORDER is OWNER:ID, with the id that the client gave, or the order's public reference.

    \b
        pricetime explain journal 3:7
        pricetime explain journal 3:7 --at 1000000
        pricetime explain journal 42 --json
    """
    from ..errors import InvalidOrderId
    from ..log.order_replay import OrderReplay, Wanted
    from .progress import track

    try:
        wanted = Wanted.parse(order, instrument)
    except InvalidOrderId as error:
        raise click.BadParameter(str(error), param_hint="ORDER") from error
    directory = directory_of(folder)
    replay = OrderReplay(directory, wanted, at=sequence, told=lambda error: click.echo(f"skipped: {error}", err=True))
    with track(f"replaying {folder}", commands_at_most(directory)) as advance:
        found = replay.run(progress=advance)
    click.echo(json.dumps(found.to_dict(), indent=2) if as_json else str(found))
