"""``pricetime info``: what is installed, and in which form."""

from __future__ import annotations

import click

#: What each extra brings: the package to look for, and what it is for.
EXTRAS = {
    "tape": ("databento_dbn", "Databento files"),
    "columnar": ("polars", "CSV and Parquet"),
    "plot": ("matplotlib", "pictures"),
    "report": ("jinja2", "pricetime report"),
    "server": ("pydantic_settings", "pricetime serve"),
    "measure": ("hdrh", ".hlog files"),
}


def version() -> str:
    """The version and the form, on one line."""
    from importlib.metadata import version as installed_version

    from .. import COMPILED

    return f"pricetime {installed_version('pricetime')}, {'compiled' if COMPILED else 'pure (uncompiled)'} form"


def print_version(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        click.echo(version())
        context.exit()


@click.command()
def info() -> None:
    """Say which version and form runs, and which extras are there."""
    import platform
    from importlib.util import find_spec

    click.echo(version())
    click.echo(f"Python {platform.python_version()} on {platform.machine()}")
    for extra, (package, purpose) in EXTRAS.items():
        found = "installed" if find_spec(package) else f"missing: pip install 'pricetime[{extra}]'"
        click.echo(f"{extra:<10}{purpose:<18}{found}")
