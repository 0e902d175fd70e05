"""``pricetime order``: orders to an exchange, and what became of them."""

from __future__ import annotations

import csv
import secrets as randomness
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from ..errors import PricetimeError
from .place import HOST, PORT, place

if TYPE_CHECKING:
    from ..feed.client import Client
    from ..types import Side
    from .words import Report

#: Orders that are sent before their reports are read.
AT_A_TIME = 500

ORDER_ID_BITS = 48
SIDES = click.Choice(["bid", "ask"])
TIMES = click.Choice(["gtc", "ioc", "fok", "post-only", "market"])
QUANTITY = click.IntRange(1, 2**63 - 1)
PRICE = click.IntRange(-(2**63), 2**63 - 1)
ORDER_ID = click.IntRange(0, 2**ORDER_ID_BITS - 1)

#: Columns of a file of orders, and of them those that may be left out.
COLUMNS = ("action", "side", "quantity", "price", "id", "instrument", "time_in_force")


class OrdersError(PricetimeError, ValueError):
    """A file of orders that cannot be read. The message names the line."""


class Request(NamedTuple):
    """What is asked of an exchange: a method of ``Client``, and its arguments."""

    method: str
    arguments: dict[str, Any]


@dataclass
class Place:
    """Where orders go, and whose they are."""

    host: str
    port: int
    owner: int
    secrets_file: Path | None
    keep: bool
    timeout: float


@click.group()
@place("--host", HOST, "Address of the exchange.", "HOST")
@place("--port", PORT, "Its TCP port for orders.", "PORT")
@click.option(
    "--owner", type=click.IntRange(1, 65535), default=1, show_default=True, envvar="PRICETIME_OWNER", show_envvar=True,
    help="Number to log in with.",
)  # fmt: skip
@click.option(
    "--secrets-file", type=click.Path(dir_okay=False, path_type=Path), envvar="PRICETIME_SECRETS_FILE",
    show_envvar=True,
    help="File with the owner's entry; a server that is --open needs none.",
)  # fmt: skip
@click.option(
    "--keep/--cancel", default=True, show_default=True, help="Leave orders in the book, or cancel them, when this ends."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    default=5.0,
    show_default=True,
    help="Longest wait for an answer.",
)
@click.pass_context
def order(context: click.Context, /, **where: Any) -> None:
    """Send orders to an exchange and print the reports that they made.

    Prices are in ticks, quantities in lots. An owner has one session at a time: this one takes the place of another.
    The exit code is 1 when something was rejected.

    \b
        pricetime order add bid 5 100
        pricetime order cancel 106700364307545
        pricetime order --owner 7 --secrets-file mine.toml mass-cancel
    """
    context.obj = Place(**where)


instrument_option = click.option(
    "--instrument", type=click.IntRange(0), default=1, show_default=True, help="Instrument id."
)


@order.command()
@click.argument("side", type=SIDES)
@click.argument("quantity", type=QUANTITY)
@click.argument("price", type=PRICE, default=0)
@click.option("--id", "order_id", type=ORDER_ID, help="Your number for it, below 2**48 [default: from the clock].")
@instrument_option
@click.option("--time-in-force", type=TIMES, default="gtc", show_default=True, help="How long it may stay.")
@click.pass_obj
def add(where: Place, /, **given: Any) -> None:
    """Enter an order for QUANTITY lots at PRICE. A market order needs no price."""
    send(where, [new_order(**given)])


@order.command()
@click.argument("order_id", metavar="ID", type=ORDER_ID)
@instrument_option
@click.pass_obj
def cancel(where: Place, /, **given: Any) -> None:
    """Take the order ID out of the book."""
    send(where, [Request("cancel_order", given)])


@order.command()
@click.argument("order_id", metavar="ID", type=ORDER_ID)
@click.argument("quantity", type=QUANTITY)
@click.argument("price", type=PRICE)
@instrument_option
@click.pass_obj
def replace(where: Place, /, **given: Any) -> None:
    """Give the order ID a new open QUANTITY and a new PRICE."""
    send(where, [Request("replace_order", given)])


@order.command()
@click.argument("order_id", metavar="ID", type=ORDER_ID)
@click.argument("by", metavar="QUANTITY", type=QUANTITY)
@instrument_option
@click.pass_obj
def reduce(where: Place, /, **given: Any) -> None:
    """Take QUANTITY lots off the order ID, which keeps its place."""
    send(where, [Request("reduce_order", given)])


@order.command("mass-cancel")
@click.option("--side", type=SIDES, help="Of this side [default: both].")
@click.option("--instrument", type=click.IntRange(0), default=None, help="Of this instrument [default: all].")
@click.pass_obj
def mass_cancel(where: Place, /, side: str | None, instrument: int | None) -> None:
    """Cancel all of your orders."""
    send(where, [Request("mass_cancel", {"side": side_of(side), "instrument": instrument})])


@order.command("list")
@click.option("--instrument", type=click.IntRange(0), default=None, help="Of this instrument [default: all].")
@click.pass_obj
def list_open(where: Place, /, instrument: int | None) -> None:
    """Print your orders that rest, oldest first."""
    from ..feed.client import Client
    from .words import open_order

    login: dict[str, Any] = {"owner": where.owner, "secret": secret_of(where), "keep_orders": where.keep}
    with Client(where.host, where.port, timeout=where.timeout, **login) as client:
        found = [order for order in client.open_orders() if instrument in {None, order.instrument}]
    for one in found:
        click.echo(open_order(one))
    if not found:
        click.echo("no open orders")


