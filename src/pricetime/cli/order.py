"""``pricetime order``: sends orders to an exchange and prints the reports."""

from __future__ import annotations

import re
import secrets as randomness
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import replace as changed
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from ..types import OrderType, ReportKind, Side, TimeInForce
from ..wire.messages import ExecutionReport
from .order_file import read_orders
from .order_request import (
    ORDER_ID_BITS,
    Request,
    Size,
    distance_of,
    in_whole_ticks,
    needs_units,
    new_order,
    price_of,
    replace_order,
    side_of,
    time_of,
    words_of,
)
from .place import SECTION, Read, Sectioned, SectionedGroup, option, secret_of, shared_option, together
from .stop import CannotRun

if TYPE_CHECKING:
    from ..client.client import Client
    from .words import Units

#: Orders that are sent before their reports are read.
AT_A_TIME = 500

SIDES = click.Choice(words_of(Side))
QUANTITY = click.IntRange(1, 2**63 - 1)
ORDER_ID = click.IntRange(0, 2**ORDER_ID_BITS - 1)


def size_of(text: str) -> Size:
    """``5@101.25``, or ``5`` without a price. A price may be negative: ``5@-3``. Raises ValueError."""
    match = re.fullmatch(r"([^@]*)(?:@([^@]+))?", text)
    if match is None:
        raise ValueError(f"{text!r} is not QUANTITY@PRICE: write it like 5@101")
    return Size(QUANTITY(match[1]), None if match[2] is None else price_of(match[2]))


SIZE = Read("quantity@price", size_of)
PRICE, DISTANCE, TIME = Read("price", price_of), Read("distance", distance_of), Read("time", time_of)


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
    keep_gtc_and_gtd: bool
    timeout: float
    ticks: bool


