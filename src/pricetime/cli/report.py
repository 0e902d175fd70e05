"""``pricetime report``: recorded runs as one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..measure.recording import Recording

NAME = "report.html"


@click.command()
@click.argument("runs", metavar="RUN.json...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=NAME,
    show_default=True,
    help=f"The page: a file that ends in .html, or a folder, which gets {NAME}.",
)
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Also write each picture here: PNG and SVG, light and dark.",
)
@click.option("--open", "opened", is_flag=True, help="Show the page in the browser.")
def report(runs: Sequence[Path], out: Path, pictures: Path | None, opened: bool) -> None:
    """Turn recorded runs into one page: pictures and tables, with what they were measured on.

    RUN.json is what `pricetime load --out RUN` writes; RUN.hlog beside it has the histograms, and may be missing: then
    there is no histogram of that run, and the page says so. Several runs are drawn into the same pictures. The page is
    one file that needs no other and no network, light or dark as its reader likes it.

    A run that failed, missed its rate or went out late is reported as such, at the head of the page and here.

    \b
        pricetime report memory.json --open
        pricetime report memory.json durable.json --out build/reports --pictures build/pictures
    """
    from ..extras import require
    from ..measure import pictures as drawn
    from ..measure.report import page

    for package in ("jinja2", "matplotlib"):
        require(package, "report", "a report")  # before the work, not after it
    recordings = _load(list(dict.fromkeys(map(_named, runs))))
    file = out if out.suffix == ".html" and not out.is_dir() else out / NAME
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page(recordings), encoding="utf-8")
    for recording in recordings:
        for sentence in [*recording.run.troubles(), *filter(None, [recording.note])]:
            click.echo(f"{recording.label}: {sentence}", err=True)
    click.echo(f"wrote {file}")
    if pictures is not None:
        paths = drawn.write(drawn.pictures(recordings), pictures)
        click.echo(f"wrote {len(paths)} pictures to {pictures}")
    if opened:
        click.launch(file.resolve().as_uri())


def _named(path: Path) -> Path:
    """RUN stands for RUN.json, as for pricetime load."""
    beside = path.with_name(f"{path.name}.json")
    return beside if path.suffix != ".json" and beside.exists() else path


def _load(paths: Sequence[Path]) -> list[Recording]:
    from ..measure.hlog import BadLog
    from ..measure.recording import load
    from ..measure.run_file import NotARun

    try:
        return load(paths)
    except (NotARun, BadLog) as error:
        raise click.BadParameter(str(error), param_hint="RUN.json") from error
    except OSError as error:
        message = f"{error.filename}: {error.strerror}. Runs are written by pricetime load --out"
        raise click.BadParameter(message, param_hint="RUN.json") from error
