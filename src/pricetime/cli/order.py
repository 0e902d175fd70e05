"""``pricetime order``: orders to an exchange, and what became of them."""

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
    from ..feed.client import Client
    from ..types import Side
    from .words import Report, Units

#: Orders that are sent before their reports are read.
AT_A_TIME = 500

ORDER_ID_BITS = 48
SIDES = click.Choice(["bid", "ask"])
TIMES = click.Choice(["gtc", "ioc", "fok", "post-only"])
QUANTITY = click.IntRange(1, 2**63 - 1)
ORDER_ID = click.IntRange(0, 2**ORDER_ID_BITS - 1)

#: Columns of a file of orders, and of them those that may be left out.
COLUMNS = ("action", "side", "quantity", "price", "id", "instrument", "time_in_force")


class OrdersError(PricetimeError, ValueError):
    """A file of orders that cannot be read. The message names the line."""


class Request(NamedTuple):
    """What is asked of an exchange: a method of ``Client``, and its arguments."""

    method: str
    arguments: dict[str, Any]


class Size(NamedTuple):
    """A quantity in lots, and a price in currency or none."""

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
            self.fail(f"{value!r}: write QUANTITY@PRICE, as in 5@101", param, ctx)
        quantity, price = match[1], match[2]
        try:
            return Size(QUANTITY(quantity, param, ctx), None if price is None else price_of(price))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Words(Sectioned):
    """A command whose arguments may begin with a minus and a digit, and that explains a price that stands alone."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        ctx.ignore_unknown_options = any(re.match(r"-\d", word) for word in args)
        rest = super().parse_args(ctx, args)
        if rest:
            hint = ": quantity and price are one word, as in 5@101" if re.fullmatch(r"-?\d+", rest[0]) else ""
            ctx.fail(f"unexpected argument {rest[0]!r}{hint}")
        return rest


@dataclass
class Place:
    """Where orders go, and whose they are."""

    host: str
    port: int
    recovery_port: int
    owner: int
    secrets_file: Path | None
    keep: bool
    timeout: float
    ticks: bool


def connection(*, again: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of ``Place``. ``again``: of a subcommand, where each that is given replaces that of the group."""
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
            help="Leave orders in the book, or cancel them, when this ends.", **keep,
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
    """A subcommand whose first argument is the place. It takes the options of the group behind its own name too."""

    @connection(again=True)
    @click.pass_obj
    @wraps(command)
    def run(where: Place, /, **given: Any) -> None:
        own = {name: given.pop(name) for name in vars(where)}
        command(changed(where, **{name: value for name, value in own.items() if value is not None}), **given)

    return run


def sends(command: Callable[..., list[Request]]) -> Callable[..., None]:
    """A subcommand that returns what is to be sent."""

    @placed
    @wraps(command)
    def run(where: Place, /, **given: Any) -> None:
        send(where, command(**given))

    return run


@click.group(cls=SectionedGroup)
@connection()
@click.pass_context
def order(context: click.Context, /, **where: Any) -> None:
    """Send orders to an exchange and print the reports that they made.

    Prices are in currency, quantities in lots; the recovery server of the exchange tells the value of a tick. An owner
    has one session at a time: this command ends the one that is open.
    The options may also stand behind the name of the subcommand. The exit code is 1 when something was rejected.

    \b
        pricetime order add bid 5@100.25
        pricetime order add ask 5 --market
        pricetime order replace 106700364307545 5@101
        pricetime order cancel 106700364307545
        pricetime order mass-cancel --owner 7 --secrets-file mine.toml
    """
    context.obj = Place(**where)


instrument_option = click.option(
    "--instrument", type=click.IntRange(0), default=1, show_default=True, help="Instrument id."
)


@order.command(cls=Words)
@click.argument("side", type=SIDES)
@click.argument("size", metavar="QUANTITY@PRICE", type=QuantityAtPrice())
@click.option("--market", is_flag=True, help="Trade at any price: give QUANTITY alone. The remainder is cancelled.")
@click.option("--id", "order_id", type=ORDER_ID, help="Your number for it, below 2**48 [default: from the clock].")
@instrument_option
@click.option("--time-in-force", type=TIMES, help="How long it may stay [default: gtc].")
@sends
def add(side: str, size: Size, *, market: bool, time_in_force: str | None, **given: Any) -> list[Request]:
    """Enter an order for QUANTITY lots at PRICE, or at any price with --market.

    \b
        pricetime order add ask 5@101.25
        pricetime order add bid 5@-3 --time-in-force ioc
        pricetime order add bid 5 --market
    """
    if market and time_in_force is not None:
        raise click.UsageError("--market takes the place of --time-in-force: give one of them")
    try:
        return [new_order(side=side, time_in_force="market" if market else time_in_force or "gtc", size=size, **given)]
    except ValueError as error:
        raise click.UsageError(f"{error}: write {size.quantity}@PRICE, or {size.quantity} --market") from error


