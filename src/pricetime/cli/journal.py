"""``pricetime journal``: what a journal holds, whether it is whole, and how to mend it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .stop import CannotRun

if TYPE_CHECKING:
    from ..journal.directory import Directory

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
RECORD_BYTES = 72

#: Commands shown on either side of a place.
MARGIN = 5


def _place(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[int, int] | None:
    """SEGMENT:OFFSET, two numbers."""
    if value is None:
        return None
    match = re.fullmatch(r"(\d+):(\d+)", value)
    if match is None:
        raise click.BadParameter(f"{value!r} is no place: give SEGMENT:OFFSET, such as 3:4096")
    return int(match[1]), int(match[2])


@click.group()
def journal() -> None:
    """Look at the journal of a server, check it, mend it, take its commands out.

    DIR is what `pricetime serve --journal DIR` was given. `inspect`, `verify` and `export` change nothing, and may run
    beside the server.
    """


@journal.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--at", "sequence", type=click.IntRange(1), help="Show the records around this command.")
@click.option(
    "--offset",
    "place",
    metavar="SEGMENT:OFFSET",
    callback=_place,
    help="Show the records around this byte of a segment.",
)
def inspect(folder: Path, sequence: int | None, place: tuple[int, int] | None) -> None:
    """Show what is in DIR: segments, snapshots, configuration, and how it ends.

    \b
        pricetime journal inspect DIR
        pricetime journal inspect DIR --at 1000000
        pricetime journal inspect DIR --offset 3:81920
    """
    from . import show_journal as show

    directory = directory_of(folder)
    if sequence is not None and place is not None:
        raise click.UsageError("give --at or --offset, not both")
    if sequence is not None:
        show.around(directory, sequence, MARGIN)
    elif place is not None:
        from ..journal.survey import sequence_at

        show.around(directory, max(sequence_at(directory, *place), 1), MARGIN)
    else:
        show.overview(directory)


@journal.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
def verify(folder: Path) -> None:
    """Check everything in DIR: every record, every snapshot, and every command once more through the books.

    Ends with 1 when something is wrong, and says what, where, and what to do.
    """
    from ..journal.verify import verify as look
    from . import show_journal as show
    from .progress import track

    directory = directory_of(folder)
    with track(f"verifying {folder}", 2 * _commands_at_most(directory)) as advance:
        found = look(directory, progress=advance)
    show.findings(folder, found)
    if found.faults:
        raise click.exceptions.Exit(1)


@journal.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--cut", "place", metavar="SEGMENT:OFFSET", help="Do what was shown; the place that it named.")
def repair(folder: Path, place: str | None) -> None:
    """Make a damaged journal end at its last good record.

    Shows what would be done, and does nothing. With --cut and the place that it named it does exactly that. Nothing is
    lost for good: what is cut is kept in files that end in .broken. The server must not run.

    \b
        pricetime journal repair DIR
        pricetime journal repair DIR --cut 3:81920
    """
    from ..journal.repair import apply, plan
    from . import show_journal as show
    from .progress import track

    directory = directory_of(folder)
    with track(f"reading {folder}", _commands_at_most(directory)) as advance:
        if place is None:
            found = plan(directory, told=lambda error: click.echo(f"passed over: {error}"), progress=advance)
        else:
            kept = apply(directory, place, progress=advance)
    if place is None:
        show.plan(folder, found)
        return
    for path in kept:
        click.echo(f"kept {path}")
    click.echo(f"{folder} ends at its last good record now")


@journal.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from", "first", type=click.IntRange(1), help="Begin with this command. [default: the oldest]")
@click.option("--to", "last", type=click.IntRange(1), help="End with this command. [default: the newest]")
def export(folder: Path, out: Path, first: int | None, last: int | None) -> None:
    """Write the commands in DIR to FILE: .npy, .csv or .parquet, a column a field.

    \b
        pricetime journal export DIR commands.npy
        engine.apply(numpy.load("commands.npy"))
    """
    from ..journal.export import Export
    from ..tape.command_file import write_commands
    from .progress import track

    chosen = Export(directory_of(folder), first, last)
    if not len(chosen):
        raise click.ClickException(f"{folder} has commands up to {chosen.last}: none of those was asked for")
    with track(f"writing {out}", len(chosen)) as advance:

        def told() -> object:
            for chunk in chosen.chunks():
                yield chunk
                advance(len(chunk))

        write_commands(out, told(), len(chosen))  # type: ignore[arg-type]
    click.echo(f"wrote {out}: commands {chosen.first:,} to {chosen.last:,}")


def directory_of(folder: Path) -> Directory:
    """The journal in a folder. Raises CannotRun where there is none."""
    from ..journal.directory import Directory

    found = Directory(folder)
    if not found.segments() and not found.snapshots():
        raise CannotRun(
            f"{folder} holds no journal: no segment is here (a file such as 00000001.journal). "
            "Give the directory that `pricetime serve --journal` was given"
        )
    return found


def _commands_at_most(directory: Directory) -> int:
    """As many commands as the files have room for."""
    return sum(directory.disk.size(directory.path_of(number)) for number in directory.segments()) // RECORD_BYTES
