"""``pricetime report``: writes recorded runs as one page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ..load.recording import Recording

NAME = "report.html"


@click.command()
@click.argument("runs", metavar="RUN.json...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=NAME,
    help=f"The page: a file that ends in .html, or a folder for {NAME}.",
)
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Also write each picture to this folder, as SVG.",
)
@click.option("--open", "opened", is_flag=True, help="Open the page in the browser.")
def report(runs: Sequence[Path], out: Path, pictures: Path | None, opened: bool) -> None:
    """Compare recorded runs on one page with pictures and tables.

    \b
        pricetime load --out memory
        pricetime report memory.json --open
        pricetime report memory.json durable.json --out build/reports --pictures build/pictures

    RUN.json is a file of `pricetime load --out RUN`; its histograms are in RUN.hlog beside it. Several runs share the
    same tables and pictures. The page is one HTML file that needs no network, light or dark like the reader's system.

    If a run failed, missed its rate or was late, the page and this command say so, and the pictures mark it with ⚠.
    """
    from ..load import figures
    from ..load.report import page

    recordings = _load(list(dict.fromkeys(map(_named, runs))))
    drawn = figures.pictures(recordings)
    text = page(recordings, drawn)
    file = out if out.suffix == ".html" and not out.is_dir() else out / NAME
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    for recording in recordings:
        for sentence in recording.warnings():
            click.echo(f"{recording.label}: {sentence}", err=True)
    click.echo(f"wrote {file}")
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        for picture in drawn:
            (pictures / f"{picture.name}.svg").write_bytes(picture.svg)
        click.echo(f"wrote {len(drawn)} pictures to {pictures}")
    if opened:
        click.launch(file.resolve().as_uri())


def _named(path: Path) -> Path:
    """Accept RUN for RUN.json, like pricetime load."""
    beside = path.with_name(f"{path.name}.json")
    return beside if path.suffix != ".json" and beside.exists() else path


def _load(paths: Sequence[Path]) -> list[Recording]:
    from ..load.recording import load
    from ..load.run_file import NotARun
    from ..native.hlog import BadLog

    try:
        return load(paths)
    except (NotARun, BadLog) as error:
        raise click.BadParameter(str(error), param_hint="RUN.json") from error
    except OSError as error:
        message = f"{error.filename}: {error.strerror}. Give a file that pricetime load --out wrote"
        raise click.BadParameter(message, param_hint="RUN.json") from error
