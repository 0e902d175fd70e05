"""``pricetime replay DIR``: executes the commands of a journal again."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..log.replay import Replay, Until, begin
from ..prices import in_currency
from . import show
from .journal import commands_at_most, directory_of
from .show_journal import time_text
from .table import figures, print_titled

if TYPE_CHECKING:
    from ..log.directory import Directory
    from ..log.tail import Tail


def run(folder: Path, until: str | None, instrument: int | None, levels: int, *, newest: bool) -> None:
    """Replay, print the books at the requested moment if there is one, and a table of totals."""
    from .progress import track

    directory = directory_of(folder)
    moment = Until() if until is None else _moment(directory, until)
    replay = begin(directory, moment, newest=newest, told=lambda error: click.echo(f"skipped: {error}"))
    tail: Tail | None = None
    began = time.perf_counter()
    with track(f"replaying {folder}", commands_at_most(directory)) as advance:
        if until is None:
            tail = replay.run_to_end(progress=advance)
        else:
            replay.run(moment, progress=advance)
    elapsed_s = time.perf_counter() - began
    if moment.sequence is not None and replay.sequence < moment.sequence:
        click.echo(f"There is no command {moment.sequence:,}: the journal ends at command {replay.sequence:,}.")
    if until is not None:
        _books(replay, instrument, levels)
    elif instrument is not None:
        _book(replay, instrument, levels)
    _outcome(folder, replay, elapsed_s)
    if tail is not None and not tail.clean:
        click.echo(f"The last {tail.cut_bytes:,} bytes are incomplete: a crash or a running server leaves such an end.")


def _moment(directory: Directory, text: str) -> Until:
    """Parse --until: digits are a sequence number."""
    if text.isascii() and text.isdigit():
        return Until(sequence=int(text))
    from ..log.reader import Reader
    from ..tape.clock import Clock, InvalidTime

    commands = Reader(directory).read(1).commands
    try:
        return Until(time_ns=Clock.of_day(int(commands["timestamp"][0]) if len(commands) else 0).parse(text))
    except InvalidTime as error:
        raise click.BadParameter(f"{error}; or give the sequence number of a command", param_hint="--until") from error


def _books(replay: Replay, instrument: int | None, levels: int) -> None:
    """Print the ladder of the instrument, or of each that has orders."""
    if instrument is not None:
        _book(replay, instrument, levels)
        return
    for number in sorted(replay.engine.instruments):
        if len(replay.engine.book(number)):
            _book(replay, number, levels)


def _book(replay: Replay, number: int, levels: int) -> None:
    bids, asks = (side.tolist() for side in replay.engine.book(number).depth(levels))
    symbol = replay.engine.instruments[number].symbol
    price = partial(in_currency, unit=replay.engine.instruments[number].price_unit)
    name = f"instrument {number}{f', {symbol}' if symbol else ''}"
    show.ladder(f"{name}, after command {replay.sequence:,}", bids, asks, price)


def _outcome(folder: Path, replay: Replay, elapsed_s: float) -> None:
    table = figures(2)
    table.add_row("commands executed", f"{replay.commands:,}", style="bold")
    if replay.first:
        table.add_row("  after the snapshot at command", f"{replay.first:,}")
    table.add_row("last command", f"{replay.sequence:,}")
    if replay.timestamp:
        table.add_row("  its time", time_text(replay.timestamp))
    table.add_row("commands/s", f"{replay.commands / max(elapsed_s, 1e-9):,.0f}")
    table.add_section()
    table.add_row("reports", f"{replay.engine.seq_num:,}")
    table.add_row("checkpoints that agree", f"{replay.checkpoints:,}")
    table.add_row("snapshots that agree", f"{len(replay.snapshots):,}")
    table.add_row("orders resting", f"{len(replay.engine):,}")
    table.add_row("digest of the books", f"{replay.digest():016x}", style="bold")
    print_titled(f"{folder}", table)
