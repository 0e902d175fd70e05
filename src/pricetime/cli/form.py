"""Say which form runs, in the commands where its speed matters."""

from __future__ import annotations

import click

from .. import COMPILED
from .._form import ADVICE, wants_pure


def advise() -> None:
    """Print one line to stderr if pricetime runs uncompiled and PRICETIME_PURE does not ask for that."""
    if not COMPILED and not wants_pure():
        click.echo(ADVICE, err=True)
