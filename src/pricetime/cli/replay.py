"""``pricetime replay``: replays a tape or the journal of a server through the book and compares the results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .form import advise
from .place import Grouped, option, shared_option

if TYPE_CHECKING:
    from ..tape.formats import AnyReplay

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
TAPE_OR_JOURNAL = click.Path(exists=True, path_type=Path)
PREFIX = click.Path(path_type=Path)

#: Headings of the help.
TAPES, JOURNALS = "Tapes only", "Journals only"


@dataclass
class Options:
    """The options of a replay."""

    orderbook: Path | None = None
    tape_format: str | None = None
    instrument: int | None = None
    book: str = "fast"
    order_capacity: int = 1 << 20
    at: str | None = None
    levels: int = 10
    csv: Path | None = None
    parquet: Path | None = None
    differences: bool = False
    max_skipped: int = 100
    until: str | None = None
    newest: bool = False


@click.command(cls=Grouped)
@click.argument("file", metavar="FILE|DIR", type=TAPE_OR_JOURNAL)
@click.option("--instrument", type=click.IntRange(0), help="Instrument id, if there are several.")
@click.option("--levels", type=click.IntRange(1), default=10, help="Price levels of a ladder.")
@option(TAPES, "--at", metavar="TIME", help="Also print the book at this time, after its events.")
@option(TAPES, "--differences", is_flag=True, help="List every trade in which the book and the tape differ.")
@option(TAPES, "--csv", type=PREFIX, metavar="PREFIX", help="Write PREFIX.trades.csv and PREFIX.top.csv.")
@option(TAPES, "--parquet", type=PREFIX, metavar="PREFIX", help="Write PREFIX.trades.parquet and PREFIX.top.parquet.")
@option(TAPES, "--format", "tape_format", type=click.Choice(["databento", "lobster"]), help="[default: by content]")
@option(TAPES, "--orderbook", type=EXISTING, help="Orderbook file of a LOBSTER tape.  [default: the one beside FILE]")
@option(
    TAPES, "--book", type=click.Choice(["fast", "reference"]), default="fast",
    help="The book that matches. The reference book is hundreds to thousands of times slower.",
)  # fmt: skip
@shared_option("order_capacity", envvar=None, show_envvar=False, section=TAPES)
@option(
    TAPES, "--max-skipped", type=click.IntRange(0), default=100,
    help="Skip and list up to this many invalid lines or records; with more, reject the tape.",
)  # fmt: skip
@option(JOURNALS, "--until", metavar="SEQUENCE|TIME", help="Stop after this command or at this time; print the books.")
@option(JOURNALS, "--newest", is_flag=True, help="Begin at the newest snapshot instead of the first command.")
@click.pass_context
def replay(context: click.Context, /, file: Path, **given: object) -> None:
    """Replay a recorded tape or a server's journal and compare.

    \b
        pricetime replay esh4.mbo.dbn.zst --at 23:30:00 --parquet esh4
        pricetime replay AAPL_message_10.csv --differences
        pricetime replay journal
        pricetime replay journal --until 2026-11-24T09:30:00.25 --instrument 1

    FILE is a tape: Databento's market-by-order (.dbn, .dbn.zst, .csv, .csv.gz), or LOBSTER's message file (.csv,
    .csv.gz) with its orderbook file. The tape's adds, cancels and modifies build the book. Each order that takes
    liquidity goes through matching, and its fills are compared with the tape: the same resting orders, the same
    quantities.

    DIR is the folder of `pricetime serve --journal DIR`. Every command is executed again; the reports are compared with
    the checkpoints of the journal, and the books with its snapshots.

    TIME is HH:MM:SS.fraction or seconds after midnight on the first day, or an ISO time with its date. It is in UTC for
    Databento and journals, and in the time of the exchange for LOBSTER.
    """
    options = Options(**given)  # type: ignore[arg-type]  # click converts each to the type of its option
    kind, others = ("the journal in a folder", TAPES) if file.is_dir() else ("a tape", JOURNALS)
    for parameter in context.command.params:
        is_given = context.get_parameter_source(str(parameter.name)) is not click.core.ParameterSource.DEFAULT
        if getattr(parameter, "section", "") == others and is_given:
            other = others.partition(" ")[0].lower()
            raise click.UsageError(f"{parameter.opts[0]} is for {other}, but {file} is {kind}: leave it out")
    advise()
    if file.is_dir():
        from .replay_journal import run as run_journal

        run_journal(file, options.until, options.instrument, options.levels, newest=options.newest)
    else:
        run(file, options)


def run(file: Path, options: Options) -> None:
    """Replay a tape, print and write what the options ask for, and print a table of totals."""
    from .. import OrderBook
    from ..extras import require
    from ..reference import ReferenceBook
    from ..tape.databento import NoSuchInstrument
    from ..tape.export import Recorder
    from ..tape.formats import Format, detect, open_replay, orderbook_beside
    from . import show
    from .progress import track

    tape_format = Format(options.tape_format) if options.tape_format else detect(file)
    orderbook = options.orderbook or (orderbook_beside(file) if tape_format is Format.LOBSTER else None)
    outputs = {"csv": options.csv, "parquet": options.parquet}
    recorder = Recorder() if any(outputs.values()) else None
    if recorder is not None:
        require("polars", "columnar", "writing CSV and Parquet")  # before the work, not after it
    size = sum(path.stat().st_size for path in (file, orderbook) if path is not None)
    ladder: Callable[[], None] | None = None
    try:
        with track(f"replaying {file.name}", size, of_bytes=True) as advance:
            tape = open_replay(
                file,
                ReferenceBook if options.book == "reference" else partial(OrderBook, capacity=options.order_capacity),
                tape_format=tape_format,
                orderbook=orderbook,
                instrument=options.instrument,
                max_skipped=options.max_skipped,
                recorder=recorder,
                progress=advance,
            )
            ladder = _ladder_at(tape, options.at, options.levels) if options.at else None
            tape.run()
    except NoSuchInstrument as error:
        raise click.BadParameter(str(error), param_hint="--instrument") from error
    finally:
        if ladder is not None:  # valid even if a later part of the tape is damaged
            ladder()
    if options.differences:
        show.differences(tape)
    for file_format, prefix in outputs.items():
        if recorder is not None and prefix is not None:
            for path in recorder.write(prefix, file_format, tape.price_scale):
                click.echo(f"wrote {path}")
    show.outcome(tape, file, orderbook, options.book)
    show.print_warnings(tape)


def _ladder_at(tape: AnyReplay, at: str, levels: int) -> Callable[[], None]:
    """Run the tape to a time. Returns a function that prints the ladder at that time."""
    from ..tape.clock import InvalidTime
    from . import show

    try:
        moment = tape.clock().parse(at)
    except InvalidTime as error:
        raise click.BadParameter(str(error), param_hint="--at") from error
    tape.run(until=moment)
    price = partial(show.price_text, scale=tape.price_scale)
    return partial(show.ladder, tape.clock().text(moment), *tape.depth(levels), price)
