"""``pricetime admin``: controls a running server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any

import click

from ..types import Phase, PriceKind
from .stop import CannotRun

#: Columns of the commands that print a table.
COLUMNS = {
    "status": ("instrument", "symbol", "phase"),
    "orders": ("instrument", "id", "side", "price", "quantity"),
    "sessions": ("owner", "unsent_bytes", "silent_ms", "next_sequence"),
}


@click.group()
@click.option(
    "--journal",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="PRICETIME_JOURNAL",
    show_envvar=True,
    metavar="DIR",
    help="Directory of the server's journal. The default socket is DIR.admin, beside this directory.",
)
@click.option(
    "--socket",
    "path",
    type=click.Path(path_type=Path),
    envvar="PRICETIME_ADMIN_SOCKET",
    show_envvar=True,
    metavar="FILE",
    help="The server's --admin-socket, if it was started with that option.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the reply of the server as lines of JSON.")
@click.pass_context
def admin(context: click.Context, journal: Path | None, path: Path | None, *, as_json: bool) -> None:
    """Control a running server: its owners, instruments and journal.

    The server listens on a Unix socket that only its own user and root may use. By default it is beside the directory
    of the journal; --admin-socket of the server changes that. A command that changes orders or instruments is written
    to the journal; this command returns when the server has executed and acknowledged it.

    \b
        pricetime admin --journal /var/lib/exchange sessions
        pricetime admin --journal /var/lib/exchange orders 7
        pricetime admin --journal /var/lib/exchange kill 7       # block, log out, cancel everything
        pricetime admin --journal /var/lib/exchange halt 1
        pricetime admin --journal /var/lib/exchange uncross 1 continuous
        pricetime admin --journal /var/lib/exchange backup /backups/monday
    """
    from ..exchange.settings.admin_socket import beside

    context.obj = (path or (beside(journal.absolute()) if journal else None), as_json)


def written(enum: type[IntEnum]) -> click.Choice[str]:
    """The members of an enumeration, as the settings and the server write them."""
    return click.Choice([member.name.lower().replace("_", "-") for member in enum])


#: The arguments of subcommands: the type of each, and an example.
ARGUMENTS: dict[str, tuple[Any, str]] = {
    "owner": (click.IntRange(1, 65535), "7"),
    "instrument": (click.IntRange(0), "1"),
    "phase": (written(Phase), "continuous"),
    "kind": (written(PriceKind), "reference"),
    "price": (click.INT, "10050"),
}


def define(name: str, arguments: str, text: str) -> None:
    """Define a subcommand, which sends its arguments to the server."""

    @click.pass_obj
    def run(target: tuple[Path | None, bool], /, **given: Any) -> None:
        ask(target, name, **given)

    names = arguments.split()
    example = " ".join(["pricetime admin --journal /var/lib/exchange", name, *(ARGUMENTS[one][1] for one in names)])
    for argument in reversed(names):
        run = click.argument(argument, type=ARGUMENTS[argument][0])(run)
    # a negative price is not an option
    admin.command(name, help=f"{text}\n\n\b\n    {example}", context_settings={"ignore_unknown_options": True})(run)


define("status", "", "List the instruments with their phases.")
define("kill", "owner", "Block OWNER, end its session, cancel its orders (kill switch).")
define("cancel", "owner", "Cancel all orders of OWNER. It stays logged in.")
define("logout", "owner", "End the session of OWNER. Cancels its orders unless its login asked to keep them.")
define("block", "owner", "Reject logins of OWNER until unblock or a restart. Its current session continues: see kill.")
define("unblock", "owner", "Allow logins of OWNER again.")
define("orders", "owner", "List the open orders of OWNER. Oldest first, at most 10,000.")
define("halt", "instrument", "Halt INSTRUMENT: it accepts only cancels. Its schedule waits until the halt ends.")
define("open", "instrument", "Begin continuous trading in INSTRUMENT.")
define("phase", "instrument phase", "Begin PHASE of INSTRUMENT, without an auction.")
define("uncross", "instrument phase", "Trade at the auction price of INSTRUMENT, then begin PHASE. Prints what traded.")
define("indicate", "instrument", "Publish where the auction of INSTRUMENT would trade.")
define(
    "set-price",
    "instrument kind price",
    "Set the reference, last, low or high price.",
)
define("expire", "instrument", "Expire due GTD orders, and DAY orders if closed.")
define("sessions", "", "List the sessions and the blocked owners.")
define("snapshot", "", "Write a snapshot now. The next start replays only commands after it.")


@admin.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.pass_obj
def backup(target: tuple[Path | None, bool], directory: Path) -> None:
    """Copy the journal to DIRECTORY while the server runs.

    DIRECTORY must not exist, and the server must be able to write to its parent. `pricetime journal verify` checks the
    copy, and a server can start from it.

    \b
        pricetime admin --journal /var/lib/exchange backup /backups/monday
    """
    ask(target, "backup", directory=str(directory.absolute()))


def ask(target: tuple[Path | None, bool], command: str, **arguments: object) -> None:
    """Send a request and print the reply. Raises CannotRun."""
    path, as_json = target
    if path is None:
        raise CannotRun(
            "no server given: give --journal with its journal's directory, or --socket with its --admin-socket"
        )
    answers = list(answers_of(path, {"command": command, **arguments}))
    last = answers.pop() if answers else {"error": "the server closed the connection without a reply: see its log"}
    if "error" in last:
        raise CannotRun(last["error"])
    if as_json:
        for answer in [*answers, last]:
            click.echo(json.dumps(answer))
        return
    if answers:
        table(COLUMNS[command], answers)
    del last["ok"]
    click.echo(", ".join(f"{name.replace('_', ' ')} {shown(value)}" for name, value in last.items()))


def answers_of(path: Path, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The lines of the reply to a request. Raises CannotRun if no server replies."""
    from ..exchange.settings.admin_socket import connect

    try:
        with connect(path) as server, server.makefile("rwb") as stream:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            for line in stream:
                yield json.loads(line)
    except PermissionError as error:
        raise CannotRun(f"{path}: permission denied: run this as the user of the server, or as root") from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise CannotRun(
            f"{path}: no server listens here: check the path, and that the server runs with --journal or --admin-socket"
        ) from error
    except OSError as error:
        raise CannotRun(f"{path}: {error.strerror or error}") from error


def table(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    """Print rows under the names of their columns, right-aligned."""
    cells = [[name.replace("_", " ") for name in columns], *([str(row[name]) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    for line in cells:
        click.echo("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def shown(value: object) -> str:
    """A value of a reply as text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value)) or "none"
    return f"{value:,}" if isinstance(value, int) else str(value)
