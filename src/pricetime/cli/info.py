"""``pricetime info``: version, form (compiled or pure) and extras of this installation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata

import click

PACKAGE = "pricetime"


def version() -> str:
    """Version and form on one line."""
    from .. import COMPILED, __version__

    return f"pricetime {__version__}, {'compiled' if COMPILED else 'pure (uncompiled)'} form"


def print_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print the version and exit."""
    if wanted:
        click.echo(version())
        context.exit()


@click.command()
def info() -> None:
    """Show version, form and extras of this installation.

    \b
        pricetime info
    """
    import platform

    from ..extras import PURPOSES
    from .table import Column, Grid, console

    click.echo(version())
    click.echo(f"Python {platform.python_version()} on {platform.machine()}")
    words = Column(wraps=True, justify="left")
    table = Grid(Column("extra", justify="left"), words._replace(name="for"), words._replace(name="is"))
    for extra in metadata.metadata(PACKAGE).get_all("Provides-Extra") or []:
        missing = [name for name in packages(extra) if not is_installed(name)]
        found = f"missing ({', '.join(missing)}): pip install 'pricetime[{extra}]'" if missing else "installed"
        table.add_row(extra, PURPOSES.get(extra, ""), found)
    console().print(table)


def packages(extra: str) -> Iterator[str]:
    """The packages of an extra, from the metadata of pricetime, including those of extras that it contains."""
    for requirement in metadata.requires(PACKAGE) or []:
        name, _, marker = requirement.partition(";")
        if not re.search(rf"extra == ['\"]{extra}['\"]", marker):
            continue
        package, others = re.match(r"([\w.-]+)(?:\[([\w,-]+)\])?", name).groups()  # type: ignore[union-attr]
        if package != PACKAGE:
            yield package
            continue
        for other in others.split(","):
            yield from packages(other)


def is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True
