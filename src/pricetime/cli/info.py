"""``pricetime info``: version, form (compiled or pure) and extras of this installation."""

from __future__ import annotations

import re
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

    from ..extras import PURPOSES, install_command, requirements
    from .table import Column, Grid, console

    click.echo(version())
    click.echo(f"Python {platform.python_version()} on {platform.machine()}")
    words = Column(wraps=True, justify="left")
    table = Grid(Column("extra", justify="left"), words._replace(name="for"), words._replace(name="is"))
    for extra in metadata.metadata(PACKAGE).get_all("Provides-Extra") or []:
        missing = not all(is_installed(package) for package in requirements(extra))
        found = f"missing: {install_command(extra)}" if missing else "installed"
        table.add_row(extra, PURPOSES.get(extra, ""), found)
    console().print(table)


def is_installed(requirement: str) -> bool:
    """Return True if any version of the package is installed."""
    name = re.match(r"[\w.-]+", requirement)
    try:
        metadata.distribution(name[0] if name else requirement)
    except metadata.PackageNotFoundError:
        return False
    return True
