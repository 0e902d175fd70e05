"""``pricetime load``: sends orders at a rate and measures latency."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from ..errors import PricetimeError
from .place import Sectioned, option, shared

PRESET, RATE = "balanced", 100_000.0

#: Seconds of a run and of each step of a search.
SECONDS, STEP_SECONDS = 10.0, 2.0

LIMIT_P99_US = 1000.0

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)

#: Headings of the help.
SPEED, ORDERS, GENERATOR, RESULT = "Rate and length", "Orders", "Load generator", "Result"


def ramp_of(_context: click.Context, _option: click.Parameter, text: str | None) -> tuple[float, float] | None:
    """Parse FROM:TO."""
    if text is None:
        return None
    try:
        begin, end = map(float, text.split(":"))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a ramp: give two rates, such as 1000:1000000") from None
    if not (begin > 0 and end > 0):
        raise click.BadParameter(f"{text!r} is not a ramp: both rates must be above 0")
    return begin, end


@click.command(cls=Sectioned)
@option(
    SPEED, "--rate", type=click.FloatRange(0), default=RATE, show_default=True,
    help="Orders per second. 0: as fast as possible, a million orders for each second.",
)  # fmt: skip
@option(SPEED, "--ramp", callback=ramp_of, metavar="FROM:TO", help="Raise the rate evenly, instead of --rate.")
@option(SPEED, "--saturate", is_flag=True, help="Search for the highest rate within a limit, beginning at --rate.")
@option(
    SPEED, "--limit-p99-us", type=click.FloatRange(0, min_open=True), default=LIMIT_P99_US, show_default=True,
    help="With --saturate: the limit of p99 in us.",
)  # fmt: skip
@option(
    SPEED, "--seconds", type=click.FloatRange(0, min_open=True),
    help=f"Length of the run, or of each step with --saturate.  [default: {SECONDS:g}; {STEP_SECONDS:g}]",
)  # fmt: skip
@option(
    ORDERS, "--sessions", type=click.IntRange(1, 1024), default=4, show_default=True,
    help="Connections that share the orders.",
)  # fmt: skip
@option(ORDERS, "--preset", default=PRESET, show_default=True, help="Order flow; pricetime generate --list shows all.")
@option(ORDERS, "--tape", type=EXISTING, help="Send the orders of a Databento or LOBSTER tape instead, in a loop.")
@option(ORDERS, "--tape-instrument", type=click.IntRange(0), help="Instrument id in a tape that has several.")
@option(
    ORDERS, "--instrument", type=click.IntRange(0), default=1, show_default=True, help="Instrument id at the exchange."
)
@option(
    ORDERS, "--seed", type=click.IntRange(0), default=0, show_default=True, help="An equal seed gives an equal flow."
)
@option(GENERATOR, "--spin", is_flag=True, help="Never sleep. Use it if the generator has a processor to itself.")
@option(GENERATOR, "--cpu", type=click.IntRange(0), help="Run on this processor only.")
@option(RESULT, "--out", type=FILE, metavar="RUN", help="Write RUN.json and RUN.hlog.")
@option(
    RESULT, "--server-latency", type=FILE, metavar="FILE",
    help="With --out: include this .hlog, which the server writes when it stops.",
)  # fmt: skip
@shared("host", "port", "owner", "secrets_file", owner="First owner to log in; the sessions count up from it.")
@click.pass_context
def load(context: click.Context, /, **options: Any) -> None:
    """Send orders at a rate and measure the latency.

    \b
        pricetime serve --open
        pricetime load --rate 200000 --seconds 10 --out run
        pricetime load --ramp 10000:1000000 --seconds 20
        pricetime load --saturate --limit-p99-us 500

    The generator is open loop: it sends each order when it is due and does not wait for answers. A latency counts from
    the moment the order was due, so a stall counts for every order that it delays. The result shows how many orders
    were late, sent over 1 ms after they were due, and whether the rate was reached.

    The run first fills the book, without measuring. When the sessions end, the exchange cancels what rests, unless it
    keeps orders on disconnect. Do not run this against an exchange whose books matter.

    Exit code 1: the rate was not reached, or no rate was within the limit. 2: the exchange cannot be reached, refused a
    login, or was lost; RUN has what was measured until then.
    """
    _check(context, options)
    seconds = options.pop("seconds") or (STEP_SECONDS if options["saturate"] else SECONDS)
    from .load_run import NotMeasured, Options, run

    try:
        code = run(Options(seconds=seconds, **options), shlex.join(["pricetime", *sys.argv[1:]]))
    except PricetimeError as error:
        raise NotMeasured(str(error)) from error
    except MemoryError as error:
        raise NotMeasured("not enough memory for so many orders: lower --seconds or --rate") from error
    raise SystemExit(code)


def _check(context: click.Context, options: dict[str, Any]) -> None:
    """Raise click.UsageError for options that exclude each other."""

    def given(*names: str) -> list[str]:
        default = click.core.ParameterSource.DEFAULT
        return [name for name in names if context.get_parameter_source(name) is not default]

    for first, others in (("ramp", ("rate", "saturate")), ("tape", ("preset", "seed"))):
        if given(first):
            for other in given(*others):
                raise click.UsageError(f"--{first} and --{other} exclude each other: give one of them")
    if options["saturate"] and not options["rate"]:
        raise click.UsageError("--saturate begins at --rate: give a rate above 0")
    if given("limit_p99_us") and not options["saturate"]:
        raise click.UsageError("--limit-p99-us needs --saturate: give both")
    if given("tape_instrument") and not options["tape"]:
        raise click.UsageError("--tape-instrument needs --tape: give both")
    if given("server_latency") and not options["out"]:
        raise click.UsageError("--server-latency needs --out RUN: give both")
    last = options["owner"] + options["sessions"] - 1
    if last > 65535:
        raise click.UsageError(
            f"{options['sessions']} sessions from --owner {options['owner']} on: the highest owner is 65535"
        )
