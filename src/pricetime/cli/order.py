"""``pricetime order``: sends orders to an exchange and prints the reports."""

from __future__ import annotations

import csv
import re
import secrets as randomness
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from ..checks import price as price_ticks
from ..errors import InvalidPrice, PricetimeError
from ..prices import in_ticks
from .place import SECTION, Sectioned, SectionedGroup, SectionOption, shared_option
from .stop import CannotRun

if TYPE_CHECKING:
    from ..client.client import Client
    from ..types import Side
    from .words import Report, Units

#: Orders that are sent before their reports are read.
AT_A_TIME = 500

ORDER_ID_BITS = 48
SIDES = click.Choice(["bid", "ask"])
TIMES = click.Choice(["gtc", "ioc", "fok", "post-only"])
QUANTITY = click.IntRange(1, 2**63 - 1)
ORDER_ID = click.IntRange(0, 2**ORDER_ID_BITS - 1)

#: Columns of a file of orders.
COLUMNS = ("action", "side", "quantity", "price", "order_id", "instrument", "time_in_force")


class OrdersError(PricetimeError, ValueError):
    """A line of a file of orders is invalid. The message names the line."""


class Request(NamedTuple):
    """A command to send: a method of ``Client`` and its arguments."""

    method: str
    arguments: dict[str, Any]


class Size(NamedTuple):
    """A quantity in lots, and a price in currency or None."""

    quantity: int
    price: Decimal | None


class QuantityAtPrice(click.ParamType):  # type: ignore[type-arg]  # it takes none in click 8.1
    """``5@101.25``, or ``5`` without a price. A price may be negative: ``5@-3``."""

    name = "quantity@price"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Size:
        if isinstance(value, Size):
            return value
        match = re.fullmatch(r"([^@]*)(?:@([^@]*))?", value)
        if match is None or match[2] == "":
            self.fail(f"{value!r} is not QUANTITY@PRICE: write it like 5@101", param, ctx)
        quantity, price = match[1], match[2]
        try:
            return Size(QUANTITY(quantity, param, ctx), None if price is None else price_of(price))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Words(Sectioned):
    """A command whose arguments may begin with a minus and a digit. It explains a price given as a separate word."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        ctx.ignore_unknown_options = any(re.match(r"-\d", word) for word in args)
        rest = super().parse_args(ctx, args)
        if rest:
            hint = ": write quantity and price as one word, like 5@101" if re.fullmatch(r"-?\d+", rest[0]) else ""
            ctx.fail(f"unexpected argument {rest[0]!r}{hint}")
        return rest


@dataclass
class Place:
    """The exchange, the owner, and what happens at the end."""

    host: str
    port: int
    recovery_port: int
    owner: int
    secrets_file: Path | None
    keep: bool
    timeout: float
    ticks: bool


def connection(*, again: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of ``Place``. ``again``: for a subcommand, whose options override those of the group."""
    unset: dict[str, Any] = {"default": None, "show_default": False, "envvar": None, "show_envvar": False}
    settings = unset if again else {}
    keep: dict[str, Any] = {"default": True, "show_default": True} | settings
    timeout: dict[str, Any] = {"default": 5.0, "show_default": True} | settings
    ticks: dict[str, Any] = {"default": False, "show_default": False} | settings
    names = ("host", "port", "recovery_port", "owner", "secrets_file")
    options = [shared_option(name, **settings) for name in names]
    options += [
        click.option(
            "--keep/--cancel", cls=SectionOption, section=SECTION,
            help="Keep your orders in the book when this command ends, or cancel them.", **keep,
        ),
        click.option(
            "--timeout", type=click.FloatRange(0, min_open=True), cls=SectionOption, section=SECTION,
            help="Longest wait for an answer, in seconds.", **timeout,
        ),
        click.option(
            "--ticks", is_flag=True, cls=SectionOption, section=SECTION,
            help="Give and show prices in whole ticks; the recovery server is not needed then.", **ticks,
        ),
    ]  # fmt: skip

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def placed(command: Callable[..., None]) -> Callable[..., None]:
    """A subcommand that gets the place as its first argument. It also accepts the options of the group."""

    @connection(again=True)
    @click.pass_obj
    @wraps(command)
    def run(where: Place, /, **given: Any) -> None:
        own = {name: given.pop(name) for name in vars(where)}
        command(changed(where, **{name: value for name, value in own.items() if value is not None}), **given)

    return run


