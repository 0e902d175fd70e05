"""The session by which all pages trade: one owner that logs in over TCP, as every other client does.

The sandbox logs in when the server has started, and again whenever its session has ended. It first cancels orders that
are left from an earlier session, so that its order numbers can begin at 1.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from ..client.async_client import AsyncClient
from ..client.future import OrderFuture
from ..errors import InvalidPrice, PricetimeError
from ..exchange.control.secrets import Secrets
from ..prices import in_ticks
from ..types import MAX_QUANTITY, STOPS, UNPRICED, Instruction, OrderType, Side, TimeInForce
from .listed import names
from .orders import INSTRUCTIONS, MOST_ORDERS, OwnOrder, OwnOrders, Request

#: Pause before the next login: it doubles up to the second value.
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0

#: Characters of a price that a page sends: more than any price has.
PRICE_CHARACTERS = 64

#: The largest expiry time.
MOST_NS = 2**64 - 1

#: Order types that may have a protection.
PROTECTED = (OrderType.MARKET, OrderType.STOP)

SIDES = {side.name.lower(): side for side in Side}

# How an order trades, by its names in the form.
TYPES = dict(zip(names(OrderType), OrderType, strict=True))
TIMES = dict(zip(names(TimeInForce), TimeInForce, strict=True))
BITS = {name: bit for bit, name in INSTRUCTIONS.items() if bit != Instruction.EXTENDED}


class Refused(PricetimeError, ValueError):
    """A request of a page that cannot be carried out. The page shows the message."""


class Sandbox:
    """Logs in and trades as one owner, from ``open`` to ``close``.

    ``secrets``: those that are valid now. ``price_units``: the value of one tick, by instrument.
    """

    def __init__(
        self,
        address: tuple[str, int],
        owner: int,
        secrets: Callable[[], Secrets | None],
        price_units: Mapping[int, Decimal],
    ) -> None:
        self.owner = owner
        self.orders = OwnOrders()
        self.ready = False
        self.state = "the order form is logging in"  #: in words, while it is not ready
        self._address, self._secrets = address, secrets
        self._price_units = price_units
        self._client: AsyncClient | None = None
        self._numbers = itertools.count(1)
        self._life: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin, in the running loop."""
        self._life = asyncio.create_task(self._live(), name="pricetime sandbox")

    async def close(self) -> None:
        """Log out. The exchange cancels the orders that rest."""
        if self._life is not None:
            self._life.cancel()
            await asyncio.gather(self._life, return_exceptions=True)

    def news(self) -> dict[str, Any]:
        """What every page shows of the sandbox."""
        return {
            "owner": self.owner,
            "ready": self.ready,
            "state": self.state,
            "orders": self.orders.rows(),
            "positions": self.orders.positions.rows(),
        }

    @property
    def version(self) -> tuple[int, bool, str]:
        """Changes whenever ``news`` does."""
        return self.orders.version, self.ready, self.state

    # ------------------------------------------------------------------ requests of pages

    def add(self, asked: Mapping[str, Any]) -> int:
        """Send an order, whose prices are in currency: its number. Raises PricetimeError."""
        instrument = _whole(asked, "instrument", 0, 2**32 - 1)
        request = requested(asked, self._price_units.get(instrument, Decimal(1)))
        client = self._ready_client()
        if len(self.orders.open) >= MOST_ORDERS:
            raise Refused(f"{MOST_ORDERS} orders are open: cancel some first")
        number = next(self._numbers)
        promise = client.add_order(
            number, request.side, request.price, request.quantity, instrument=instrument,
            order_type=request.order_type,
            time_in_force=request.time_in_force,
            instructions=request.instruction,
            trigger_price=request.trigger_price,
            display_quantity=request.display_quantity,
            minimum_quantity=request.minimum_quantity,
            expiry_ns=request.expiry_ns,
            protection=request.protection,
        )  # fmt: skip
        self.orders.add(OwnOrder(number, instrument, request))
        promise.add_done_callback(partial(self._answered, number))
        return number

    def cancel(self, asked: Mapping[str, Any]) -> int:
        """Cancel an order. Raises PricetimeError."""
        number = _whole(asked, "id", 1, 2**48 - 1)
        order = self.orders.get(number)
        if order is None or order not in self.orders.open:
            raise Refused("this order is no longer open")
        self._ready_client().cancel_order(number, instrument=order.instrument)
        return number

    def cancel_all(self) -> int:
        """Cancel every order: how many are open. Raises PricetimeError."""
        self._ready_client().mass_cancel()
        return len(self.orders.open)

    def _ready_client(self) -> AsyncClient:
        if not self.ready or self._client is None:
            raise Refused(self.state)
        return self._client

    def _answered(self, number: int, promise: OrderFuture) -> None:
        """Mark the order as lost if its command was: no report would say so."""
        error = promise.exception()
        if isinstance(error, ConnectionError):
            self.orders.lose(number, "the connection broke before the order arrived")

    # ------------------------------------------------------------------ the session

    async def _live(self) -> None:
        """Log in again whenever a session ends."""
        loop, pause_s = asyncio.get_running_loop(), FIRST_PAUSE_S
        while True:
            began_s = loop.time()
            try:
                async with AsyncClient(*self._address, owner=self.owner, secret=self._secret()) as client:
                    await client.mass_cancel()
                    self._client, self.ready, self.state = client, True, ""
                    async for report in client.reports():
                        self.orders.take(report)
                self.state = "the exchange has logged the order form out"
            except (PricetimeError, OSError) as error:
                self.state = str(error)
            finally:
                self._client, self.ready = None, False
                self.orders.lose_all("the session of the order form ended")
            if loop.time() - began_s > LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _secret(self) -> bytes:
        """The owner's secret; empty if the exchange takes any login."""
        secrets = self._secrets()
        return b"" if secrets is None else secrets.trader(self.owner) or b""