@order.command(cls=Words)
@click.argument("order_id", metavar="ID", type=ORDER_ID)
@instrument_option
@sends
def cancel(**given: Any) -> list[Request]:
    """Take the order ID out of the book."""
    return [Request("cancel_order", given)]


@order.command(cls=Words)
@click.argument("order_id", metavar="ID", type=ORDER_ID)
@click.argument("size", metavar="QUANTITY@PRICE", type=QuantityAtPrice())
@instrument_option
@sends
def replace(size: Size, **given: Any) -> list[Request]:
    """Give the order ID a new open QUANTITY and a new PRICE.

    \b
        pricetime order replace 106700364307545 5@101
    """
    if size.price is None:
        raise click.UsageError(f"a replace needs a price: give {size.quantity}@PRICE")
    return [Request("replace_order", {**given, **size._asdict()})]


@order.command(cls=Words)
@click.argument("order_id", metavar="ID", type=ORDER_ID)
@click.argument("by", metavar="QUANTITY", type=QUANTITY)
@instrument_option
@sends
def reduce(**given: Any) -> list[Request]:
    """Take QUANTITY lots off the order ID, which keeps its place."""
    return [Request("reduce_order", given)]


@order.command("mass-cancel", cls=Words)
@click.option("--side", type=SIDES, help="Of this side [default: both].")
@click.option("--instrument", type=click.IntRange(0), default=None, help="Of this instrument [default: all].")
@sends
def mass_cancel(side: str | None, instrument: int | None) -> list[Request]:
    """Cancel all of your orders."""
    return [Request("mass_cancel", {"side": side_of(side), "instrument": instrument})]


@order.command("list", cls=Words)
@click.option("--instrument", type=click.IntRange(0), default=None, help="Of this instrument [default: all].")
@placed
def list_open(where: Place, /, instrument: int | None) -> None:
    """Print your orders that rest, oldest first."""
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
    """Send every line of a CSV file, or of standard input.

    Its first line names the columns, of which a line uses those that its action needs: action (add, cancel, replace,
    reduce, mass-cancel), side, quantity, price, id, instrument, time_in_force (gtc, ioc, fok, post-only, market).
    Only an add with time_in_force market has no price.

    \b
        action,side,quantity,price,id,time_in_force
        add,bid,5,100,1
        add,ask,5,,2,market
        replace,,3,101,1
    """
    return list(read_orders(file))


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
            size=Size(int(row["quantity"]), price_of(row["price"]) if "price" in row else None),
            order_id=int(row["id"]) if "id" in row else None,
            time_in_force=row.get("time_in_force", "gtc"),
            **common,
        )
    common["order_id"] = int(row["id"])
    if action == "cancel":
        return Request("cancel_order", common)
    if action == "reduce":
        return Request("reduce_order", {**common, "by": int(row["quantity"])})
    return Request("replace_order", {**common, "quantity": int(row["quantity"]), "price": price_of(row["price"])})


def new_order(*, side: str, size: Size, time_in_force: str, order_id: int | None, instrument: int) -> Request:
    """A new order, from words. Raises ValueError: an order has a price, unless it is a market order."""
    from ..types import TimeInForce

    name = time_in_force.upper().replace("-", "_")
    if name not in TimeInForce.__members__:
        raise ValueError(f"{time_in_force!r} is no time in force: give {', '.join(TIMES.choices)} or market")
    told, known_side = TimeInForce[name], side_of(side)
    if (size.price is None) != (told is TimeInForce.MARKET):
        given = "no price is given" if size.price is None else f"price {size.price} is given"
        raise ValueError(f"{given}: an order has a price, a market order has none")
    number = new_id() if order_id is None else order_id
    arguments = {"order_id": number, "side": known_side, **size._asdict()}
    return Request("add_order", {**arguments, "time_in_force": told, "instrument": instrument})


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
    from ..feed.errors import FeedUnavailable, InvalidAnswer
    from ..feed.instruments import fetch_instruments
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
    """A client that is logged in there. Raises PricetimeError."""
    from ..feed.client import Client

    return Client(
        where.host,
        where.port,
        owner=where.owner,
        secret=secret_of(where),
        keep_orders=where.keep,
        timeout=where.timeout,
    )


def ask(client: Client, requests: Iterable[Request], timeout: float) -> Iterator[Report]:
    """Send requests: the reports that they make, and those of other orders that come meanwhile.

    After them goes the cancel of an order that is not there: when it is refused, everything before it is done.
    """
    from ..address import text
    from ..feed.errors import NotAcknowledged
    from ..types import ReportKind
    from .words import Report

    for request in requests:
        getattr(client, request.method)(**request.arguments)
    last = randomness.randbits(ORDER_ID_BITS)
    try:
        client.cancel_order(last).exception(timeout)
    except TimeoutError as error:
        raise NotAcknowledged(f"no answer from {text(client.address)} within {timeout:g} s") from error
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
