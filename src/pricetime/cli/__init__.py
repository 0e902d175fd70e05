"""The command ``pricetime``. Each command is a file; what it needs beyond click is imported when it runs."""

from __future__ import annotations

import contextlib
import errno
import io
import sys
from typing import Any

import click

from ..errors import PricetimeError
from .admin import admin
from .demo import demo
from .follow import follow
from .generate import generate
from .info import info, print_version
from .journal import journal
from .latency import latency
from .load import load
from .market import market
from .memory import told
from .order import order
from .replay import replay
from .report import report
from .secret import secret
from .serve import serve
from .stop import CannotRun
from .subscribe import subscribe


class Commands(click.Group):
    """Errors that are meant for the reader end in one line and exit code 1, want of memory in one and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):  # what an encoding lacks is written as an escape
            if isinstance(stream, io.TextIOWrapper):
                with contextlib.suppress(OSError):  # a pipe that is open for both ways has no position to keep
                    stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except MemoryError as error:
            raise CannotRun(told(ctx.invoked_subcommand, error)) from error
        except PricetimeError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read our output has left: click ends quietly
                raise
            raise click.ClickException(f"{error.filename or 'input or output'}: {error.strerror or error}") from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """A limit order book with price-time priority.

    Start with `pricetime market`: it opens a market in your browser, and you can trade in it.
    `pricetime demo` runs a day of orders through the book and shows that every trade is right.
    """


for command in (
    market,
    demo,
    replay,
    generate,
    serve,
    admin,
    follow,
    load,
    latency,
    order,
    subscribe,
    journal,
    report,
    secret,
    info,
):
    main.add_command(command)
