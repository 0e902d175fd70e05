"""``pricetime market``: a market that moves, in the browser."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from ..extras import require
from ..market.options import SYMBOLS, Options
from ..prices import price_unit
from .place import Read
from .serve import one_line_errors

if TYPE_CHECKING:
    from ..market.session import MarketSession

#: Most instruments of a market, and most bytes of a symbol.
MOST_INSTRUMENTS, SYMBOL_BYTES = 8, 16

#: Most orders a second of the background traders: each is made in Python.
MOST_RATE = 2_000

PORT = click.IntRange(0, 65535)


def symbols_of(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """The instruments that the user names, or those of the default."""
    for symbol in given:
        if not symbol or len(symbol.encode()) > SYMBOL_BYTES or not symbol.isprintable() or set(symbol) & set(",;="):
            raise click.BadParameter(f"{symbol!r}: give a name of 1 to {SYMBOL_BYTES} bytes without , ; and =")
    if len(given) > MOST_INSTRUMENTS:
        raise click.BadParameter(f"{len(given)} instruments: give at most {MOST_INSTRUMENTS}")
    if len(set(given)) < len(given):
        raise click.BadParameter("two instruments have the same symbol")
    return given or SYMBOLS


@click.command()
@click.option("--seed", type=click.IntRange(0), default=1, metavar="NUMBER", help="Seed of the traders' decisions.")
@click.option(
    "--browser/--no-browser", default=True, show_default=False,
    help="Open the page in a browser, or only print its address.",
)  # fmt: skip
@click.option(
    "--rate", type=click.FloatRange(1, MOST_RATE), default=60, metavar="NUMBER",
    help="Orders a second of the background traders, over all instruments.",
)  # fmt: skip
@click.option(
    "--instrument", "symbols", callback=symbols_of, multiple=True, metavar="SYMBOL",
    show_default=", ".join(SYMBOLS), help="Instrument to trade; can be given several times.",
)  # fmt: skip
@click.option(
    "--price-unit", type=Read("number", price_unit), default="0.01", metavar="NUMBER",
    help="Value of one tick: prices are multiples of it.",
)  # fmt: skip
@click.option("--http-port", type=PORT, default=0, show_default="a free one", metavar="PORT", help="Port of the page.")
@click.option("--port", type=PORT, default=0, show_default="a free one", metavar="PORT", help="Port for orders.")
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), show_default="until Ctrl-C", metavar="NUMBER",
    help="How long the market runs.",
)  # fmt: skip
def market(*, browser: bool, **chosen: Any) -> None:
    """Open a live market in the browser.

    The command starts an exchange on this machine, its live page, and synthetic traders: background flow, and market
    makers that react to the book. You trade with them in the page, or with your own client: the command prints the
    ports. Only this machine can connect. Nothing is written to disk.

    \b
        pricetime market
        pricetime market --instrument GOLD --price-unit 0.10 --rate 200

    Equal seeds give equal decisions of the traders in equal markets. What you trade, and the timing of the machine,
    change the market. Ctrl-C ends everything.
    """
    from .. import COMPILED

    with one_line_errors("pricetime market"):
        from ..exchange.control.preflight import check_form

        require("uvicorn", "web", "pricetime market")
        check_form(compiled=COMPILED)
    from ..market.session import MarketSession

    over = threading.Event()
    with ended_by_signals(over), MarketSession(Options(**chosen)) as session:
        show_places(session)
        if browser and not over.is_set():
            open_browser(session.exchange.url)
        session.run(over)
    done = session.summary
    click.echo(
        f"The market is closed. In {done.seconds:,.0f} s the traders sent {done.commands:,} commands and "
        f"{done.trades:,} trades were made."
    )


@contextmanager
def ended_by_signals(over: threading.Event) -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal set ``over``; a second Ctrl-C raises KeyboardInterrupt."""

    def end(number: int, _frame: FrameType | None) -> None:
        if over.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        over.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def show_places(session: MarketSession) -> None:
    """Where to look, where to connect, how to end."""
    exchange = session.exchange
    group, recovery = f"{exchange.group}:{exchange.feed_port}", exchange.recovery[1]
    click.echo(f"The market is open: {click.style(exchange.url, bold=True)}")
    click.echo(f"Trade in the page, or with your own client: orders on port {exchange.port}, feed {group}, "
               f"recovery on port {recovery}.")  # fmt: skip
    click.echo("Press Ctrl-C to end it.")


def open_browser(url: str) -> None:
    """Open the page if there is a desktop to open it on: a browser in the terminal would hide what was printed."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return
    import webbrowser

    try:
        webbrowser.open(url)
    except webbrowser.Error:
        return  # the address is printed
