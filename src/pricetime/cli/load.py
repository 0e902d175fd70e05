"""``pricetime load``: orders at a rate to an exchange, and how long each took."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ..errors import PricetimeError
from .place import Sectioned, shared

PRESET, RATE = "balanced", 100_000.0

#: Seconds of a run, and of each step of a search.
SECONDS, STEP_SECONDS = 10.0, 2.0

LIMIT_P99_US = 1000.0

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


def ramp_of(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[float, float] | None:
    """Two rates, from FROM:TO."""
    if text is None:
        return None
    try:
        begin, end = map(float, text.split(":"))
    except ValueError:
        raise click.BadParameter(f"{text!r} is no ramp: give two rates, as 1000:1000000") from None
    if not (begin > 0 and end > 0):
        raise click.BadParameter(f"{text!r} is no ramp: both rates must be above 0")
    return begin, end


@click.command(cls=Sectioned)
@shared("host", "port", "owner", "secrets_file", owner="The first to log in; the others follow in number.")
@click.option(
    "--rate",
    type=click.FloatRange(0),
    default=RATE,
    show_default=True,
    help="Orders a second; 0: as fast as it goes, a million for each second.",
)
@click.option(
    "--ramp", callback=ramp_of, metavar="FROM:TO", help="Instead: from one rate to another, evenly over the seconds."
)
@click.option("--saturate", is_flag=True, help="Instead: search, from --rate on, for the highest rate within a limit.")
@click.option(
    "--limit-p99-us",
    type=click.FloatRange(0, min_open=True),
    default=LIMIT_P99_US,
    show_default=True,
    help="The limit of that search: so many us at the 99th percentile.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, min_open=True),
    help=f"How long; of a search, each step. [default: {SECONDS:g}; {STEP_SECONDS:g}]",
)
@click.option(
    "--sessions",
    type=click.IntRange(1, 1024),
    default=4,
    show_default=True,
    help="Connections that the orders are shared out to.",
)
@click.option("--preset", default=PRESET, show_default=True, help="Order flow: pricetime generate --list names them.")
@click.option("--tape", type=EXISTING, help="Instead: the orders of a tape, Databento or LOBSTER, again and again.")
@click.option("--tape-instrument", type=click.IntRange(0), help="Which one, of a tape with several.")
@click.option("--instrument", type=click.IntRange(0), default=1, show_default=True, help="Id at the exchange.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="The same seed, the same flow.")
@click.option("--spin", is_flag=True, help="Never sleep: where a processor is free for the generator alone.")
@click.option("--cpu", type=click.IntRange(0), help="Run on this processor alone.")
@click.option("--out", type=FILE, metavar="RUN", help="Write RUN.json and RUN.hlog.")
@click.option(
    "--server-latency", type=FILE, metavar="FILE",
    help="The .hlog that the server writes when it stops: its latencies go into RUN too.",
)  # fmt: skip
@click.pass_context
def load(context: click.Context, /, **options: Any) -> None:
    """Drive an exchange with orders at a rate, and print how long each took.

    The load is open loop: every order has its time, whatever the exchange does, and its latency counts from then. So a
    stall shows in every order that it delayed. Orders that the generator itself could not send in time are counted as
    late, and a rate that was not reached is named with the one that was.

    First the book is filled, which is not measured. The orders rest, trade, are cancelled and replaced; the table has
    a row for each. What rests is cancelled when the sessions end, unless the exchange is told otherwise.

    \b
        pricetime serve --open
        pricetime load --rate 200000 --seconds 10 --out run
        pricetime load --ramp 10000:1000000 --seconds 20
        pricetime load --saturate --limit-p99-us 500

    Exit code 1: the rate was not reached, or no rate was within the limit. 2: the exchange is not there, refused a
    login, or was lost; what was measured until then is in RUN.
    """
    _check(context, options)
    seconds = options.pop("seconds") or (STEP_SECONDS if options["saturate"] else SECONDS)
    from .load_run import Options, run

    with told_in_a_line():
        code = run(Options(seconds=seconds, **options), command_of(sys.argv))
    raise SystemExit(code)


def _check(context: click.Context, options: dict[str, Any]) -> None:
    """Options that do not go together. Raises click.UsageError."""

    def given(*names: str) -> list[str]:
        default = click.core.ParameterSource.DEFAULT
        return [name for name in names if context.get_parameter_source(name) is not default]

    for first, others in (("ramp", ("rate", "saturate")), ("tape", ("preset", "seed"))):
        if given(first):
            for other in given(*others):
                raise click.UsageError(f"--{first} takes the place of --{other}: give one of them")
    if options["saturate"] and not options["rate"]:
        raise click.UsageError("--saturate begins with --rate: give one above 0")
    if given("limit_p99_us") and not options["saturate"]:
        raise click.UsageError("--limit-p99-us is the limit of --saturate: give both")
    if given("tape_instrument") and not options["tape"]:
        raise click.UsageError("--tape-instrument belongs to --tape")
    if given("server_latency") and not options["out"]:
        raise click.UsageError("--server-latency goes into RUN: give --out RUN too")
    last = options["owner"] + options["sessions"] - 1
    if last > 65535:
        raise click.UsageError(
            f"{options['sessions']} sessions from --owner {options['owner']} on: owners end at 65535"
        )


def command_of(arguments: list[str]) -> str:
    """This command as it was typed."""
    return shlex.join(["pricetime", *arguments[1:]])


@contextmanager
def told_in_a_line() -> Iterator[None]:
    """What keeps a run from being made is one line, and exit code 2."""
    from .load_run import NotMeasured

    try:
        yield
    except PricetimeError as error:
        raise NotMeasured(str(error)) from error
    except MemoryError as error:
        raise NotMeasured("no memory for so many orders: give fewer --seconds or a lower --rate") from error