def requested(asked: Mapping[str, Any], unit: Decimal) -> Request:
    """The order that a page asked for. ``unit``: the value of one tick. Raises Refused and InvalidPrice.

    A field that an order of this type and time in force does not use is ignored.
    """
    side = _one_of(SIDES, asked, "side")
    order_type, time = _one_of(TYPES, asked, "type"), _one_of(TIMES, asked, "time_in_force")
    instruction = _one_of(BITS, asked, "instruction")
    price = None if order_type in UNPRICED else _ticks(asked, "price", unit)
    trigger = _ticks(asked, "trigger_price", unit) if order_type in STOPS else None
    quantity = _whole(asked, "quantity", 1, MAX_QUANTITY)
    display, minimum = (_part(asked, name, quantity) for name in ("display_quantity", "minimum_quantity"))
    expiry_ns = _whole(asked, "expiry", 1, MOST_NS // 1_000_000) * 1_000_000 if time is TimeInForce.GTD else None
    distance = _distance(asked, "protection", unit) if order_type in PROTECTED else None
    return Request(side, quantity, price, order_type, time, instruction, trigger, display, minimum, expiry_ns, distance)


def _name(field: str) -> str:
    return field.replace("_", " ")


def _one_of(choices: Mapping[str, Any], asked: Mapping[str, Any], name: str) -> Any:
    value = asked.get(name)
    if not isinstance(value, str) or value not in choices:
        raise Refused(f"{_name(name)}: give one of {', '.join(filter(None, choices))}")
    return choices[value]


def _whole(asked: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """A whole number. Pages send numbers as text, because JavaScript rounds large ones."""
    text = str(asked.get(name, "")).strip()
    if len(text) > 20 or not text.removeprefix("-").isdecimal() or not text.isascii():
        raise Refused(f"{_name(name)}: give a whole number")
    if not least <= int(text) <= most:
        raise Refused(f"{_name(name)}: give a number from {least} to {most}")
    return int(text)


def _part(asked: Mapping[str, Any], name: str, quantity: int) -> int | None:
    """A part of the quantity; None if the page sends nothing."""
    return _whole(asked, name, 1, quantity) if str(asked.get(name, "")).strip() else None


def _distance(asked: Mapping[str, Any], name: str, unit: Decimal) -> int | None:
    """A distance in ticks, which pages send in currency; None if the page sends nothing."""
    if not str(asked.get(name, "")).strip():
        return None
    ticks = _ticks(asked, name, unit)
    if not 1 <= ticks < 2**32:
        raise Refused(f"{_name(name)}: give a distance from {unit} to {(2**32 - 1) * unit}")
    return ticks


def _ticks(asked: Mapping[str, Any], name: str, unit: Decimal) -> int:
    """A price in ticks. Pages send it in currency, as text."""
    text = str(asked.get(name, "")).strip()
    if not text or len(text) > PRICE_CHARACTERS:
        raise Refused(f"{_name(name)}: give a number")
    try:
        ticks = in_ticks(text, unit)
    except InvalidPrice as error:
        raise Refused(str(error).replace("price", _name(name), 1)) from error
    if not -(2**63) <= ticks < 2**63:
        raise Refused(f"{_name(name)}: the number is too large")
    return ticks