def sends(command: Callable[..., list[Request]]) -> Callable[..., None]:
    """A subcommand that returns the commands to send."""

    @placed
    @wraps(command)
    def run(where: Place, /, **given: Any) -> None:
        send(where, command(**given))

    return run


@click.group(cls=SectionedGroup)
@connection()
@click.pass_context
def order(context: click.Context, /, **where: Any) -> None:
    """Send orders to an exchange and print the reports.

    \b
        pricetime order add bid 5@100.25
        pricetime order add ask 5 --market
        pricetime order replace 106700364307545 5@101
        pricetime order cancel 106700364307545
        pricetime order mass-cancel --owner 7 --secrets-file mine.toml

    Quantities are in lots. Prices are in currency: the command asks the exchange for the value of a tick. With --ticks,
    prices are in ticks. An owner has one session at a time, so this login ends an older session of
    the same owner. The options below can also follow the name of the subcommand. Exit code 1: the exchange rejected a
    command.
    """
    context.obj = Place(**where)


instrument_option = click.option(
    "--instrument", type=click.IntRange(0), default=1, show_default=True, help="Instrument id."
)


@order.command(cls=Words)
@click.argument("side", type=SIDES)
@click.argument("size", metavar="QUANTITY@PRICE", type=QuantityAtPrice())
@click.option(
    "--market", is_flag=True, help="Trade at any price and cancel the remainder: give QUANTITY without a price."
)
@click.option("--order-id", type=ORDER_ID, help="Order id that you choose, below 2**48.  [default: from the clock]")
@instrument_option
@click.option("--time-in-force", type=TIMES, help="How long the order may rest.  [default: gtc]")
@sends
def add(side: str, size: Size, *, market: bool, time_in_force: str | None, **given: Any) -> list[Request]:
    """Add an order: QUANTITY lots at PRICE, or --market.

    \b
        pricetime order add ask 5@101.25
        pricetime order add bid 5@-3 --time-in-force ioc
        pricetime order add bid 5 --market
    """
    if market and time_in_force is not None:
        raise click.UsageError("--market and --time-in-force exclude each other: give one of them")
    try:
        return [new_order(side=side, time_in_force="market" if market else time_in_force or "gtc", size=size, **given)]
    except ValueError as error:
        raise click.UsageError(f"{error}: write {size.quantity}@PRICE, or {size.quantity} --market") from error


@order.command(cls=Words)
@click.argument("order_id", metavar="ORDER_ID", type=ORDER_ID)
@instrument_option
@sends
def cancel(**given: Any) -> list[Request]:
    """Cancel an order.

    \b
        pricetime order cancel 106700364307545
    """
    return [Request("cancel_order", given)]


@order.command(cls=Words)
@click.argument("order_id", metavar="ORDER_ID", type=ORDER_ID)
@click.argument("size", metavar="QUANTITY@PRICE", type=QuantityAtPrice())
@instrument_option
@sends
def replace(size: Size, **given: Any) -> list[Request]:
    """Replace an order: new open QUANTITY and new PRICE.

    \b
        pricetime order replace 106700364307545 5@101
    """
    if size.price is None:
        raise click.UsageError(f"a replace needs a price: write {size.quantity}@PRICE")
    return [Request("replace_order", {**given, **size._asdict()})]


@order.command(cls=Words)
@click.argument("order_id", metavar="ORDER_ID", type=ORDER_ID)
@click.argument("by", metavar="QUANTITY", type=QUANTITY)
@instrument_option
@sends
def reduce(**given: Any) -> list[Request]:
    """Reduce an order by QUANTITY lots; it keeps its priority.

    \b
        pricetime order reduce 106700364307545 2
    """
    return [Request("reduce_order", given)]


@order.command("mass-cancel", cls=Words)
@click.option("--side", type=SIDES, help="Only this side.  [default: both]")
@click.option("--instrument", type=click.IntRange(0), default=None, help="Only this instrument.  [default: all]")
@sends
def mass_cancel(side: str | None, instrument: int | None) -> list[Request]:
    """Cancel all your orders, or those of a side or instrument.

    \b
        pricetime order mass-cancel --side bid --instrument 1
    """
    return [Request("mass_cancel", {"side": side_of(side), "instrument": instrument})]