@order.command("file")
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
@click.pass_obj
def from_file(where: Place, /, file: TextIO) -> None:
    """Send every line of a CSV file, or of standard input.

    Its first line names the columns, of which a line uses those that its action needs: action (add, cancel, replace,
    reduce, mass-cancel), side, quantity, price, id, instrument, time_in_force.

    \b
        action,side,quantity,price,id
        add,bid,5,100,1
        replace,,3,101,1
    """
    send(where, list(read_orders(file)))


def read_orders(file: Iterable[str]) -> Iterator[Request]:
    """The orders of a CSV file. Raises OrdersError."""
    rows = csv.DictReader(file, skipinitialspace=True)
    unknown = set(rows.fieldnames or ["no columns"]) - set(COLUMNS)
    if unknown:
        raise OrdersError(f"line 1: no column is called {min(unknown)!r}: they are {', '.join(COLUMNS)}")
    for row in rows:
        try:
            yield from_row({name: text for name, text in row.items() if name and text})
        except (ValueError, KeyError) as error:
            told = f"it needs {error}" if isinstance(error, KeyError) else str(error)
            raise OrdersError(f"line {rows.line_num}: {told}") from error


def from_row(row: dict[str, str]) -> Request:
    """What a line asks for."""
    action = row["action"]
    if action == "mass-cancel":
        instrument = int(row["instrument"]) if "instrument" in row else None
        return Request("mass_cancel", {"side": side_of(row.get("side")), "instrument": instrument})
    if action not in {"add", "cancel", "reduce", "replace"}:
        raise ValueError(f"{action!r} is no action: give add, cancel, replace, reduce or mass-cancel")
    common = {"instrument": int(row.get("instrument", 1))}
    if action == "add":
        return new_order(
            side=row["side"],
            quantity=int(row["quantity"]),
            price=int(row.get("price", 0)),
            order_id=int(row["id"]) if "id" in row else None,
            time_in_force=row.get("time_in_force", "gtc"),
            **common,
        )
    common["order_id"] = int(row["id"])
    if action == "cancel":
        return Request("cancel_order", common)
    if action == "reduce":
        return Request("reduce_order", {**common, "by": int(row["quantity"])})
    return Request("replace_order", {**common, "quantity": int(row["quantity"]), "price": int(row["price"])})


def new_order(*, side: str, time_in_force: str, order_id: int | None, **fields: int) -> Request:
    """A new order, from words."""
    from ..types import TimeInForce

    name = time_in_force.upper().replace("-", "_")
    if name not in TimeInForce.__members__:
        raise ValueError(f"{time_in_force!r} is no time in force: give {', '.join(TIMES.choices)}")
    number = new_id() if order_id is None else order_id
    return Request(
        "add_order", {"order_id": number, "side": side_of(side), "time_in_force": TimeInForce[name], **fields}
    )


def side_of(side: str | None) -> Side | None:
    """A side by its name, None for both."""
    from ..types import Side

    if side not in {None, "bid", "ask"}:
        raise ValueError(f"{side!r} is no side: give bid or ask")
    return None if side is None else Side[side.upper()]


def new_id() -> int:
    """Microseconds of the clock and a little chance: larger each time, for some years."""
    return (time.time_ns() // 1000 + randomness.randbelow(100)) % (1 << ORDER_ID_BITS)


def send(where: Place, requests: Sequence[Request]) -> None:
    """Send them and print every report; exit code 1 when one says that something was rejected."""
    from ..feed.client import Client
    from ..types import ReportKind
    from .words import line

    rejected = 0
    with Client(
        where.host,
        where.port,
        owner=where.owner,
        secret=secret_of(where),
        keep_orders=where.keep,
        timeout=where.timeout,
    ) as client:
        for start in range(0, len(requests), AT_A_TIME):
            for report in ask(client, requests[start : start + AT_A_TIME], where.timeout):
                click.echo(line(report))
                rejected += report.kind == ReportKind.REJECTED
    if rejected:
        raise SystemExit(1)


def ask(client: Client, requests: Iterable[Request], timeout: float) -> Iterator[Report]:
    """Send requests: the reports that they make, and those of other orders that come meanwhile.

    After them goes the cancel of an order that is not there: when it is refused, everything before it is done.
    """
    from ..feed.errors import NotAcknowledged
    from ..types import ReportKind
    from .words import Report

    for request in requests:
        getattr(client, request.method)(**request.arguments)
    last = randomness.randbits(ORDER_ID_BITS)
    try:
        client.cancel_order(last).exception(timeout)
    except TimeoutError as error:
        raise NotAcknowledged(f"no answer from {client.address[0]}:{client.address[1]} within {timeout:g} s") from error
    for report in map(Report._make, client.read().tolist()):
        if report.kind != ReportKind.REJECTED or report.order_id != last:
            yield report


def secret_of(where: Place) -> bytes:
    """The owner's secret from the file; none where no file is given, for a server that is open."""
    if where.secrets_file is None:
        return b""
    from ..gateway.secrets import read

    found = read(where.secrets_file).get(where.owner)
    if found is None:
        raise click.BadParameter(f"owner {where.owner} is not in {where.secrets_file}", param_hint="--owner")
    return found