def connection(*, again: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of ``Place``. ``again``: for a subcommand, whose options override those of the group."""
    unset: dict[str, Any] = {"default": None, "envvar": None, "show_envvar": False} if again else {}
    here = partial(option, SECTION)
    options = [shared_option(name, **unset) for name in ("host", "port", "recovery_port", "owner", "secrets_file")] + [
        here("--keep/--cancel", **{"default": True} | unset,
             help="Keep your orders in the book when this command ends, or cancel them."),
        here("--keep-gtc-and-gtd", is_flag=True, **{"default": False} | unset,
             help="Keep only your GTC and GTD orders when this command ends."),
        here("--timeout", type=click.FloatRange(0, min_open=True), **{"default": 5.0} | unset,
             help="Longest wait for an answer, in seconds."),
        here("--ticks", is_flag=True, **{"default": False} | unset,
             help="Give and show prices in whole ticks; the recovery server is not needed then."),
    ]  # fmt: skip

    return together(options)


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
        pricetime order add ask 5 --order-type market
        pricetime order replace 106700364307545 5@101
        pricetime order cancel 106700364307545
        pricetime order mass-cancel --owner 7 --secrets-file mine.toml

    Quantities are in lots. Prices are in currency: the command asks the exchange for the value of a tick. With --ticks,
    prices are in ticks. An owner has one session at a time, so this login ends an older session of
    the same owner. The options below can also follow the name of the subcommand. Exit code 1: the exchange rejected a
    command.
    """
    context.obj = Place(**where)


instrument_option = click.option("--instrument", type=click.IntRange(0), default=1, help="Instrument id.")

#: Fields that a new order can have and a replace can change.
extension_options = together(
    [
        click.option("--trigger-price", type=PRICE, help="Of a stop or stop-limit order: a trade there triggers it."),
        click.option("--display-quantity", type=QUANTITY, help="Most lots that an iceberg shows at once."),
        click.option("--expiry", "expiry_ns", type=TIME, metavar="TIME",
                     help="End of a gtd order: a UTC time like 2030-01-31T16:30, or ns since 1970."),
        click.option("--protection", type=DISTANCE, metavar="DISTANCE",
                     help="How far a market or stop order may trade from its first price."),
    ]
)  # fmt: skip


@order.command(cls=Words)
@click.argument("side", type=SIDES)
@click.argument("size", metavar="QUANTITY@PRICE", type=SIZE)
@click.option(
    "--order-type",
    type=click.Choice(words_of(OrderType)),
    default="limit",
    help="What the price means. Market, market-to-limit and stop orders have none: give QUANTITY alone.",
)
@click.option(
    "--time-in-force", type=click.Choice(words_of(TimeInForce)), default="gtc", help="How long the order may rest."
)
@click.option("--post-only", is_flag=True, help="Reject the order if it would trade at once.")
@click.option("--at-the-open", is_flag=True, help="Take part in the opening auction only.")
@click.option("--at-the-close", is_flag=True, help="Take part in the closing auction only.")
@click.option("--all-or-none", is_flag=True, help="Wait unseen until the whole quantity can trade.")
@extension_options
@click.option("--minimum-quantity", type=QUANTITY, help="Fewest lots that must trade at once, or none does.")
@click.option("--order-id", type=ORDER_ID, help="Order id that you choose, below 2**48.  [default: from the clock]")
@instrument_option
@sends
def add(**given: Any) -> list[Request]:
    """Add an order: QUANTITY lots at PRICE.

    \b
        pricetime order add ask 5@101.25
        pricetime order add bid 5@-3 --time-in-force ioc
        pricetime order add bid 5 --order-type market --protection 2
        pricetime order add ask 5 --order-type stop --trigger-price 99
        pricetime order add ask 5@98 --order-type stop-limit --trigger-price 99
        pricetime order add bid 500@100 --display-quantity 50
        pricetime order add bid 5@100 --time-in-force gtd --expiry 2030-01-31T16:30
        pricetime order add ask 5 --order-type market --at-the-close

    A stop order waits until a trade reaches its trigger price. It is a market order then, with --protection a limit
    order that far from the trigger price. A stop-limit order is a limit order then. A day order ends with the day, a
    gtd order at its --expiry, a gfa order with the auction of this phase.

    The exchange rejects what its venue does not support and what does not fit together, with the reason.
    """  # fmt: skip
    try:
        return [new_order(**given)]
    except ValueError as error:
        quantity = given["size"].quantity
        raise click.UsageError(f"{error}: write {quantity}@PRICE, or {quantity} --order-type market") from error


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
@click.argument("size", metavar="QUANTITY@PRICE", type=SIZE)
@click.option("--unpriced", is_flag=True, help="The order has no price: a stop or market order. Give QUANTITY alone.")
@extension_options
@instrument_option
@sends
def replace(**given: Any) -> list[Request]:
    """Replace an order: new open QUANTITY and new PRICE.

    \b
        pricetime order replace 106700364307545 5@101
        pricetime order replace 106700364307545 500@101 --display-quantity 20
        pricetime order replace 106700364307545 5 --unpriced --trigger-price 98

    Without --trigger-price, --display-quantity, --expiry and --protection these stay as they are. With one of them,
    give all that the order has. A replace cannot add or remove one.
    """
    try:
        return [replace_order(**given)]
    except ValueError as error:
        quantity = given["size"].quantity
        raise click.UsageError(f"{error}: write {quantity}@PRICE, or {quantity} --unpriced") from error


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
    """List your open orders, oldest first, also those that wait.

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
    """Send the orders of a CSV or JSON file.

    The first line of a CSV file names the columns: action (add, cancel, replace, reduce, mass-cancel), side, quantity,
    price, order_id, instrument, order_type, time_in_force, post_only (yes), at_the_open, at_the_close, all_or_none,
    trigger_price, display_quantity, expiry (a UTC time, or ns since 1970), minimum_quantity, protection, unpriced
    (yes, to replace an order without a price). Leave a column empty if the action does not need it. A JSON file is an
    array of objects with the same names.

    \b
        pricetime order file orders.csv

    \b
        action,side,quantity,price,order_id,order_type
        add,bid,5,100,1
        add,ask,5,,2,market
        replace,,3,101,1

    \b
        [{"action": "add", "side": "ask", "quantity": 5, "order_type": "stop", "trigger_price": 99.5}]
    """
    return list(read_orders(file))


def send(where: Place, requests: Sequence[Request]) -> None:
    """Send commands and print every report; exit code 1 if one was rejected."""
    from .words import line

    rejected = 0
    with connected(where) as client:
        units = price_units(where, needed=needs_units(requests))
        sent = [in_whole_ticks(request, units) for request in requests]
        for start in range(0, len(sent), AT_A_TIME):
            for report in ask(client, sent[start : start + AT_A_TIME], where.timeout):
                click.echo(line(report, units))
                rejected += report.kind == ReportKind.REJECTED
    if rejected:
        raise SystemExit(1)


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


def connected(where: Place) -> Client:
    """A client that is logged in. Raises PricetimeError."""
    from ..client.client import Client

    return Client(
        where.host,
        where.port,
        owner=where.owner,
        secret=secret_of(where.owner, where.secrets_file),
        keep_orders=where.keep and not where.keep_gtc_and_gtd,
        keep_gtc_and_gtd=where.keep_gtc_and_gtd,
        timeout=where.timeout,
    )


def ask(client: Client, requests: Iterable[Request], timeout: float) -> Iterator[ExecutionReport]:
    """Send commands: their reports, and reports of other orders that arrive meanwhile.

    A final cancel names an order that does not exist: when the exchange rejects it, everything before it is done.
    """
    from ..address import text
    from ..client.errors import NotAcknowledged

    for request in requests:
        getattr(client, request.method)(**request.arguments)
    last = randomness.randbits(ORDER_ID_BITS)
    try:
        client.cancel_order(last).exception(timeout)
    except TimeoutError as error:
        raise NotAcknowledged(
            f"{text(client.address)} did not answer within {timeout:g} s: raise --timeout or check the server"
        ) from error
    for report in map(ExecutionReport._make, client.read().tolist()):
        if report.kind != ReportKind.REJECTED or report.order_id != last:
            yield report