@order.command("list", cls=Words)
@click.option("--instrument", type=click.IntRange(0), default=None, help="Only this instrument.  [default: all]")
@placed
def list_open(where: Place, /, instrument: int | None) -> None:
    """List your resting orders, oldest first.

    \b
        pricetime order list --owner 7 --secrets-file mine.toml
    """
    from .words import open_order

    with connected(where) as client:
        units = price_units(where)
        found = [order for order in client.open_orders() if instrument in {None, order.instrument}]
    for one in found:
        click.echo(open_order(one, units))
    if not found:
        click.echo("no open orders")


@order.command("file", cls=Words)
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
@sends
def from_file(file: TextIO) -> list[Request]:
    """Send a CSV file of orders; without FILE, standard input.

    The first line names the columns: action (add, cancel, replace, reduce, mass-cancel), side, quantity, price,
    order_id, instrument, time_in_force (gtc, ioc, fok, post-only, market). Leave a column empty if the action does
    not need it. An add needs a price, except with time_in_force market.

    \b
        pricetime order file orders.csv

    \b
        action,side,quantity,price,order_id,time_in_force
        add,bid,5,100,1
        add,ask,5,,2,market
        replace,,3,101,1
    """
    return list(read_orders(file))


def read_orders(file: Iterable[str]) -> Iterator[Request]:
    """Read the commands of a CSV file. Raises OrdersError."""
    rows = csv.DictReader(file, skipinitialspace=True)
    unknown = set(rows.fieldnames or ["no columns"]) - set(COLUMNS)
    if unknown:
        raise OrdersError(f"line 1: unknown column {min(unknown)!r}: the columns are {', '.join(COLUMNS)}")
    for row in rows:
        try:
            yield from_row({name: text for name, text in row.items() if name and text})
        except (ValueError, KeyError) as error:
            why = f"column {error} is empty, but the action needs it" if isinstance(error, KeyError) else str(error)
            raise OrdersError(f"line {rows.line_num}: {why}") from error


def from_row(row: dict[str, str]) -> Request:
    """The command of a line."""
    action = row["action"]
    if action == "mass-cancel":
        instrument = int(row["instrument"]) if "instrument" in row else None
        return Request("mass_cancel", {"side": side_of(row.get("side")), "instrument": instrument})
    if action not in {"add", "cancel", "reduce", "replace"}:
        raise ValueError(f"unknown action {action!r}: give add, cancel, replace, reduce or mass-cancel")
    common = {"instrument": int(row.get("instrument", 1))}
    if action == "add":
        return new_order(
            side=row["side"],
            size=Size(int(row["quantity"]), price_of(row["price"]) if "price" in row else None),
            order_id=int(row["order_id"]) if "order_id" in row else None,
            time_in_force=row.get("time_in_force", "gtc"),
            **common,
        )
    common["order_id"] = int(row["order_id"])
    if action == "cancel":
        return Request("cancel_order", common)
    if action == "reduce":
        return Request("reduce_order", {**common, "by": int(row["quantity"])})
    return Request("replace_order", {**common, "quantity": int(row["quantity"]), "price": price_of(row["price"])})


def new_order(*, side: str, size: Size, time_in_force: str, order_id: int | None, instrument: int) -> Request:
    """A new order from text. Raises ValueError; every order except a market order needs a price."""
    from ..types import TimeInForce

    name = time_in_force.upper().replace("-", "_")
    if name not in TimeInForce.__members__:
        raise ValueError(f"unknown time in force {time_in_force!r}: give {', '.join(TIMES.choices)} or market")
    known_time, known_side = TimeInForce[name], side_of(side)
    if (size.price is None) != (known_time is TimeInForce.MARKET):
        given = "no price is given" if size.price is None else f"price {size.price} is given"
        raise ValueError(f"{given}: a market order has no price, every other order needs one")
    number = new_id() if order_id is None else order_id
    arguments = {"order_id": number, "side": known_side, **size._asdict()}
    return Request("add_order", {**arguments, "time_in_force": known_time, "instrument": instrument})


