"""``pricetime secret``: adds an owner that may log in."""

from __future__ import annotations

from pathlib import Path

import click

from .place import Sectioned, shared_option

FILE = Path("secrets.toml")


@click.command(cls=Sectioned)
@click.argument("owner", type=click.IntRange(1, 65535))
@shared_option("secrets_file", default=FILE, help="Secrets file; created with mode 0600 if it does not exist.")
@click.option("--name", default="", show_default=False, help="Name of the owner, for people only.")
@click.option("--follows", is_flag=True, help="The owner may copy the journal (pricetime follow), and may not trade.")
def secret(owner: int, secrets_file: Path, name: str, *, follows: bool) -> None:
    """Create a secret for OWNER and add it to the secrets file.

    OWNER is a number from 1 to 65535.

    `pricetime serve` reads the file with --secrets-file, and again on SIGHUP. `pricetime order` reads a file with the
    client's own entry. The secret is never printed and never sent over the network.

    \b
        pricetime secret 7 --secrets-file secrets.toml
    """
    from ..exchange.control.secrets import add

    add(secrets_file, owner, name, follows=follows)
    click.echo(f"{secrets_file}: owner {owner} added. Give this entry to the client over a confidential channel")
