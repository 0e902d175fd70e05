"""The command ``pricetime``. Each subcommand is a file, which imports what it needs when it runs."""

from __future__ import annotations

import contextlib
import errno
import io
import sys
from itertools import chain
from typing import Any

import click

from ..errors import PricetimeError
from .admin import admin
from .cluster import cluster
from .demo import demo
from .explain import explain
from .farm import farm
from .follow import follow
from .generate import generate
from .info import info, print_version
from .journal import journal
from .latency import latency
from .load import load
from .market import market
from .memory import message
from .order import order
from .replay import replay
from .report import report
from .secret import secret
from .serve import serve
from .stop import CannotRun
from .subscribe import subscribe

#: The commands by purpose, as the help lists them.
SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "Try it": (market, demo),
    "Run an exchange": (serve, cluster, admin, secret, journal, follow),
    "Use an exchange": (order, subscribe),
    "Replay and generate orders": (replay, farm, explain, generate),
    "Measure an exchange": (load, latency, report),
    "This installation": (info,),
}


class Commands(click.Group):
    """Ends with one line instead of a traceback: exit code 1 for errors of pricetime, 2 if memory is short."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):  # write characters that the encoding lacks as escapes
            if isinstance(stream, io.TextIOWrapper):
                with contextlib.suppress(OSError):  # a pipe open for reading and writing has no position
                    stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except MemoryError as error:
            raise CannotRun(message(ctx.invoked_subcommand, error)) from error
        except PricetimeError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of our output is gone: click exits silently
                raise
            raise click.ClickException(f"{error.filename or 'input or output'}: {error.strerror or error}") from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        longest = max(map(len, self.commands))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                limit = formatter.width - 6 - longest
                formatter.write_dl([(str(one.name).ljust(longest), one.get_short_help_str(limit)) for one in commands])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Show the version and exit.",
)
def main() -> None:
    """An order book and an exchange for research and tests.

    \b
        pricetime market              # open a live market in your browser and trade in it
        pricetime demo                # match a day of orders and check the result
        pricetime serve --open        # run an exchange on this machine
        pricetime order add bid 5@100 # send it an order
        pricetime COMMAND --help      # what a command does, with examples
    """


for command in chain(*SECTIONS.values()):
    main.add_command(command)