def side_of(side: str | None) -> Side | None:
    """A side by name; None for both."""
    from ..types import Side

    if side not in {None, "bid", "ask"}:
        raise ValueError(f"unknown side {side!r}: give bid or ask")
    return None if side is None else Side[side.upper()]


def new_id() -> int:
    """A new order id: microseconds of the clock plus a random part, so that ids increase."""
    return (time.time_ns() // 1000 + randomness.randbelow(100)) % (1 << ORDER_ID_BITS)


def send(where: Place, requests: Sequence[Request]) -> None:
    """Send commands and print every report; exit code 1 if one was rejected."""
    from ..types import ReportKind
    from .words import line

    rejected = 0
    with connected(where) as client:
        units = price_units(where, needed=any(request.arguments.get("price") is not None for request in requests))
        sent = [in_whole_ticks(request, units) for request in requests]
        for start in range(0, len(sent), AT_A_TIME):
            for report in ask(client, sent[start : start + AT_A_TIME], where.timeout):
                click.echo(line(report, units))
                rejected += report.kind == ReportKind.REJECTED
    if rejected:
        raise SystemExit(1)


def price_of(text: str) -> Decimal:
    """A price from words. Raises ValueError."""
    try:
        price = Decimal(text)
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite():
        raise ValueError(f"price {text!r} is not a number")
    return price


def price_units(where: Place, *, needed: bool = False) -> Units:
    """The price units of the exchange, none for prices in ticks. Raises CannotRun if they are needed and unknown."""
    from ..client.errors import InvalidAnswer
    from ..client.instruments import fetch_instruments
    from ..errors import FeedUnavailable
    from .words import units_of

    if where.ticks:
        return {}
    try:
        return units_of(fetch_instruments(where.host, where.recovery_port, timeout=where.timeout).values())
    except (FeedUnavailable, InvalidAnswer) as error:
        if needed:
            raise CannotRun(
                f"the value of a tick is unknown: {error}. Give its --recovery-port, or prices in ticks with --ticks"
            ) from error
        click.echo(f"# prices are in ticks: {error}", err=True)
        return {}


def in_whole_ticks(request: Request, units: Units) -> Request:
    """The same request with its price in ticks. Raises CannotRun for a price between two ticks."""
    price, instrument = request.arguments.get("price"), request.arguments["instrument"]
    if price is None:
        return request
    try:
        ticks = price_ticks(in_ticks(price, units.get(instrument, Decimal(1))))
    except InvalidPrice as error:
        raise CannotRun(f"instrument {instrument}: {error}") from error
    return Request(request.method, {**request.arguments, "price": ticks})


def connected(where: Place) -> Client:
    """A client that is logged in. Raises PricetimeError."""
    from ..client.client import Client

    return Client(
        where.host,
        where.port,
        owner=where.owner,
        secret=secret_of(where),
        keep_orders=where.keep,
        timeout=where.timeout,
    )


def ask(client: Client, requests: Iterable[Request], timeout: float) -> Iterator[Report]:
    """Send commands: their reports, and reports of other orders that arrive meanwhile.

    A final cancel names an order that does not exist: when the exchange rejects it, everything before it is done.
    """
    from ..address import text
    from ..client.errors import NotAcknowledged
    from ..types import ReportKind
    from .words import Report

    for request in requests:
        getattr(client, request.method)(**request.arguments)
    last = randomness.randbits(ORDER_ID_BITS)
    try:
        client.cancel_order(last).exception(timeout)
    except TimeoutError as error:
        raise NotAcknowledged(
            f"{text(client.address)} did not answer within {timeout:g} s: raise --timeout or check the server"
        ) from error
    for report in map(Report._make, client.read().tolist()):
        if report.kind != ReportKind.REJECTED or report.order_id != last:
            yield report


def secret_of(where: Place) -> bytes:
    """The owner's secret from the file; empty without a file, for a server with --open."""
    if where.secrets_file is None:
        return b""
    from ..exchange.control.secrets import read

    found = read(where.secrets_file).get(where.owner)
    if found is None:
        raise click.BadParameter(
            f"owner {where.owner} is not in {where.secrets_file}: add it with pricetime secret", param_hint="--owner"
        )
    return found
