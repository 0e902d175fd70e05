"""``pricetime subscribe``: shows the books of an exchange live from its feed."""

from __future__ import annotations

from typing import Any

import click

from .place import Sectioned, shared


@click.command(cls=Sectioned)
@shared("feed_group", "feed_port", "feed_interface", "host", "recovery_port", "order_capacity")
@click.option(
    "--recovery/--no-recovery",
    default=True,
    help="Request missing reports. Without it a gap stays, so subscribe before the first report.",
)
@click.option(
    "--instrument",
    "instruments",
    type=click.IntRange(0),
    multiple=True,
    help="Show only this instrument; can be repeated.",
)
@click.option("--levels", type=click.IntRange(1), default=10, help="Price levels to show for each book.")
@click.option("--plain", is_flag=True, help="Print a line for each report instead of ladders.")
@click.option("--reports", type=click.IntRange(1), help="End after this many reports, once none is missing.")
@click.option("--seconds", type=click.FloatRange(0), help="End after this many seconds.")
@click.option(
    "--until-idle", type=click.FloatRange(0), metavar="SECONDS", help="End if no report arrives for this long."
)
def subscribe(**options: Any) -> None:
    """Show the live books of an exchange from its feed.

    \b
        pricetime subscribe
        pricetime subscribe --plain --until-idle 5

    Rebuilds every order of the books. Says when reports are missing, when the feed is silent and when the books are
    complete again. Ends with Ctrl-C, or at the first of --reports, --seconds and --until-idle.

    Exit code 0: the books are complete. 1: they are not, the feed is silent, or nothing was received.
    """
    from .watch import Options, watch

    raise SystemExit(0 if watch(Options(**options)) else 1)
