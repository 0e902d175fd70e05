"""``pricetime secret``: an owner who may log in."""

from __future__ import annotations

from pathlib import Path

import click

from .place import Sectioned, shared_option

FILE = Path("secrets.toml")


@click.command(cls=Sectioned)
@click.argument("owner", type=click.IntRange(1, 65535))
@shared_option(
    "secrets_file", default=FILE, show_default=True,
    help="File of secrets; it is made with mode 0600 if it does not exist.",
)  # fmt: skip
@click.option("--name", default="", help="Who that is; only people read it.")
@click.option(
    "--follows", is_flag=True, help="For one who follows the journal from another machine, and does not trade."
)
def secret(owner: int, secrets_file: Path, name: str, *, follows: bool) -> None:
    """Draw a secret for OWNER, a number from 1 to 65535, and add it to the file of secrets.

    The server takes the file with --secrets-file and reads it anew on SIGHUP; `pricetime order` takes a file with the
    client's own entry. The secret itself never crosses the network, and is not printed.
    """
    from ..gateway.secrets import add

    add(secrets_file, owner, name, follows=follows)
    click.echo(
        f"{secrets_file}: owner {owner} added. Give its entry to the client, over a channel that no other can read"
    )
