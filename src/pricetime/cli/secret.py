"""``pricetime secret``: an owner who may log in."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("owner", type=click.IntRange(1, 65535))
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("secrets.toml"),
    show_default=True,
    help="File of secrets; it is made where there is none, with mode 0600.",
)
@click.option("--name", default="", help="Who that is; only people read it.")
@click.option(
    "--follows", is_flag=True, help="For one who follows the journal from another machine, and does not trade."
)
def secret(owner: int, file: Path, name: str, follows: bool) -> None:
    """Draw a secret for OWNER, a number from 1 to 65535, and add it to the file of secrets.

    The server takes the file with --secrets-file and reads it anew on SIGHUP; `pricetime order` takes a file with the
    client's own entry. The secret itself never crosses the network, and is not printed.
    """
    from ..gateway.secrets import add

    add(file, owner, name, follows=follows)
    click.echo(f"{file}: owner {owner} added. Give its entry to the client, over a way that nobody else can read")
