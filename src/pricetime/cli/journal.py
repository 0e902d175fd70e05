"""``pricetime journal``: shows, checks, repairs and exports the journal of a server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .stop import CannotRun

if TYPE_CHECKING:
    from ..log.directory import Directory

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

#: Commands shown before and after the requested place.
MARGIN = 5


@click.group()
def journal() -> None:
    """Show, check, repair or export a server's journal.

    DIR is the folder given to `pricetime serve --journal DIR`. `inspect`, `verify` and `export` change nothing and can
    run while the server runs.

    \b
        pricetime journal inspect DIR
        pricetime journal verify DIR
        pricetime journal export DIR commands.npy
    """


@journal.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--at", "sequence", type=click.IntRange(1), help="Show the records around the command with this number.")
def inspect(folder: Path, sequence: int | None) -> None:
    """Show segments, snapshots, configuration and the end.

    \b
        pricetime journal inspect DIR
        pricetime journal inspect DIR --at 1000000
    """
    from . import show_journal as show

    if sequence is None:
        show.overview(directory_of(folder))
    else:
        show.around(directory_of(folder), sequence, MARGIN)


@journal.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
def verify(folder: Path) -> None:
    """Check every record and snapshot, and replay all commands.

    Names each fault, its place and what to do. Exit code 1 if there is a fault.

    \b
        pricetime journal verify DIR
    """
    from ..log.verify import verify as check
    from . import show_journal as show
    from .progress import track

    directory = directory_of(folder)
    with track(f"verifying {folder}", 2 * commands_at_most(directory)) as advance:
        found = check(directory, progress=advance)
    show.findings(folder, found)
    if found.faults:
        raise click.exceptions.Exit(1)


@journal.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option("--cut", "place", metavar="SEGMENT:OFFSET", help="Carry out the repair; give the place that was shown.")
def repair(folder: Path, place: str | None) -> None:
    """Cut a damaged journal after its last good record.

    Without --cut it only shows what it would do, and names the place for --cut. It keeps everything that it cuts in
    files that end in .broken. Stop the server first.

    \b
        pricetime journal repair DIR
        pricetime journal repair DIR --cut 3:81920
    """
    from ..log.repair import apply, plan
    from . import show_journal as show
    from .progress import track

    directory = directory_of(folder)
    with track(f"reading {folder}", commands_at_most(directory)) as advance:
        if place is None:
            found = plan(directory, told=lambda error: click.echo(f"skipped: {error}"), progress=advance)
        else:
            kept = apply(directory, place, progress=advance)
    if place is None:
        show.plan(folder, found)
        return
    for path in kept:
        click.echo(f"kept {path}")
    click.echo(f"{folder} now ends at its last good record")


@journal.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.argument("out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--from", "first", type=click.IntRange(1), help="First command to write.  [default: the oldest]")
@click.option("--to", "last", type=click.IntRange(1), help="Last command to write.  [default: the newest]")
def export(folder: Path, out: Path, first: int | None, last: int | None) -> None:
    """Write the commands of a journal to a file.

    FILE ends in .npy, .csv or .parquet; each field of a command is a column. An engine can apply a .npy file directly:
    engine.apply(numpy.load("commands.npy")).

    \b
        pricetime journal export DIR commands.npy
        pricetime journal export DIR part.csv --from 1000 --to 2000
    """
    from ..log.export import Export
    from ..tape.command_file import write_commands
    from .progress import track

    chosen = Export(directory_of(folder), first, last)
    if not len(chosen):
        raise click.ClickException(
            f"{folder} has commands up to {chosen.last}, none of them in this range: change --from or --to"
        )
    with track(f"writing {out}", len(chosen)) as advance:

        def advancing() -> object:
            for chunk in chosen.chunks():
                yield chunk
                advance(len(chunk))

        write_commands(out, advancing(), len(chosen))  # type: ignore[arg-type]
    click.echo(f"wrote {out}: commands {chosen.first:,} to {chosen.last:,}")


def directory_of(folder: Path) -> Directory:
    """The journal in a folder. Raises CannotRun if it has no journal."""
    from ..log.directory import Directory

    found = Directory(folder)
    if not found.segments() and not found.snapshots():
        raise CannotRun(
            f"{folder} has no journal: it has no segment (a file such as 00000001.journal). "
            "Give the folder of `pricetime serve --journal`"
        )
    return found


def commands_at_most(directory: Directory) -> int:
    """The most commands that the files have room for."""
    from ..log.layout import RECORD_BYTES

    return sum(directory.disk.size(directory.path_of(number)) for number in directory.segments()) // RECORD_BYTES
