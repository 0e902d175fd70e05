"""``pricetime replay``: a real tape, or the journal of a server, through the book."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .form import advise
from .place import shared_option

if TYPE_CHECKING:
    from ..tape.formats import AnyReplay
    from .show import Ladder

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
TAPE_OR_JOURNAL = click.Path(exists=True, path_type=Path)
PREFIX = click.Path(path_type=Path)

#: Which options are of which; a name as on the command line.
OF_TAPES = {
    "orderbook": "--orderbook", "tape_format": "--format", "book": "--book", "at": "--at", "csv": "--csv",
    "parquet": "--parquet", "differences": "--differences", "order_capacity": "--order-capacity",
    "max_skipped": "--max-skipped",
}  # fmt: skip
OF_JOURNALS = {"until": "--until", "newest": "--newest"}


@dataclass
class Options:
    """What a replay is asked for beside its file."""

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


@click.command()
@click.argument("file", metavar="FILE|DIR", type=TAPE_OR_JOURNAL)
@click.option("--orderbook", type=EXISTING, help="Orderbook file of a LOBSTER tape [default: the one beside FILE].")
@click.option("--format", "tape_format", type=click.Choice(["databento", "lobster"]), help="[default: by content]")
@click.option("--instrument", type=click.IntRange(0), help="Instrument id, where there are several.")
@click.option(
    "--book",
    type=click.Choice(["fast", "reference"]),
    default="fast",
    show_default=True,
    help="The book that matches; the reference is the naive one, hundreds to thousands of times slower.",
)
@shared_option("order_capacity", envvar=None, show_envvar=False)
@click.option("--at", metavar="TIME", help="Also print the ladder as it was at this moment, its events included.")
@click.option("--levels", type=click.IntRange(1), default=10, show_default=True, help="Levels of that ladder.")
@click.option("--csv", type=PREFIX, metavar="PREFIX", help="Write PREFIX.trades.csv and PREFIX.top.csv.")
@click.option("--parquet", type=PREFIX, metavar="PREFIX", help="Write PREFIX.trades.parquet and PREFIX.top.parquet.")
@click.option("--differences", is_flag=True, help="List every trade in which the book and the tape differ.")
@click.option(
    "--max-skipped",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help="Skip and name up to this many lines or records that cannot be used; with more, reject the tape.",
)
@click.option("--until", metavar="SEQUENCE|TIME", help="Of a journal: stop behind this command, or at this time.")
@click.option(
    "--newest", is_flag=True, help="Of a journal: begin with the newest snapshot, not with the first command."
)
@click.pass_context
def replay(context: click.Context, /, file: Path, **given: object) -> None:
    """Run the tape FILE through the book and compare every trade; or the journal in DIR, and compare every report.

    Reads Databento's market-by-order files (.dbn, .dbn.zst, .csv, .csv.gz) and LOBSTER's (message file, .csv or
    .csv.gz, with its orderbook file). The tape's own adds, cancels and modifies keep the book; every aggressing order
    is sent through matching, and its fills are held against the tape's: the same resting orders, the same quantities.

    TIME is HH:MM:SS.fraction or seconds after midnight on the tape's first day, or an ISO time with its date; UTC
    for Databento, the exchange's time for LOBSTER.

    Of a journal, which `pricetime serve --journal DIR` writes, every command is executed once more, and the reports are
    held against its checkpoints, the books against its snapshots. With --until the books are shown as they were then:
    behind a command, or at a time in UTC.

    \b
        pricetime replay esh4.mbo.dbn.zst --at 23:30:00 --parquet esh4
        pricetime replay AAPL_message_10.csv --differences
        pricetime replay journal
        pricetime replay journal --until 2026-11-24T09:30:00.25 --instrument 1
    """
    options = Options(**given)  # type: ignore[arg-type]  # click gives each the type of its option
    strange, other = (OF_TAPES, "tapes") if file.is_dir() else (OF_JOURNALS, "journals")
    for name, option in strange.items():
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            kind = "the journal in a folder" if file.is_dir() else "a tape"
            raise click.UsageError(f"{option} belongs to {other}, and {file} is {kind}")
    advise()
    if file.is_dir():
        from .replay_journal import run as run_journal

        run_journal(file, options.until, options.instrument, options.levels, newest=options.newest)
    else:
        run(file, options)


def run(file: Path, options: Options) -> None:
    """Replay a file, print what was asked for, and the table at the end."""
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
    ladder = None
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
        if ladder is not None:  # it holds even if the tape is damaged later on
            show.ladder(ladder)
    if options.differences:
        show.differences(tape)
    for file_format, prefix in outputs.items():
        if recorder is not None and prefix is not None:
            for path in recorder.write(prefix, file_format, tape.price_scale):
                click.echo(f"wrote {path}")
    show.outcome(tape, file, orderbook, options.book)
    show.warnings(tape)


def _ladder_at(tape: AnyReplay, at: str, levels: int) -> Ladder:
    """Run the tape to a moment: the ladder as it is then."""
    from ..tape.clock import InvalidTime
    from .show import Ladder

    try:
        moment = tape.clock().parse(at)
    except InvalidTime as error:
        raise click.BadParameter(str(error), param_hint="--at") from error
    tape.run(until=moment)
    return Ladder(tape.clock().text(moment), tape.price_scale, *tape.depth(levels))
